"""A runner of build Tasks on this host: each container is the agent as a process of its own.

It keeps DockerRunner's contract where builds rely on it: containers have names, are started at
most once, keep their output from the beginning, and outlive the server that started them.
Commands of tests must be harmless; paths of the plan lie under the test's own directory.
"""

import asyncio
import io
import os
import signal
import subprocess
import tarfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from penstock.containers.images import ImageUnavailable
from penstock.containers.task import ContainerState, TaskSpec
from penstock.errors import EngineError


@dataclass
class Machine:
    """What stands for the container engine: it goes on while servers come and go."""

    root: Path
    tasks: dict[str, TaskSpec] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    launches: list[str] = field(default_factory=list)
    leases: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    missing_images: set[str] = field(default_factory=set)
    trouble: list[EngineError] = field(default_factory=list)
    """Raised, one by one, by the next calls of `prepare`."""
    slow_images: set[str] = field(default_factory=set)
    """Images whose pull never ends."""

    def end(self) -> None:
        for process in self.processes.values():
            _kill(process, signal.SIGKILL)


class HostRunner:
    """As DockerRunner, over a Machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def prepare(self, task: TaskSpec) -> None:
        if self.machine.trouble:
            raise self.machine.trouble.pop(0)
        (container,) = task.containers
        if container.image in self.machine.slow_images:
            await asyncio.Event().wait()
        if container.image in self.machine.missing_images:
            raise ImageUnavailable(container.image, f"pull access denied for {container.image}")
        self.machine.tasks[task.id] = task
        for file in container.files:
            path = Path(file.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)

    async def put_archive(
        self, task_id: str, container: str, path: str, tar: bytes | AsyncIterator[bytes]
    ) -> None:
        data = tar if isinstance(tar, bytes) else b"".join([chunk async for chunk in tar])
        with tarfile.open(fileobj=io.BytesIO(data)) as opened:
            # an attribute, since Debian 12's Python 3.11.2 lacks the argument
            opened.extraction_filter = lambda member, _path: member
            for member in opened.getmembers():
                target = Path("/", member.name)
                assert target.is_relative_to(self.machine.root) or member.isdir()
                if target.is_relative_to(self.machine.root):
                    opened.extract(member, "/")

    async def launch(self, task_id: str) -> None:
        if task_id in self.machine.processes:
            return
        self.machine.launches.append(task_id)
        (container,) = self.machine.tasks[task_id].containers
        with self._output(task_id).open("wb") as output:
            self.machine.processes[task_id] = subprocess.Popen(  # noqa: ASYNC220 (a moment)
                list(container.command),
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], **container.environment},
            )

    async def logs(self, task_id: str, container: str) -> AsyncGenerator[bytes, None]:
        process = self.machine.processes[task_id]
        with self._output(task_id).open("rb") as output:
            while True:
                ended = process.poll() is not None
                if chunk := output.read(50):
                    yield chunk
                elif ended:
                    return
                else:
                    await asyncio.sleep(0.01)

    async def state(self, task_id: str) -> Mapping[str, ContainerState] | None:
        if task_id not in self.machine.tasks:
            return None
        process = self.machine.processes.get(task_id)
        code = process.poll() if process else None
        running = process is not None and code is None
        return {"build": ContainerState("build", running, code, oom_killed=False, error="")}

    async def kill(self, task_id: str, container: str, signal: str = "KILL") -> None:
        process = self.machine.processes.get(task_id)
        if process is None:
            return
        if signal == "TERM":
            process.terminate()
        else:
            _kill(process)

    async def get_archive(
        self, task_id: str, container: str, path: str
    ) -> AsyncGenerator[bytes, None]:
        if not os.path.lexists(path):
            raise FileNotFoundError(path)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.add(path, arcname=Path(path).name)
        yield buffer.getvalue()

    async def remove(self, task_id: str) -> None:
        process = self.machine.processes.pop(task_id, None)
        if process is not None:
            _kill(process)
        self.machine.tasks.pop(task_id, None)
        self.machine.leases.pop(task_id, None)
        self.machine.removed.append(task_id)

    async def list_tasks(self, kind: str) -> list[str]:
        return sorted(self.machine.tasks)

    async def lease(self, scope: str, task_id: str) -> str:
        return self.machine.leases.setdefault(task_id, f"cache-{len(self.machine.leases)}")

    async def release(self, task_id: str) -> None:
        self.machine.leases.pop(task_id, None)

    def _output(self, task_id: str) -> Path:
        return self.machine.root / f"{task_id}.log"


def _kill(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGKILL) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)
    process.wait()
