"""Change sets where they meet crashes and one another: each request is one unit of work."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tests.stack_world import ROOT, World, template, thing

from penstock.aws.errors import ServiceError
from penstock.stacks.change_sets.change_set import ChangeSet, ExecutionStatus
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.storage import change_sets as rows
from penstock.storage.encryption import Cipher


def made_on(world: World) -> ChangeSets:
    cipher = Cipher.open(world.directory / "key")
    return ChangeSets(world.database, cipher, world.stacks, world.stacks.in_process, world.clock)


def request(value: str = "v1", name: str = "cs", kind: str = "CREATE", **more: Any) -> Any:
    body = template({"A": thing(value)})
    return {"StackName": "app", "ChangeSetName": name, "ChangeSetType": kind,
            "TemplateBody": body, **more}  # fmt: skip


async def refused(call: Any) -> str:
    with pytest.raises(ServiceError) as raised:
        await call
    return raised.value.message


@pytest.fixture
async def world(tmp_path: Path) -> Any:
    world = World(tmp_path)
    await world.start()
    yield world
    await world.close()


async def test_only_one_of_two_executions_begins(world: World) -> None:
    change_sets = made_on(world)
    made = await change_sets.create(ROOT, request())
    ended = await asyncio.gather(
        *(change_sets.execute(made.row.arn, None, ROOT) for _ in range(5)), return_exceptions=True
    )
    assert [each for each in ended if each is None] == [None]
    refusals = {each.message for each in ended if isinstance(each, ServiceError)}
    status = "cannot be executed in its current execution status of [EXECUTE_IN_PROGRESS]"
    assert refusals == {f"ChangeSet [{made.row.arn}] {status}"}
    assert await world.ended("app") == "CREATE_COMPLETE"
    assert [count for (_, action, _), count in world.store.effects().items()] == [1]


async def test_an_update_and_an_execution_at_once_one_wins(world: World) -> None:
    await world.create(template({"A": thing("v0")}))
    change_sets = made_on(world)
    made = await change_sets.create(ROOT, request(kind="UPDATE"))
    ended = await asyncio.gather(
        change_sets.execute(made.row.arn, None, ROOT),
        world.begin_update(template({"A": thing("v2")})),
        return_exceptions=True,
    )
    [refusal] = [each for each in ended if each is not None]
    assert isinstance(refusal, ServiceError)
    assert "is in UPDATE_IN_PROGRESS state and can not be updated." in refusal.message or (
        "[OBSOLETE]" in refusal.message
    )
    assert await world.ended("app") == "UPDATE_COMPLETE"
    won = "v1" if ended[0] is None else "v2"
    assert [properties["Value"] for _, _, properties in world.store.things()] == [won]


async def test_two_at_once_of_one_name_and_of_a_new_stack(world: World) -> None:
    change_sets = made_on(world)
    same = await asyncio.gather(
        *(change_sets.create(ROOT, request(ClientToken="t")) for _ in range(3)),
        change_sets.create(ROOT, request("v2", "other")),
    )
    assert len({each.row.arn for each in same[:3]}) == 1
    assert len({each.row.stack_id for each in same}) == 1
    assert len(await change_sets.all("app")) == 2


async def test_a_deletion_is_refused_while_it_is_executed(world: World) -> None:
    change_sets = made_on(world)
    made = await change_sets.create(ROOT, request())
    world.handler.held["A"] = asyncio.Event()
    await change_sets.execute(made.row.arn, None, ROOT)
    message = await refused(change_sets.delete("cs", "app"))
    assert message.startswith("An operation on this ChangeSet is currently in progress.")
    world.handler.held["A"].set()
    assert await world.ended("app") == "CREATE_COMPLETE"
    await change_sets.delete("cs", "app")
    assert await change_sets.all("app") == []


async def test_what_was_executed_names_the_plan_that_was_shown(world: World) -> None:
    change_sets = made_on(world)
    made = await change_sets.create(ROOT, request())
    assert await world.stacks.executed_digest("app") is None
    await change_sets.execute(made.row.arn, None, ROOT)
    assert await world.stacks.executed_digest("app") == made.row.digest
    await world.ended("app")
    await world.stop()
    await world.start()
    assert await world.stacks.executed_digest(made.row.stack_id) == made.row.digest
    await world.update(template({"A": thing("v2")}))
    assert await world.stacks.executed_digest("app") != made.row.digest
    await world.delete()
    assert await world.stacks.executed_digest(made.row.stack_id) is None
    assert await world.stacks.executed_digest("nobody") is None


async def test_two_equal_requests_have_digests_of_their_own(world: World) -> None:
    """A digest names one plan, and cannot be guessed from what a secret may be."""
    change_sets = made_on(world)
    made = [await change_sets.create(ROOT, request(name=name)) for name in ("one", "two")]
    assert made[0].row.digest != made[1].row.digest
    plans = [each.document.plan for each in made]
    assert plans[0] is not None
    assert plans[1] is not None
    assert dataclasses.replace(plans[0], extra={}) == dataclasses.replace(plans[1], extra={})
    again = await change_sets.find(made[0].row.arn)
    assert again.document.plan is not None
    assert again.document.plan.digest == made[0].row.digest


async def test_a_plan_that_is_not_the_one_shown_is_not_executed(world: World) -> None:
    change_sets = made_on(world)
    made = await change_sets.create(ROOT, request())
    other = await change_sets.create(ROOT, request("v2", "other"))
    await world.database.write(lambda c: _put(c, made, other.row.sealed))
    message = await refused(change_sets.execute(made.row.arn, None, ROOT))
    assert message.endswith("execution status of [OBSOLETE]")
    found = await change_sets.find(made.row.arn)
    assert found.row.execution_status == ExecutionStatus.OBSOLETE
    assert "another version of Penstock" in str(found.row.status_reason)
    assert world.store.things() == []


def _put(connection: Any, made: ChangeSet, sealed: str) -> None:
    assert rows.change(connection, made.row, ExecutionStatus.AVAILABLE, sealed=sealed)
