"""A server that dies before or after any write or effect of a build; its successor ends it.

Each run of the test dies at one more place, until a run meets no place to die at.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from penstock.builds.build import Build, BuildStatus
from penstock.containers.task import TaskSpec
from penstock.storage.database import Database, Work
from tests.build_world import World, host_world, phases
from tests.host_runner import HostRunner, Machine

T = TypeVar("T")

BUILDSPEC = """\
version: 0.2
env:
  exported-variables: [WORD]
phases:
  pre_build:
    commands: ["echo ran >> $MARK", "WORD=said"]
  build:
    commands: ["echo $WORD | tee result.txt"]
artifacts:
  files: result.txt
"""


class Death(BaseException):
    """The server's process is gone: nothing of it handles this."""


class Fate:
    """Dies at the given place, counted from 0, and never again."""

    def __init__(self, place: int) -> None:
        self.place, self.passed, self.died = place, 0, asyncio.Event()

    def pass_by(self) -> None:
        if self.died.is_set():
            raise Death
        if self.passed == self.place:
            self.died.set()
            raise Death
        self.passed += 1


class MortalRunner(HostRunner):
    """Dies before or after an effect on the engine."""

    def __init__(self, machine: Machine, fate: Fate) -> None:
        super().__init__(machine)
        self.fate = fate

    async def prepare(self, task: TaskSpec) -> None:
        self.fate.pass_by()
        await super().prepare(task)
        self.fate.pass_by()

    async def put_archive(self, *arguments: Any) -> None:
        self.fate.pass_by()
        await super().put_archive(*arguments)
        self.fate.pass_by()

    async def launch(self, task_id: str) -> None:
        self.fate.pass_by()
        await super().launch(task_id)
        self.fate.pass_by()

    async def remove(self, task_id: str) -> None:
        self.fate.pass_by()
        await super().remove(task_id)
        self.fate.pass_by()


def mortal_writes(database: Database, fate: Fate) -> Callable[[Work[Any]], Any]:
    """Return `write`, dying before it or once it is durable."""
    write = database.write

    async def mortal(work: Work[Any]) -> Any:
        fate.pass_by()
        result = await write(work)
        fate.pass_by()
        return result

    return mortal


async def first_life(world: World, fate: Fate, mark: Path) -> Build:
    """Start a build and run until it has ended, or the server has died."""
    world.open()
    await world.furnish()
    await world.project(
        environment={
            "type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "MARK", "value": str(mark)}],
        },
    )  # fmt: skip
    build = await world.pipeline_build({"buildspec.yml": BUILDSPEC})
    world.database.write = mortal_writes(world.database, fate)  # type: ignore[method-assign]
    await world.runner.start()
    ending = asyncio.create_task(world.ended(build))
    dying = asyncio.create_task(fate.died.wait())
    await asyncio.wait([ending, dying], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0.05)
    for task in (ending, dying):
        task.cancel()
        await asyncio.wait([task])
    await world.close()
    return build


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_whenever_a_server_dies_its_successor_ends_the_build_once(tmp_path: Path) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    place = 0
    while True:
        directory = tmp_path / str(place)
        (directory / "data").mkdir(parents=True)
        (directory / "machine").mkdir()
        machine, fate = Machine(directory / "machine"), Fate(place)
        mark = directory / "mark"
        build = await first_life(
            host_world(directory / "data", machine, MortalRunner(machine, fate)), fate, mark
        )
        successor = host_world(directory / "data", machine)
        successor.open()
        await successor.runner.start()
        ended = await successor.ended(build)
        where = f"died at place {place}"
        log = await successor.log(ended)
        assert ended.status is BuildStatus.SUCCEEDED, (where, phases(ended), log)
        assert mark.read_text() == "ran\n", where
        assert machine.launches == [build.uuid], where
        assert machine.tasks == {}, where
        assert ended.exported_variables == {"WORD": "said"}, where
        assert await successor.artifact("out/0") == {"result.txt": b"said\n"}, where
        assert log.count("said\n") == 1, where + "\n" + "".join(log)
        assert sum("Entering phase BUILD" in line for line in log) == 1, (where, log)
        assert len(successor.events("build.Completed")) == 1, where
        names = [phase.phase_type for phase in ended.phases]
        assert len(set(names)) == len(names) == 11, (where, names)
        await successor.close()
        machine.end()
        if not fate.died.is_set():
            break
        place += 1
    assert place > 30
