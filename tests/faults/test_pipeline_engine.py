"""The engine dies at every stored step and at every effect; the next one ends the same.

A crash is a BaseException out of the database or the provider, after which nothing more is
written. The engine is then rebuilt on the same file; the rows, the outside store and the
number of executions must be those of an undisturbed run.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.pipeline_world import Crash, World, build, document, source

DECLARATION = document(
    {
        "name": "Source",
        "actions": [source("App", "AppSource"), source("Deploy", "DeploySource")],
    },
    {
        "name": "Build",
        "actions": [
            build("One", ("AppSource",)),
            build("Two", ("AppSource", "DeploySource")),
            build("Last", runOrder=2),
        ],
    },
)
EFFECTS = ("Source/App", "Source/Deploy", "Build/One", "Build/Two", "Build/Last")


async def ready(path: Path) -> World:
    """A world with the pipeline in it, whose writes are counted from here."""
    world = World(path)
    await world.start()
    await world.create(DECLARATION)
    world.database.writes = 0
    return world


async def run_to_the_end(world: World, *, pushed: bool) -> None:
    """Push unless that is done, and see every execution end."""
    if not pushed:
        await world.push("c1")
    await world.until(lambda: bool(world.statuses()))
    await world.until_ended()


def outcome(world: World) -> dict[str, Any]:
    """What must not depend on whether somebody died."""
    return {
        "executions": sorted(world.statuses().items()),
        "stages": world.query(
            "SELECT stage_name, status, attempt FROM stage_runs ORDER BY stage_name"
        ),
        "actions": world.query(
            "SELECT id, stage_name, action_name, status, continuation_token IS NULL, "
            "external_execution_id, output_variables FROM action_executions ORDER BY id"
        ),
        "effects": sorted(world.store.done.items()),
    }


@pytest.fixture
async def undisturbed(tmp_path: Path) -> tuple[dict[str, Any], int]:
    world = await ready(tmp_path / "undisturbed.db")
    await run_to_the_end(world, pushed=False)
    result = outcome(world), world.database.writes
    await world.stop()
    assert sorted(world.store.done.values()) == sorted(EFFECTS)
    return result


async def live_again(world: World) -> None:
    """The server comes back; a push that was not acknowledged is pushed again."""
    world.provider.crash = lambda _point: None
    await world.restart()
    pushed = world.query("SELECT 1 FROM events WHERE kind = 'repository.ReferenceUpdated'")
    await run_to_the_end(world, pushed=bool(pushed))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_death_around_every_write(
    when: str, undisturbed: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    expected, writes = undisturbed
    assert writes >= 7
    died = 0
    for number in range(1, writes + 1):
        world = await ready(tmp_path / f"{when}-{number}.db")
        world.database.die_at = (when, number)
        if number == 1:  # the push itself: the repositories' write
            with pytest.raises(Crash):
                await world.push("c1")
        else:
            await world.push("c1")
        await world.until(lambda: world.database.dead.is_set() or ended(world))  # noqa: B023
        died += world.database.dead.is_set()
        await live_again(world)
        assert outcome(world) == expected, f"died {when} write {number}"
        await world.stop()
    assert died >= writes - 2, "group commits make the number of writes vary a little"


def ended(world: World) -> bool:
    statuses = list(world.statuses().values())
    return bool(statuses) and all(status != "InProgress" for status in statuses)


@pytest.mark.parametrize(
    "point", [f"{when} {name}" for name in EFFECTS for when in ("before", "after")]
)
async def test_death_around_every_effect(
    point: str, undisturbed: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    expected, _ = undisturbed
    world = await ready(tmp_path / "effect.db")
    _, name = point.split()

    def crash(reached: str) -> None:
        if reached == point:
            world.database.die()

    world.provider.crash = crash
    await world.push("c1")
    await world.until(world.database.dead.is_set)
    await live_again(world)
    assert outcome(world) == expected
    attempts = world.store.attempts
    assert attempts.pop(name) == 2, "what had no token is started again, under the same id"
    siblings = {one for one in attempts if one.split("/")[0] == name.split("/")[0]}
    assert all(attempts[one] == 1 for one in attempts if one not in siblings)
    await world.stop()


async def test_death_twice_in_a_row(
    undisturbed: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    expected, writes = undisturbed
    for number in range(2, writes + 1):
        world = await ready(tmp_path / f"twice-{number}.db")
        world.database.die_at = ("after", number)
        await world.push("c1")
        await world.until(lambda: world.database.dead.is_set() or ended(world))  # noqa: B023
        await world.stop()
        await world.start()
        world.database.die_at = ("before", 1)
        await world.until(lambda: world.database.dead.is_set() or ended(world))  # noqa: B023
        await live_again(world)
        assert outcome(world) == expected, f"died after write {number} and at the next start"
        await world.stop()
