"""The provisioner dies at every stored step and around every effect; the next one ends the same.

A crash is a BaseException out of the database or the handler, after which nothing more is
written; at the end of this file the process itself is killed. In every case the store outside
shows each effect exactly once, and the stack ends as in an undisturbed run.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline_world import MortalDatabase
from tests.stack_journey import STAGES, advance, finished
from tests.stack_world import Store, World

MOMENTS = [
    f"{when} {effect}"
    for effect in (
        "create A", "create B", "create C", "update A", "create D", "update C", "delete B",
        "delete D", "delete A", "delete C",
    )
    for when in ("before", "after")
]  # fmt: skip


async def journey(world: World) -> None:
    """Create, update with a replacement and a removal, an update that fails, delete."""
    while not await finished(world):
        await advance(world)


def outcome(world: World) -> dict[str, Any]:
    """What must not depend on whether somebody died: tokens belong to an operation's random id,
    so effects are counted by resource."""
    effects = world.store.effects()
    assert set(effects.values()) == {1}, "nothing is done twice under one token"
    return {
        "things": world.store.things(),
        "effects": sorted(Counter((action, name) for _, action, name in effects).items()),
        "violations": world.store.violations(),
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        world = World(tmp_path_factory.mktemp("undisturbed"))
        await world.start()
        await journey(world)
        assert isinstance(world.database, MortalDatabase)
        result = outcome(world) | {"writes": world.database.writes}
        result["events"] = await told(world)
        await world.close()
        return result

    return asyncio.run(run())


async def told(world: World) -> Counter[tuple[str, str]]:
    """The events, each of which exists once: how often each is told of each resource."""
    [row] = await world.stacks.rows(deleted=True)
    return Counter((name, status) for name, status, _ in await world.events(row.id))


async def run_until_death(world: World) -> None:
    """Go on until the end, or until the database is dead."""
    assert isinstance(world.database, MortalDatabase)
    await world.database.until_death(journey(world))


async def live_again(world: World, undisturbed: dict[str, Any], when: str) -> None:
    world.handler.reached = lambda _moment: None
    await world.stop()
    await world.start()
    await journey(world)
    result = outcome(world)
    for key, value in result.items():
        assert value == undisturbed[key], f"died {when}"
    assert await told(world) == undisturbed["events"], f"died {when}"
    await world.close()


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.timeout(600)
async def test_death_around_every_write(
    when: str, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    died = 0
    for number in range(1, undisturbed["writes"] + 1):
        directory = tmp_path / str(number)
        directory.mkdir()
        world = World(directory)
        await world.start()
        assert isinstance(world.database, MortalDatabase)
        world.database.die_at = (when, number)
        await run_until_death(world)
        died += world.database.dead.is_set()
        await live_again(world, undisturbed, f"{when} write {number}")
    assert died >= undisturbed["writes"] - 3, "concurrent steps make the number vary a little"


@pytest.mark.parametrize("moment", MOMENTS)
async def test_death_around_every_effect(
    moment: str, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    world = World(tmp_path)
    await world.start()
    reached = []

    def die(now: str) -> None:
        if now == moment and not reached:
            reached.append(now)
            assert isinstance(world.database, MortalDatabase)
            world.database.die()

    world.handler.reached = die
    await run_until_death(world)
    assert reached == [moment], "the journey comes by here"
    await live_again(world, undisturbed, moment)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_death_twice_in_a_row(undisturbed: dict[str, Any], tmp_path: Path) -> None:
    for number in range(2, undisturbed["writes"], 7):
        directory = tmp_path / str(number)
        directory.mkdir()
        world = World(directory)
        await world.start()
        assert isinstance(world.database, MortalDatabase)
        world.database.die_at = ("after", number)
        await run_until_death(world)
        await world.stop()
        await world.start()
        assert isinstance(world.database, MortalDatabase)
        world.database.die_at = ("before", 1)
        await run_until_death(world)
        await live_again(world, undisturbed, f"after write {number} and at the next start")


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", [4, 9])
def test_a_process_killed_again_and_again(
    step: int, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """SIGKILL at the n-th moment of every process, before or after a write or an effect; more than
    are ever under way at once, so that each process gets a little further."""
    killed = 0
    for _ in range(200):
        ended = subprocess.run(
            [sys.executable, "-m", "tests.stack_journey", str(tmp_path), str(step)],
            check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())}, capture_output=True,
            text=True,
        )  # fmt: skip
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        killed += 1
    assert ended.returncode == 0
    assert killed >= 5
    store = Store(tmp_path / "outside.db")
    effects = store.effects()
    assert set(effects.values()) == {1}
    assert store.violations() == []
    assert store.things() == undisturbed["things"]
    counted = sorted(Counter((action, name) for _, action, name in effects).items())
    assert counted == undisturbed["effects"]
    store.close()


def test_the_journey_is_worth_it(undisturbed: dict[str, Any]) -> None:
    """Every kind of step is on the way."""
    effects = dict(undisturbed["effects"])
    assert len(STAGES) == 4
    assert effects["create", "B"] == 3, "made, and made anew by each replacement"
    assert effects["update", "A"] == 3, "changed, changed by what fails, and changed back"
    assert ("delete", "D") in effects
    assert undisturbed["things"] == []
    assert undisturbed["violations"] == []
    assert undisturbed["writes"] > 30
