"""ECS on the real engine: `EcsWorld` beside an instance of Tasks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from penstock.containers.docker_runner import DockerRunner
from tests.docker.tasks.world import World, world
from tests.ecs_world import EcsWorld

Task = dict[str, Any]


@dataclass
class Running:
    """ECS and the engine that its tasks run on."""

    ecs: EcsWorld
    world: World

    async def restart(self) -> None:
        """Leave everything as it is, and start over as a second server does."""
        await self.ecs.close()
        self.ecs = EcsWorld(self.ecs.directory, self.ecs.instance_id)
        self.ecs.open()
        await self.ecs.tasks.attach(another_runner(self.world))

    async def register(self, *containers: dict[str, Any], **more: Any) -> str:
        """Register a task definition of these containers and return its ARN."""
        defaults = {"image": "busybox:1.35", "memory": 64}
        request = {"family": "app", **more}
        request["containerDefinitions"] = [{**defaults, **each} for each in containers]
        made = await self.ecs.call("ecs", "RegisterTaskDefinition", **request)
        return str(made["taskDefinition"]["taskDefinitionArn"])

    async def run(self, definition: str, **more: Any) -> str:
        """Start one task and return its ARN."""
        ran = await self.ecs.call("ecs", "RunTask", taskDefinition=definition, **more)
        return str(ran["tasks"][0]["taskArn"])

    async def describe(self, arn: str) -> Task:
        described = await self.ecs.call("ecs", "DescribeTasks", tasks=[arn])
        found: Task = described["tasks"][0]
        return found

    async def until(
        self, arn: str, reached: Callable[[Task], bool] | str, seconds: float = 60
    ) -> Task:
        """Return the task once it has come to a status, or to what `reached` says."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            task = await self.describe(arn)
            if task["lastStatus"] == reached if isinstance(reached, str) else reached(task):
                return task
            assert task["lastStatus"] != "STOPPED", (task["stoppedReason"], task["containers"])
            assert asyncio.get_running_loop().time() < deadline, (
                task["lastStatus"],
                task["containers"],
            )
            await asyncio.sleep(0.05)

    async def logged(self, group: str, stream: str) -> list[str]:
        events, _ = await self.ecs.logs.read(group, stream, 0, 10_000)
        return [event.message for event in events]

    async def left(self) -> dict[str, list[str]]:
        """Return what is on the engine besides the network."""
        found = await self.world.objects()
        return {kind: names for kind, names in found.items() if kind != "networks"}


def another_runner(tasks: World) -> DockerRunner:
    """What the server has after a restart: the same instance, nothing remembered."""
    first = tasks.runner
    return DockerRunner(
        tasks.engine, tasks.network, tasks.images, first._trust, first._endpoints,
        first._cache_volumes, tasks.instance_id,
    )  # fmt: skip


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """ECS with a cluster `default` on an instance without a registry."""
    async with world(tmp_path) as made:
        ecs = EcsWorld(tmp_path, made.instance_id)
        ecs.open()
        await ecs.call("ecs", "CreateCluster")
        await ecs.tasks.attach(made.runner)
        running = Running(ecs, made)
        yield running
        await running.ecs.close()
