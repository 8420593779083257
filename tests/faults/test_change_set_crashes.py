"""The server dies around every write of a change set's life; whoever asks again gets it done.

A client repeats its requests with their tokens until they are answered. After each death there is
no stack in review without a change set that can be executed or deleted, no change set that is being
executed for ever, and in the end everything was done exactly once.
"""

from pathlib import Path
from typing import Any

import pytest

from penstock.stacks.change_sets.change_set import ExecutionStatus
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.storage.encryption import Cipher
from tests.pipeline_world import MortalDatabase
from tests.stack_world import ROOT, World, template, thing

FIRST = template({"A": thing("v1"), "B": thing("v1", ["A"])})
SECOND = template({"A": thing("v2"), "C": thing("v1", ["A"])})


def change_sets_of(world: World) -> ChangeSets:
    cipher = Cipher.open(world.directory / "key")
    return ChangeSets(world.database, cipher, world.stacks, world.stacks.in_process, world.clock)


def request(name: str, kind: str, body: str) -> dict[str, Any]:
    return {
        "StackName": "app", "ChangeSetName": name, "ChangeSetType": kind, "TemplateBody": body,
        "ClientToken": f"create-{name}",
    }  # fmt: skip


async def journey(world: World) -> None:
    """Create a stack and change it by change sets; a last change set is made and deleted."""
    change_sets = change_sets_of(world)
    last: str | None = None
    for name, kind, body in (("one", "CREATE", FIRST), ("two", "UPDATE", SECOND)):
        made = await change_sets.create(ROOT, request(name, kind, body))
        await change_sets.execute(made.row.arn, None, ROOT, f"execute-{name}")
        await world.ended("app")
        executed = await change_sets.find(made.row.arn)
        assert executed.row.execution_status == ExecutionStatus.EXECUTE_COMPLETE
        last = executed.row.digest
    assert await world.stacks.executed_digest("app") == last
    await change_sets.create(ROOT, request("three", "UPDATE", FIRST))
    await change_sets.delete("three", "app")


async def until_death(world: World) -> None:
    assert isinstance(world.database, MortalDatabase)
    await world.database.until_death(journey(world))


async def check_nothing_is_half_made(world: World) -> None:
    """What the new server finds: everything has a way on."""
    change_sets = change_sets_of(world)
    row = await world.stacks.row("app")
    if row is None:
        return
    found = await change_sets.all("app")
    if row.status == "REVIEW_IN_PROGRESS":
        assert [each.execution_status for each in found] == [ExecutionStatus.AVAILABLE]
    else:
        await world.ended("app")
    for each in await change_sets.all("app", executed=True):
        assert each.execution_status != ExecutionStatus.EXECUTE_IN_PROGRESS


async def check_the_end(world: World) -> None:
    assert [name for name, _, _ in world.store.things()] == ["A", "C"]
    assert set(world.store.effects().values()) == {1}
    assert world.store.violations() == []
    assert await world.ended("app") == "UPDATE_COMPLETE"
    found = await change_sets_of(world).all("app", executed=True)
    assert [each.name for each in found] == ["one", "two"]


async def writes_of(directory: Path) -> int:
    world = World(directory)
    await world.start()
    await journey(world)
    await check_the_end(world)
    assert isinstance(world.database, MortalDatabase)
    writes = world.database.writes
    await world.close()
    return writes


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_death_around_every_write(when: str, tmp_path: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    writes = await writes_of(undisturbed)
    died = 0
    for number in range(1, writes + 1):
        directory = tmp_path / str(number)
        directory.mkdir()
        world = World(directory)
        await world.start()
        assert isinstance(world.database, MortalDatabase)
        world.database.die_at = (when, number)
        await until_death(world)
        died += world.database.dead.is_set()
        await world.stop()
        await world.start()
        await check_nothing_is_half_made(world)
        await journey(world)
        await check_the_end(world)
        await world.close()
    assert died >= writes - 3, "concurrent steps make the number vary a little"


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_review_that_was_cut_short_can_be_deleted(
    when: str, number: int, tmp_path: Path
) -> None:
    """Write 1 makes the stack and its change set, write 2 begins the execution."""
    world = World(tmp_path)
    await world.start()
    assert isinstance(world.database, MortalDatabase)
    world.database.die_at = (when, number)
    await until_death(world)
    assert world.database.dead.is_set()
    await world.stop()
    await world.start()
    change_sets = change_sets_of(world)
    row = await world.stacks.row("app")
    assert (row is None) == ((when, number) == ("before", 1))
    if row is not None and row.status == "REVIEW_IN_PROGRESS":
        await change_sets.delete("one", "app")
        assert await change_sets.all("app") == []
        assert await world.delete() == "DELETE_COMPLETE"
    elif row is not None:
        assert await world.ended("app") == "CREATE_COMPLETE"
        [executed] = await change_sets.all("app", executed=True)
        assert executed.execution_status == ExecutionStatus.EXECUTE_COMPLETE
        assert await world.delete() == "DELETE_COMPLETE"
    assert world.store.things() == []
    await journey(world)
    assert [name for name, _, _ in world.store.things()] == ["A", "C"]
    await world.close()
