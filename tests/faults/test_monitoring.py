"""An operation that waits before it cleans up: the time goes on while no server runs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from penstock.stacks.operations.operation import Options
from tests.stack_world import World, template, thing


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.start()
    yield world
    await world.close()


async def until_made(world: World, count: int) -> str:
    """Wait until so many things are there, and the last of them is stored; return the status."""
    async with asyncio.timeout(20):
        while True:
            row = await world.stacks.row("app")
            assert row is not None
            last = (await world.events())[-1]
            if len(world.store.things()) == count and last[1].endswith("_COMPLETE"):
                return row.status
            await asyncio.sleep(0.002)


async def after(world: World, minutes: float) -> None:
    """Let the server die, and another begin so much later."""
    await world.stop()
    world.now += timedelta(minutes=minutes)
    await world.start()


async def test_a_restart_waits_no_longer_than_the_rest(world: World) -> None:
    await world.create(template({"A": thing(name="one")}))
    await world.begin_update(template({"A": thing(name="two")}), monitoring_minutes=10)
    assert await until_made(world, 2) == "UPDATE_IN_PROGRESS"
    await asyncio.sleep(0.05)  # when it began to wait is stored
    await after(world, 9)
    await asyncio.sleep(0.2)
    assert len(world.store.things()) == 2, "nothing is cleaned up before the time is over"
    await after(world, 1.1)
    assert await world.ended("app") == "UPDATE_COMPLETE"
    [(_, _, properties)] = world.store.things()
    assert properties["Name"] == "two"
    state = await world.stacks.state("app")
    assert state is not None
    assert state.monitoring_minutes == 10


async def test_a_creation_waits_too_and_its_time_out_counts(world: World) -> None:
    await world.begin_create(
        template({"A": thing()}), monitoring_minutes=10, options=Options(timeout_minutes=5)
    )
    assert await until_made(world, 1) == "CREATE_IN_PROGRESS"
    await after(world, 6)
    assert await world.ended("app") == "ROLLBACK_COMPLETE"


async def test_a_creation_ends_when_the_time_is_over(world: World) -> None:
    await world.begin_create(template({"A": thing()}), monitoring_minutes=10)
    assert await until_made(world, 1) == "CREATE_IN_PROGRESS"
    await asyncio.sleep(0.05)
    await after(world, 10.1)
    assert await world.ended("app") == "CREATE_COMPLETE"
