"""Ending an operation differently: what is tried again, as whom, and what a late request changes.

What callers are answered is in tests/contract/cloudformation (test_stacks, test_stack_states).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.stack_world import ACCOUNT, ROOT, World, template, thing

from penstock.aws.errors import ServiceError
from penstock.aws.principals import root
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    Progress,
    ResourceRequest,
)
from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.operations.operation import Options
from penstock.stacks.operations.run import Run
from penstock.storage import stack_operations
from penstock.storage.stack_operations import OperationRow
from penstock.storage.stacks import StackRow

OTHER = root("210987654321")
V1 = template({"A": thing("v1"), "B": thing("v1")})
V2 = template({"A": thing("v2"), "B": thing("v2"), "C": thing("v2", ["A", "B"], how="fail-before")})


class Stuck:
    """Has updates back to v1 fail, and writes down every request for an update."""

    def __init__(self, world: World, names: set[str]) -> None:
        self.names = names
        self.requests: list[ResourceRequest] = []
        self._update = world.handler.update
        world.handler.update = self.update  # type: ignore[method-assign]

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        self.requests.append(request)
        if request.logical_resource_id in self.names and "v1" in request.properties["Value"]:
            return Failed(HandlerErrorCode.RESOURCE_CONFLICT, "stuck", request.physical_resource_id)
        return await self._update(request, context)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.start()
    yield world
    await world.close()


async def stuck(world: World, *names: str) -> Stuck:
    """Leave the stack `app` in UPDATE_ROLLBACK_FAILED over these resources."""
    assert await world.create(V1) == "CREATE_COMPLETE"
    made = Stuck(world, set(names))
    assert await world.update(V2) == "UPDATE_ROLLBACK_FAILED"
    return made


async def row(world: World) -> StackRow:
    found = await world.stacks.row("app")
    assert found is not None
    return found


async def stored(world: World) -> OperationRow:
    operation_id = (await row(world)).operation_id
    assert operation_id is not None
    found = await world.database.read(lambda c: stack_operations.get(c, operation_id))
    assert found is not None
    return found


def values(world: World) -> dict[str, str]:
    return {name: thing["Value"].split("|")[0] for name, _, thing in world.store.things()}


async def test_only_what_failed_is_tried_again_under_another_token(world: World) -> None:
    """A handler that remembers the token of a call that failed must not give its answer again."""
    refusing = await stuck(world, "A")
    assert values(world) == {"A": "v2", "B": "v1"}, "B went back"
    back = [one for one in refusing.requests if one.properties["Value"] == "v1"]
    [first] = [one for one in back if one.logical_resource_id == "A"]
    refusing.names.clear()
    refusing.requests.clear()
    await world.stacks.recoveries.continue_rollback(await row(world), (), principal=ROOT)
    assert await world.ended("app") == "UPDATE_ROLLBACK_COMPLETE"
    assert values(world) == {"A": "v1", "B": "v1"}
    [again] = refusing.requests
    assert again.logical_resource_id == "A"
    assert again.client_request_token != first.client_request_token


async def test_it_goes_on_as_who_asked_for_that(world: World) -> None:
    refusing = await stuck(world, "A")
    assert {one.principal for one in refusing.requests} == {ROOT}
    refusing.names.clear()
    refusing.requests.clear()
    await world.stacks.recoveries.continue_rollback(
        await row(world), (), principal=OTHER, token="again"
    )
    assert await world.ended("app") == "UPDATE_ROLLBACK_COMPLETE"
    assert [one.principal for one in refusing.requests] == [OTHER]
    assert (await stored(world)).token == "again"


async def test_what_is_skipped_counts_as_what_it_was(world: World) -> None:
    refusing = await stuck(world, "A")
    refusing.requests.clear()
    await world.stacks.recoveries.continue_rollback(await row(world), ["A"], principal=ROOT)
    assert await world.ended("app") == "UPDATE_ROLLBACK_COMPLETE"
    assert refusing.requests == []
    assert values(world) == {"A": "v2", "B": "v1"}
    state = await world.stacks.state("app")
    assert state is not None
    assert state.resources["A"].status == "UPDATE_COMPLETE"
    assert state.resources["A"].properties["Value"] == "v1", "as AWS: out of step with the thing"


async def test_only_what_failed_may_be_skipped(world: World) -> None:
    await stuck(world, "A")
    before = await stored(world)
    with pytest.raises(ServiceError, match=r"must be in UPDATE_FAILED state, found others: \[B\]"):
        await world.stacks.recoveries.continue_rollback(
            await row(world), ["A", "B"], principal=ROOT
        )
    assert (await row(world)).status == "UPDATE_ROLLBACK_FAILED"
    assert await stored(world) == before


async def test_a_late_request_to_go_on_changes_nothing(world: World) -> None:
    """Two requests that saw the same failure: the second comes when the first is done."""
    refusing = await stuck(world, "A")
    seen = await row(world)
    refusing.names.clear()
    await world.stacks.recoveries.continue_rollback(seen, (), principal=ROOT)
    assert await world.ended("app") == "UPDATE_ROLLBACK_COMPLETE"
    before, after = await row(world), await stored(world)
    with pytest.raises(ServiceError, match="has moved on"):
        await world.stacks.recoveries.continue_rollback(seen, (), principal=OTHER, token="late")
    assert await row(world) == before
    assert await stored(world) == after
    assert not after.active


async def test_a_request_that_saw_an_earlier_failure_is_late_too(world: World) -> None:
    """Locks: in the same status again, steps were stored as they had been before."""
    refusing = await stuck(world, "A", "B")
    seen = await row(world)
    refusing.names = {"A"}
    await world.stacks.recoveries.continue_rollback(seen, (), principal=ROOT)
    assert await world.ended("app") == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ServiceError, match="has moved on"):
        await world.stacks.recoveries.continue_rollback(seen, (), principal=ROOT)
    assert (await row(world)).status == "UPDATE_ROLLBACK_FAILED"
    assert values(world) == {"A": "v2", "B": "v1"}


async def test_a_rollback_that_was_stored_goes_on_after_a_restart(world: World) -> None:
    refusing = await stuck(world, "A")
    refusing.names.clear()
    world.handler.trouble = {"update A": 1_000_000}
    await world.stacks.recoveries.continue_rollback(await row(world), (), principal=ROOT)
    await world.stop()
    world.handler.trouble = {}
    await world.start()
    assert await world.ended("app") == "UPDATE_ROLLBACK_COMPLETE"
    assert values(world) == {"A": "v1", "B": "v1"}


async def test_a_role_that_cannot_be_assumed_is_refused_before_anything_is_stored(
    world: World,
) -> None:
    await stuck(world, "A")
    before = await stored(world)
    role = f"arn:aws:iam::{ACCOUNT}:role/absent"
    with pytest.raises(ServiceError, match="is invalid or cannot be assumed"):
        await world.stacks.recoveries.continue_rollback(
            await row(world), (), principal=ROOT, role_arn=role
        )
    assert await stored(world) == before
    assert (await row(world)).status == "UPDATE_ROLLBACK_FAILED"


@pytest.mark.parametrize(("retain_except_on_create", "left"), [(False, ["A"]), (True, [])])
async def test_a_kept_creation_is_rolled_back_as_the_request_says(
    world: World, retain_except_on_create: bool, left: list[str]
) -> None:
    body = template(
        {"A": thing(DeletionPolicy="Retain"), "B": thing(after=["A"], how="fail-before")}
    )
    kept = Options(on_failure="DO_NOTHING")
    assert await world.create(body, options=kept) == "CREATE_FAILED"
    told = await world.stacks.recoveries.roll_back(
        await row(world), principal=ROOT, retain_except_on_create=retain_except_on_create
    )
    assert await world.ended("app") == "ROLLBACK_COMPLETE"
    assert [name for name, _, _ in world.store.things()] == left
    found = await world.stacks.operation_events((await row(world)).id)
    begun = [one.own for one in found if one.own and one.own.status == "IN_PROGRESS"]
    assert [(one.operation_type, one.operation_id == told) for one in begun] == [
        ("CREATE_STACK", False), ("ROLLBACK", True),
    ]  # fmt: skip


async def test_a_late_request_to_roll_back_changes_nothing(world: World) -> None:
    """Locks: the second of two requests at once was an internal failure."""
    body = template({"A": thing(how="fail-before")})
    await world.create(body, options=Options(on_failure="DO_NOTHING"))
    seen = await row(world)
    await world.stacks.recoveries.roll_back(seen, principal=ROOT)
    assert await world.ended("app") == "ROLLBACK_COMPLETE"
    before, after = await row(world), await stored(world)
    with pytest.raises(ServiceError, match="has moved on"):
        await world.stacks.recoveries.roll_back(seen, principal=OTHER)
    assert await row(world) == before
    assert await stored(world) == after
    with pytest.raises(ServiceError, match="is in ROLLBACK_COMPLETE state and can not be rolled"):
        await world.stacks.recoveries.roll_back(before, principal=ROOT)


async def test_a_request_that_saw_an_earlier_failed_update_is_late_too(world: World) -> None:
    """Locks: in the same status again, the operation before the last one was taken up."""
    await world.create(template({"A": thing("v1")}))
    failing = template({"A": thing("v2", how="fail-before")})
    assert await world.update(failing, disable_rollback=True) == "UPDATE_FAILED"
    seen = await row(world)
    assert await world.update(failing, disable_rollback=True) == "UPDATE_FAILED"
    before, after = await row(world), await stored(world)
    with pytest.raises(ServiceError, match="has moved on"):
        await world.stacks.recoveries.roll_back(seen, principal=ROOT)
    assert await row(world) == before
    assert await stored(world) == after


async def test_a_late_cancellation_changes_nothing(world: World) -> None:
    """The update ends between the caller's look at the stack and its stop."""
    await world.create(template({"A": thing("v1")}))
    await world.begin_update(template({"A": thing("v2")}))
    seen = await row(world)
    assert seen.status == "UPDATE_IN_PROGRESS"
    assert await world.ended("app") == "UPDATE_COMPLETE"
    await world.stacks.recoveries.cancel_update(seen)
    assert await world.ended("app") == "UPDATE_COMPLETE"
    assert values(world) == {"A": "v2"}
    with pytest.raises(ServiceError, match="cannot be called from current stack status"):
        await world.stacks.recoveries.cancel_update(await row(world))


@pytest.mark.parametrize("moment", ["loaded", "looked at again"])
async def test_a_cancellation_while_the_update_is_loaded_is_heard(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Locks: it was accepted, and the update went on to its end."""
    await world.create(template({"A": thing("v1")}))
    reached, cancelled = asyncio.Event(), asyncio.Event()
    load, refresh = Ledger.load, Ledger.refresh

    async def hold(found: Any) -> Any:
        reached.set()
        await cancelled.wait()
        return found

    async def loaded(ledger: Ledger, operation_id: str) -> Run | None:
        return await hold(await load(ledger, operation_id))  # type: ignore[no-any-return]

    async def looked_at_again(ledger: Ledger, run: Run) -> None:
        async def read(work: Any) -> Any:
            patched.undo()
            return await hold(await world.database.read(work))

        patched.setattr(world.database, "read", read)
        await refresh(ledger, run)

    patched = pytest.MonkeyPatch()
    if moment == "loaded":
        monkeypatch.setattr(Ledger, "load", loaded)
    else:
        monkeypatch.setattr(Ledger, "refresh", looked_at_again)
    await world.begin_update(template({"A": thing("v2")}))
    await asyncio.wait_for(reached.wait(), 5)
    await world.stacks.recoveries.cancel_update(await row(world))
    cancelled.set()
    assert await world.ended("app") == "UPDATE_ROLLBACK_COMPLETE"
    assert values(world) == {"A": "v1"}


async def test_a_deleted_stack_is_told_of_for_ninety_days(world: World) -> None:
    await world.create(template({"A": thing()}))
    stack_id = (await row(world)).id
    assert await world.delete() == "DELETE_COMPLETE"
    deleted = await world.stacks.row(stack_id)
    assert deleted is not None
    world.now += timedelta(days=89, hours=23)
    assert not world.stacks.is_forgotten(deleted)
    world.now += timedelta(hours=2)
    assert world.stacks.is_forgotten(deleted)
