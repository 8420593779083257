"""A container engine for ECS tasks that runs nothing: what it is told to do is remembered."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from penstock.containers.engine import EngineRefusal
from penstock.containers.observation import Line
from penstock.containers.task import ContainerState, SandboxState, TaskSpec

_TERMINATED = 143


@dataclass
class Container:
    """What one container will say, and how it ends: by itself with `exit_code`, or when told."""

    output: list[str]
    exit_code: int | None
    running: bool = False
    code: int | None = None


@dataclass
class TaskEngine:
    """The engine: it outlives the servers."""

    scripts: Mapping[str, tuple[list[str], int | None]]
    """Container name to its output, and the exit status of one that ends by itself."""
    tasks: dict[str, dict[str, Container]] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class StandInDocker:
    """One server's way to the engine, in the shape of `DockerRunner`."""

    def __init__(self, engine: TaskEngine) -> None:
        self.engine = engine

    async def prepare(self, task: TaskSpec) -> None:
        made = self.engine.tasks.setdefault(task.id, {})
        for spec in task.containers:
            output, code = self.engine.scripts[spec.name]
            made.setdefault(spec.name, Container(list(output), code))

    async def start_container(self, task_id: str, container: str) -> None:
        found = self.engine.tasks[task_id][container]
        if found.running or found.code is not None:
            return
        self.engine.started.append(container)
        found.running, found.code = found.exit_code is None, found.exit_code
        self.engine.changed.set()

    async def state(self, task_id: str) -> Mapping[str, ContainerState] | None:
        found = self.engine.tasks.get(task_id)
        return found and {
            name: ContainerState(
                name, each.running, each.code, False, "",
                started=each.running or each.code is not None, container_id=name,
            )
            for name, each in found.items()
        }  # fmt: skip

    async def sandbox(self, task_id: str) -> SandboxState | None:
        return SandboxState(True, "10.0.0.1") if task_id in self.engine.tasks else None

    async def kill(self, task_id: str, container: str, signal: str) -> None:
        found = self.engine.tasks[task_id][container]
        if found.running:
            found.running, found.code = False, _TERMINATED
            self.engine.changed.set()

    async def remove(self, task_id: str) -> None:
        self.engine.tasks.pop(task_id, None)

    async def list_tasks(self, kind: str) -> list[str]:
        assert kind == "ecs"
        return sorted(self.engine.tasks)

    async def lines(self, task_id: str, container: str, since_ns: int = 0) -> AsyncIterator[Line]:
        if task_id not in self.engine.tasks:
            raise EngineRefusal(404, f"No such container: {container}")
        found = self.engine.tasks[task_id][container]
        for number, text in enumerate(found.output):
            at = (number + 1) * 1_000_000_000
            if at >= since_ns:
                yield Line(at, text)
        while found.running:  # noqa: ASYNC110 - nothing tells of its end
            await asyncio.sleep(0.005)

    async def changes(self, kind: str) -> AsyncIterator[str]:
        while True:
            await self.engine.changed.wait()
            self.engine.changed.clear()
            for task_id in list(self.engine.tasks):
                yield task_id
