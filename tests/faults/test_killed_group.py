"""SIGKILL between the statements of a unit of work that stores many steps: all of it or nothing.

Whoever starts anew ends the stack as if nothing had happened: each effect outside happened once,
and each event is told once.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.stack_world import Store, World

STAGES = ("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE",
          "DELETE_IN_PROGRESS", "DELETE_COMPLETE")  # fmt: skip
NAMES = [f"{name}{number}" for name in "ABCDEF" for number in ("", "2")]


def live(directory: Path, after: int) -> int:
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.killed_group", str(directory), str(after)],
        check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    ).returncode  # fmt: skip


async def told(directory: Path) -> Counter[tuple[str, str]]:
    world = World(directory)
    await world.start()
    [row] = await world.stacks.rows(deleted=True)
    events = Counter((name, status) for name, status, _ in await world.events(row.id))
    await world.close()
    return events


@pytest.mark.faults
@pytest.mark.timeout(300)
async def test_death_after_every_statement_of_a_group(tmp_path: Path) -> None:
    expected = Counter((name, status) for name in NAMES for status in STAGES)
    deaths = 0
    for number in range(1, 100):
        directory = tmp_path / str(number)
        directory.mkdir()
        ended = live(directory, number)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        deaths += 1
        assert live(directory, 0) == 0, f"after statement {number}"
        events = await told(directory)
        assert {one: count for one, count in events.items() if one[0] != "app"} == expected
        store = Store(directory / "outside.db")
        assert store.things() == []
        assert store.violations() == []
        effects = store.effects()
        store.close()
        assert set(effects.values()) == {1}
        assert Counter((action, name) for _, action, name in effects) == {
            (action, name): 1 for action in ("create", "delete") for name in NAMES
        }
    assert deaths >= 8, "both halves of the stack are made, and deleted, in groups"
