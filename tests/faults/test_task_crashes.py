"""A server that dies before or after any write or effect of an ECS task; its successor ends it.

Each run of the test dies at one more place, until a run meets no place to die at.
"""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from penstock.containers.docker_runner import DockerRunner
from penstock.containers.task import TaskSpec
from penstock.storage import outbox
from tests.ecs_world import EcsWorld
from tests.faults.test_build_crashes import Fate, mortal_writes
from tests.task_engine import StandInDocker, TaskEngine

SCRIPTS = {"main": (["one", "two"], 0), "side": (["beside"], None)}
_LOG = {
    "logDriver": "awslogs",
    "options": {
        "awslogs-group": "/app", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p",
        "awslogs-create-group": "true",
    },
}  # fmt: skip


class MortalDocker(StandInDocker):
    """Dies before or after an effect on the engine."""

    def __init__(self, engine: TaskEngine, fate: Fate) -> None:
        super().__init__(engine)
        self.fate = fate

    async def prepare(self, task: TaskSpec) -> None:
        self.fate.pass_by()
        await super().prepare(task)
        self.fate.pass_by()

    async def start_container(self, task_id: str, container: str) -> None:
        self.fate.pass_by()
        await super().start_container(task_id, container)
        self.fate.pass_by()

    async def kill(self, task_id: str, container: str, signal: str) -> None:
        self.fate.pass_by()
        await super().kill(task_id, container, signal)
        self.fate.pass_by()

    async def remove(self, task_id: str) -> None:
        self.fate.pass_by()
        await super().remove(task_id)
        self.fate.pass_by()


async def run_task(world: EcsWorld) -> str:
    await world.call("ecs", "CreateCluster")
    role = await world.role("task")
    containers = [
        {"name": "side", "image": "i", "memory": 64, "essential": False, "logConfiguration": _LOG},
        {"name": "main", "image": "i", "memory": 64, "logConfiguration": _LOG,
         "dependsOn": [{"containerName": "side", "condition": "START"}]},
    ]  # fmt: skip
    await world.call(
        "ecs", "RegisterTaskDefinition", family="app", containerDefinitions=containers,
        taskRoleArn=role,
    )  # fmt: skip
    ran = await world.call("ecs", "RunTask", taskDefinition="app")
    return str(ran["tasks"][0]["taskArn"])


async def stopped(world: EcsWorld, arn: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            found = (await world.call("ecs", "DescribeTasks", tasks=[arn]))["tasks"][0]
            if found["lastStatus"] == "STOPPED":
                return cast(dict[str, Any], found)
            await asyncio.sleep(0.01)


async def first_life(world: EcsWorld, engine: TaskEngine, fate: Fate) -> str:
    """Run a task until it has ended, or the server has died."""
    world.open()
    arn = await run_task(world)
    world.database.write = mortal_writes(world.database, fate)  # type: ignore[method-assign]
    attaching = asyncio.create_task(
        world.tasks.attach(cast(DockerRunner, MortalDocker(engine, fate)))
    )
    ending = asyncio.create_task(stopped(world, arn))
    dying = asyncio.create_task(fate.died.wait())
    await asyncio.wait([ending, dying], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0.02)
    for task in (ending, dying, attaching):
        task.cancel()
        await asyncio.wait([task])
    await world.close()
    return arn


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_whenever_a_server_dies_its_successor_ends_the_task_once(tmp_path: Path) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    place = 0
    while True:
        directory = tmp_path / str(place)
        directory.mkdir()
        engine, fate = TaskEngine(SCRIPTS), Fate(place)
        arn = await first_life(EcsWorld(directory), engine, fate)
        successor = EcsWorld(directory)
        successor.open()
        await successor.tasks.attach(cast(DockerRunner, StandInDocker(engine)))
        task = await stopped(successor, arn)
        where = f"died at place {place}"
        assert task["stopCode"] == "EssentialContainerExited", where
        side, main = task["containers"]
        assert (main["exitCode"], side["exitCode"]) == (0, 143), where
        assert engine.started == ["side", "main"], where
        assert engine.tasks == {}, where
        stream = arn.rpartition("/")[2]
        for name, (lines, _) in SCRIPTS.items():
            events, _ = await successor.logs.read("/app", f"p/{name}/{stream}", 0, 100)
            assert [event.message for event in events] == lines, (where, name)
        told = await successor.database.read(lambda c: outbox.read_after(c, 0))
        statuses = [event.detail["lastStatus"] for event in told]
        assert statuses.count("STOPPED") == 1, (where, statuses)
        assert statuses.count("RUNNING") <= 1, (where, statuses)
        await successor.close()
        if not fate.died.is_set():
            break
        place += 1
    assert place > 20
