"""A rollback of several failed updates dies at every stored step; the next server ends the same."""

from pathlib import Path
from typing import Any

import pytest

from tests.pipeline_world import MortalDatabase
from tests.stack_world import ROOT, World, template, thing

STABLE = {"A": thing("1"), "R": thing("1", name="one")}


def broken(value: str, name: str) -> str:
    """An update that changes A, replaces R, and then fails with B."""
    changed: dict[str, Any] = {"A": thing(value), "R": thing(value, name=name)}
    changed["B"] = thing("b", how="fail-after", DependsOn=["A", "R"])
    return template(changed)


async def failed_twice(directory: Path) -> World:
    world = World(directory)
    await world.start()
    await world.create(template(STABLE))
    for value, name in (("2", "two"), ("3", "three")):
        assert await world.update(broken(value, name), disable_rollback=True) == "UPDATE_FAILED"
    await world.stop()
    await world.start()
    return world


async def roll_back(world: World) -> None:
    """Ask for the rollback, if it was not taken yet, and wait for its end, or the server's."""
    row = await world.stacks.row("app")
    assert row is not None
    if row.status == "UPDATE_FAILED":
        await world.stacks.recoveries.roll_back(row, principal=ROOT)
    await world.ended("app")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_death_around_every_fourth_write(when: str, tmp_path: Path) -> None:
    world = await failed_twice(tmp_path)
    stable = {"A": "1", "R": "1"}
    assert isinstance(world.database, MortalDatabase)
    await roll_back(world)
    writes = world.database.writes
    effects = len(world.store.effects())
    await world.close()
    assert writes > 8
    for number in range(1, writes + 1, 4):
        directory = tmp_path / str(number)
        directory.mkdir()
        world = await failed_twice(directory)
        assert isinstance(world.database, MortalDatabase)
        world.database.die_at = (when, number)
        await world.database.until_death(roll_back(world))
        await world.stop()
        await world.start()
        await roll_back(world)
        row = await world.stacks.row("app")
        assert row is not None
        assert row.status == "UPDATE_ROLLBACK_COMPLETE", f"died {when} write {number}"
        left = {name: properties["Value"] for name, _, properties in world.store.things()}
        assert left == stable, f"died {when} write {number}"
        assert set(world.store.effects().values()) == {1}
        assert len(world.store.effects()) == effects
        assert world.store.violations() == []
        await world.close()
