"""Commits of many steps in one unit of work: what is told in which order, and what fails alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from tests.stack_world import World, template, thing

from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.operations.run import Changes
from penstock.stacks.state import DeployedResource
from penstock.storage import stack_operations, stacks
from penstock.storage.outbox import read_after
from penstock.storage.stacks import ResourceRow

MADE = ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
NAMES = [f"R{number}" for number in range(8)]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.start()
    yield world
    await world.close()


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many commits each unit of work has, those that were undone included."""
    sizes: list[int] = []
    original = Ledger._write

    def write(self: Ledger, connection: sa.Connection, commits: Sequence[Any]) -> None:
        sizes.append(len(commits))
        original(self, connection, commits)

    monkeypatch.setattr(Ledger, "_write", write)
    return sizes


async def end_at_once(world: World, bodies: Mapping[str, str], held: Sequence[str]) -> list[str]:
    """Create stacks whose resources `held` are all made in the same moment; return how they end."""
    gate = asyncio.Event()
    world.handler.held = dict.fromkeys(held, gate)
    await asyncio.gather(*(world.begin_create(body, name) for name, body in bodies.items()))
    while world.handler.calls.total() < len(bodies) * len(held):  # noqa: ASYNC110 - has no event
        await asyncio.sleep(0.001)
    gate.set()
    return [await world.ended(name) for name in bodies]


async def statuses(world: World, stack: str) -> dict[str, list[str]]:
    """Return the statuses of each resource in the order of its events."""
    found: dict[str, list[str]] = {}
    for name, status, _ in await world.events(stack):
        found.setdefault(name, []).append(status)
    return found


async def test_what_ends_at_once_is_one_unit(world: World, groups: list[int]) -> None:
    assert await world.create(template({name: thing() for name in NAMES})) == "CREATE_COMPLETE"
    assert max(groups) == len(NAMES)
    assert sum(groups) == len(NAMES) + 2, "the beginning, each end, and the stack's"
    assert await statuses(world, "app") == {
        "app": ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"], **dict.fromkeys(NAMES, MADE),
    }  # fmt: skip
    events = await world.events()
    assert (events[0][:2], events[-1][:2]) == (
        ("app", "CREATE_IN_PROGRESS"), ("app", "CREATE_COMPLETE"),
    )  # fmt: skip


async def test_followers_are_told_in_the_same_order(world: World, groups: list[int]) -> None:
    bodies = {name: template({one: thing() for one in "ABC"}) for name in ("one", "two")}
    assert await end_at_once(world, bodies, "ABC") == ["CREATE_COMPLETE"] * 2
    assert max(groups) == 6, "those of both stacks"
    outbox = await world.database.read(lambda c: read_after(c, 0))
    for name in bodies:
        told = [
            (one.detail["logicalResourceId"], one.detail["status"], one.detail["reason"])
            for one in outbox
            if one.kind == "stack.EventRecorded" and one.detail["stackName"] == name
        ]
        assert told == await world.events(name)


async def test_a_refused_one_fails_alone(world: World, groups: list[int]) -> None:
    """Stacks that end in the same moment, all of which export the same name."""
    output = {"O": {"Value": "v", "Export": {"Name": "shared"}}}
    names = [f"s{number}" for number in range(6)]
    body = template({"A": thing()}, Outputs=output)
    ended = Counter(await end_at_once(world, dict.fromkeys(names, body), "A"))
    assert ended == {"CREATE_COMPLETE": 1, "ROLLBACK_COMPLETE": 5}
    assert max(groups) == len(names)
    [export] = await world.database.read(stacks.exports)
    for name in names:
        row = await world.stacks.row(name)
        assert row is not None
        made = export.stack_id == row.id
        assert row.status == ("CREATE_COMPLETE" if made else "ROLLBACK_COMPLETE")
        found = await statuses(world, name)
        assert found["A"] == MADE + ([] if made else ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"])


async def test_what_cannot_be_stored_fails_its_own_step(
    world: World, groups: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = stacks.put_resources

    def put(connection: sa.Connection, rows: Sequence[ResourceRow]) -> None:
        original(connection, rows)
        if any(row.logical_id == "R3" and row.status == "CREATE_COMPLETE" for row in rows):
            raise ValueError("a row that the database does not take")

    monkeypatch.setattr(stacks, "put_resources", put)
    assert await world.create(template({name: thing() for name in NAMES})) == "ROLLBACK_COMPLETE"
    assert max(groups) == len(NAMES)
    found = await statuses(world, "app")
    gone = ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert found.pop("R3") == ["CREATE_IN_PROGRESS", "CREATE_FAILED", *gone]
    assert found.pop("app")[-1] == "ROLLBACK_COMPLETE"
    assert found == {name: MADE + gone for name in NAMES if name != "R3"}
    assert world.store.things() == []
    assert set(world.store.effects().values()) == {1}


async def test_an_answers_secrets_are_known_at_once(world: World) -> None:
    """What a custom resource answered as NoEcho is masked from then on, also where secrets were
    asked for before; and what it no longer answers is not."""
    await world.begin_create(template({"A": thing()}))
    [operation_id] = await world.database.read(stack_operations.unfinished)
    run = await world.stacks._ledger.load(operation_id)
    assert run is not None
    assert run.secrets.masked_text("hunter2") == "hunter2"
    made = DeployedResource(
        "C", "Custom::C", "c", "CREATE_COMPLETE", {}, {"Password": "hunter2"}, "kept", no_echo=True
    )
    run.make(Changes(resources=[(made, None)]))
    assert run.secrets.masked_text("hunter2") == "****"
    run.make(Changes(resources=[(msgspec.structs.replace(made, attributes={}), None)]))
    assert run.secrets.masked_text("hunter2") == "hunter2"
    run.make(Changes(resources=[(made, None)]))
    run.make(Changes(gone=["C"]))
    assert run.secrets.masked_text("hunter2") == "hunter2"
    await world.ended("app")
