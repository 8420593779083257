"""Tasks on one container engine.

Every name is derived from the instance's and the Task's id, and every step looks before it
acts: after a restart, starting a Task finds what is there and never runs a container twice.
Labels on each object (`penstock.instance`, `penstock.task`, `penstock.kind`,
`penstock.container`) are what reaping goes by.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from penstock.containers.archive import pack
from penstock.containers.cache_volumes import CacheVolumes
from penstock.containers.container_config import container_config, inner_docker_files
from penstock.containers.engine import Body, Engine, EngineRefusal
from penstock.containers.image_recipes import SANDBOX
from penstock.containers.images import Images
from penstock.containers.network import Network
from penstock.containers.observation import Line, container_state, line_of, sandbox_state
from penstock.containers.privileges import Privileges
from penstock.containers.sandbox import READY, TaskEndpoints, configuration
from penstock.containers.sandbox import container_config as sandbox_config
from penstock.containers.task import ContainerSpec, ContainerState, SandboxState, TaskSpec
from penstock.containers.task_volumes import TaskVolumes
from penstock.containers.trust import Trust
from penstock.errors import EngineError

_LOG = logging.getLogger(__name__)
_SANDBOX = "sandbox"
_SANDBOX_SECONDS = 30.0
_REMOVAL_SECONDS = 60.0
_FOLLOW = {"stdout": "1", "stderr": "1", "follow": "1"}


class DockerRunner:
    """Runs the Tasks of one server instance; see `TaskSpec`. All methods may be repeated.

    Trouble with the engine raises EngineError, an image that can't be had ImageUnavailable.
    """

    def __init__(
        self,
        engine: Engine,
        network: Network,
        images: Images,
        trust: Trust,
        endpoints: TaskEndpoints,
        cache_volumes: CacheVolumes,
        instance_id: str,
    ) -> None:
        self._engine = engine
        self._network = network
        self._images = images
        self._trust = trust
        self._endpoints = endpoints
        self._cache_volumes = cache_volumes
        self._instance_id = instance_id
        self._privileges = Privileges(engine)
        self._volumes = TaskVolumes(engine, instance_id)
        self._known_digests: dict[str, Sequence[str]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def start(self, task: TaskSpec) -> None:
        """Make the Task's containers and start them: `prepare`, then `launch`."""
        await self.prepare(task)
        await self.launch(task.id)

    async def prepare(self, task: TaskSpec) -> None:
        """Make the sandbox (running) and the Task's containers (not started), files put in."""
        async with self._lock(task.id):
            images = await asyncio.gather(
                *(
                    self._images.resolve(spec.image, spec.pull_credentials)
                    for spec in task.containers
                )
            )
            for volume in task.volumes:
                await self._volumes.ensure(volume, task.id)
            sandbox = asyncio.create_task(self._ensure_sandbox(task))
            try:
                for spec, image in zip(task.containers, images, strict=True):
                    await self._ensure_container(task, spec, image)
                await sandbox
            finally:
                if not sandbox.done():
                    sandbox.cancel()
                    await asyncio.wait([sandbox])

    async def launch(self, task_id: str) -> None:
        """Start each container of the Task that has never been started."""
        async with self._lock(task_id):
            for name in await self._names(task_id):
                container = await self._engine.json("GET", f"containers/{name}/json")
                if container["State"]["Status"] == "created":
                    await self._engine.json("POST", f"containers/{name}/start")

    async def start_container(self, task_id: str, container: str) -> None:
        """Start one prepared container that has never been started.

        Raises EngineRefusal, in the engine's own words, for a process that can't be started.
        """
        name = self._name(task_id, container)
        async with self._lock(task_id):
            found = await self._engine.json("GET", f"containers/{name}/json")
            if found["State"]["Status"] == "created":
                await self._engine.json("POST", f"containers/{name}/start")

    async def put_archive(self, task_id: str, container: str, path: str, tar: Body) -> None:
        """Unpack `tar` at the directory `path`, which must exist, inside a container."""
        name = self._name(task_id, container)
        async with self._engine.stream(
            "PUT",
            f"containers/{name}/archive",
            params={"path": path},
            data=tar,
            content_type="application/x-tar",
        ):
            pass

    async def get_archive(
        self, task_id: str, container: str, path: str
    ) -> AsyncGenerator[bytes, None]:
        """Yield a tar of the file or directory `path`; raise FileNotFoundError when absent."""
        name = self._name(task_id, container)
        try:
            archive = self._engine.chunks(
                "GET", f"containers/{name}/archive", params={"path": path}
            )
            async with contextlib.aclosing(archive) as chunks:
                async for chunk in chunks:
                    yield chunk
        except EngineRefusal as refusal:
            if refusal.status == 404:
                raise FileNotFoundError(f"{path} in container {container}") from refusal
            raise

    async def logs(self, task_id: str, container: str) -> AsyncGenerator[bytes, None]:
        """Yield the container's output, both streams, from its beginning until it has ended.

        Chunks end anywhere. Each stream keeps its order; between the two the engine knows none,
        so a process whose order matters writes to one. The engine keeps output as text: bytes
        that are not UTF-8 arrive as U+FFFD, so what must survive is written as ASCII.
        """
        name = self._name(task_id, container)
        output = self._engine.output(f"containers/{name}/logs", _FOLLOW)
        async with contextlib.aclosing(output) as chunks:
            async for chunk in chunks:
                yield chunk

    async def state(self, task_id: str) -> Mapping[str, ContainerState] | None:
        """Return the state of each container by its name in the Task; None without any."""
        states = {}
        for name in await self._names(task_id):
            try:
                container = await self._engine.json("GET", f"containers/{name}/json")
            except EngineRefusal as refusal:
                if refusal.status == 404:  # removed meanwhile
                    continue
                raise
            state = container_state(container, await self._digests(container["Image"]))
            states[state.name] = state
        return states or None

    async def sandbox(self, task_id: str) -> SandboxState | None:
        """Return the state of the Task's sandbox, or None without one."""
        try:
            found = await self._engine.json(
                "GET", f"containers/{self._name(task_id, _SANDBOX)}/json"
            )
        except EngineRefusal as refusal:
            if refusal.status == 404:
                return None
            raise
        return sandbox_state(found, self._network.name)

    async def lines(
        self, task_id: str, container: str, since_ns: int = 0
    ) -> AsyncGenerator[Line, None]:
        """Yield the container's output by lines with the engine's times, from `since_ns`
        (nanoseconds since the epoch) on, until it has ended.

        The same `since_ns` gives the same lines again, and then those that came meanwhile.
        """
        seconds, nanoseconds = divmod(since_ns, 1_000_000_000)
        params = {**_FOLLOW, "timestamps": "1", "since": f"{seconds}.{nanoseconds:09d}"}
        output = self._engine.output(f"containers/{self._name(task_id, container)}/logs", params)
        async with contextlib.aclosing(output) as frames:
            async for frame in frames:
                yield line_of(frame)

    async def changes(self, kind: str) -> AsyncGenerator[str, None]:
        """Yield the id of a Task of that kind whenever one of its containers starts, ends or
        changes its health; ends when the engine does. What happened before is not told."""
        filters = {
            "type": ["container"],
            "event": ["start", "die", "oom", "health_status", "destroy"],
            "label": [f"penstock.instance={self._instance_id}", f"penstock.kind={kind}"],
        }
        async with self._engine.stream(
            "GET", "events", params={"filters": json.dumps(filters)}
        ) as response:
            async for event in self._engine.messages(response):
                task_id = event["Actor"]["Attributes"].get("penstock.task")
                if task_id:
                    yield task_id

    async def wait(self, task_id: str, container: str) -> int:
        """Return the exit status of a launched container once it has ended."""
        name = self._name(task_id, container)
        while True:
            found = await self._engine.json("GET", f"containers/{name}/json")
            if found["State"]["Status"] in {"exited", "dead"}:
                return int(found["State"]["ExitCode"])
            if found["State"]["Status"] == "created":
                await asyncio.sleep(0.1)
                continue
            await self._engine.json(
                "POST",
                f"containers/{name}/wait",
                params={"condition": "not-running"},
                timeout_seconds=None,
            )

    async def kill(self, task_id: str, container: str, signal: str = "KILL") -> None:
        """Send a signal to the container's first process; nothing happens when it has ended."""
        name = self._name(task_id, container)
        try:
            await self._engine.json("POST", f"containers/{name}/kill", params={"signal": signal})
        except EngineRefusal as refusal:
            if refusal.status not in {404, 409}:
                raise

    async def remove(self, task_id: str) -> None:
        """End the Task: remove its containers, its own volumes and its sandbox, and give back
        its cache volume. Repeating is safe."""
        async with self._lock(task_id):
            await asyncio.gather(*(self._remove(name) for name in await self._names(task_id)))
            await self._remove(self._name(task_id, _SANDBOX))
            await self._volumes.remove_of(task_id)
            await self._cache_volumes.release(task_id)
        self._locks.pop(task_id, None)

    async def list_tasks(self, kind: str) -> list[str]:
        """Return the ids of this instance's Tasks of a kind that have anything on the engine."""
        found = await self._list(
            f"penstock.instance={self._instance_id}", "penstock.task", f"penstock.kind={kind}"
        )
        return sorted({container["Labels"]["penstock.task"] for container in found})

    async def lease(self, scope: str, task_id: str) -> str:
        """Lease a layer-cache volume of `scope` (a project's ARN); `remove` gives it back."""
        return await self._cache_volumes.lease(scope, task_id)

    async def release(self, task_id: str) -> None:
        """Give back what `lease` gave, for a Task that never got a container."""
        await self._cache_volumes.release(task_id)

    async def _digests(self, image_id: str) -> Sequence[str]:
        """Return an image's RepoDigests; asked once, for what an id names never changes."""
        if image_id not in self._known_digests:
            try:
                found = await self._engine.json("GET", f"images/{image_id}/json")
            except EngineRefusal as refusal:
                if refusal.status == 404:  # its tags went on to another image
                    return ()
                raise
            self._known_digests[image_id] = tuple(found.get("RepoDigests") or ())
        return self._known_digests[image_id]

    def _name(self, task_id: str, container: str) -> str:
        return f"penstock-{self._instance_id}-{task_id}-{container}"

    def _lock(self, task_id: str) -> asyncio.Lock:
        return self._locks.setdefault(task_id, asyncio.Lock())

    def _labels(self, task: TaskSpec, container: str) -> dict[str, str]:
        return {
            **task.labels,
            "penstock.instance": self._instance_id,
            "penstock.task": task.id,
            "penstock.kind": task.kind,
            "penstock.container": container,
        }

    async def _list(self, *labels: str) -> list[dict[str, Any]]:
        params = {"all": "1", "filters": json.dumps({"label": list(labels)})}
        found: list[dict[str, Any]] = await self._engine.json(
            "GET", "containers/json", params=params
        )
        return found

    async def _names(self, task_id: str) -> list[str]:
        """Return the engine's names of the Task's containers, without its sandbox."""
        found = await self._list(
            f"penstock.instance={self._instance_id}", f"penstock.task={task_id}"
        )
        names = [container["Labels"]["penstock.container"] for container in found]
        return [self._name(task_id, name) for name in sorted(names) if name != _SANDBOX]

    async def _ensure_sandbox(self, task: TaskSpec) -> None:
        name = self._name(task.id, _SANDBOX)
        image = await self._images.ensure(SANDBOX)
        config = sandbox_config(
            image,
            self._network.name if task.outside else "none",
            task.hostname or task.id[:63],
            self._labels(task, _SANDBOX),
            ports=task.ports,
            hosts=task.hosts,
        )
        if await self._create(name, config):
            await self._put(name, pack(configuration(self._endpoints)))
        found = await self._engine.json("GET", f"containers/{name}/json")
        if found["State"]["Status"] == "created":
            await self._put(name, pack(configuration(self._endpoints)))
            await self._engine.json("POST", f"containers/{name}/start")
        await self._await_ready(name)

    async def _await_ready(self, name: str) -> None:
        said = b""
        output = self._engine.output(f"containers/{name}/logs", _FOLLOW)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SANDBOX_SECONDS), contextlib.aclosing(output) as chunks:
                async for chunk in chunks:
                    said += chunk
                    if READY in said.splitlines():
                        return
        raise EngineError(
            f"the Task's sandbox {name} was not ready within {_SANDBOX_SECONDS:.0f} s; it said: "
            + said.decode(errors="replace")[-2000:],
            retryable=True,
        )

    async def _ensure_container(self, task: TaskSpec, spec: ContainerSpec, image: str) -> None:
        """Create the container, and put its files in while it has not been started."""
        name = self._name(task.id, spec.name)
        files, trusted = self._trust.files_and_environment()
        privileged = None
        if spec.privileged:
            privileged = await self._privileges.host_config(await self._images.ensure(SANDBOX))
            files += inner_docker_files(self._endpoints, self._trust.ca_pem)
        image_config = (await self._engine.json("GET", f"images/{image}/json"))["Config"] or {}
        config = container_config(
            task,
            spec,
            image=image,
            image_environment=image_config.get("Env") or (),
            trusted_environment=trusted,
            sandbox=self._name(task.id, _SANDBOX),
            labels=self._labels(task, spec.name),
            privileged=privileged,
        )
        await self._create(name, config)
        found = await self._engine.json("GET", f"containers/{name}/json")
        if found["State"]["Status"] == "created":
            await self._put(name, pack([*files, *spec.files]))

    async def _create(self, name: str, config: Mapping[str, Any]) -> bool:
        """Create a container; return False when there is one of that name already."""
        try:
            await self._engine.json("POST", "containers/create", params={"name": name}, body=config)
        except EngineRefusal as refusal:
            if refusal.status == 409:
                return False
            raise
        return True

    async def _put(self, name: str, tar: bytes) -> None:
        async with self._engine.stream(
            "PUT",
            f"containers/{name}/archive",
            params={"path": "/"},
            data=tar,
            content_type="application/x-tar",
        ):
            pass

    async def _remove(self, name: str) -> None:
        """Remove a container by force; wait when the engine is at it already."""
        deadline = asyncio.get_running_loop().time() + _REMOVAL_SECONDS
        while True:
            try:
                await self._engine.json(
                    "DELETE",
                    f"containers/{name}",
                    params={"force": "1", "v": "1"},
                    timeout_seconds=None,
                )
            except EngineRefusal as refusal:
                if refusal.status == 404:
                    return
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.2)
