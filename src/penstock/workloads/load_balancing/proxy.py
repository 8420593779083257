"""The load balancer's container: HAProxy in the host's network, which outlives the server.

Made when it is first wanted, reloaded without a dropped connection when listeners or rules change,
told of targets through its control port. A configuration that HAProxy does not take never replaces
the one that serves. See docs/adr/0022-load-balancing-by-haproxy.md.
"""

import asyncio
import contextlib
import hashlib
import json
import socket
from collections.abc import Sequence
from typing import Any

from penstock.containers.archive import pack
from penstock.containers.certificates import Certificates
from penstock.containers.engine import Engine, EngineRefusal
from penstock.containers.image_recipes import SANDBOX
from penstock.containers.images import Images
from penstock.containers.task import File
from penstock.errors import EngineError
from penstock.workloads.load_balancing.control import Control
from penstock.workloads.load_balancing.haproxy_config import (
    DIRECTORY,
    MASTER_SOCKET,
    Desired,
    configuration,
    generation,
    server_states,
)

_CONFIGURATION = f"{DIRECTORY}/haproxy.cfg"
_CANDIDATE = f"{DIRECTORY}/candidate.cfg"
_FORMER = f"{DIRECTORY}/former.cfg"
_FIRST_PORT, _PORTS, _ATTEMPTS = 31_000, 1_000, 50
_READY_SECONDS = 15.0
_POLL_SECONDS = 0.05
_COMMAND = (
    "mkdir -p /run/haproxy && rm -f /run/haproxy/*.sock* && exec haproxy -W -db "
    f"-f {_CONFIGURATION} -S {MASTER_SOCKET},gid,$(id -g haproxy),mode,660"
)
_CAPABILITIES = ("NET_BIND_SERVICE", "SETUID", "SETGID", "CHOWN", "KILL")


class Proxy:
    """The container `penstock-<instance>-load-balancer` of one server instance."""

    def __init__(
        self, engine: Engine, images: Images, certificates: Certificates, instance_id: str
    ) -> None:
        self._engine = engine
        self._images = images
        self._certificates = certificates
        self._instance_id = instance_id
        self._kept: str | None = None
        """The digest of the files in the container, as last put there."""
        self._control: Control | None = None
        self._port: int | None = None
        self._removed = False

    @property
    def name(self) -> str:
        """The container's name."""
        return f"penstock-{self._instance_id}-load-balancer"

    async def control_port(self) -> int:
        """Return the port of 127.0.0.1 through which the container is or will be steered."""
        if self._port is None:
            self._port = await self._choose_port()
        return self._port

    async def _choose_port(self) -> int:
        found = await self._inspect()
        if found is not None:
            return int(found["Config"]["Labels"]["penstock.port"])
        start = int(hashlib.sha256(self.name.encode()).hexdigest(), 16) % _PORTS
        for offset in range(_ATTEMPTS):
            port = _FIRST_PORT + (start + offset) % _PORTS
            if _is_free(port):
                return port
        raise EngineError(
            f"expected a free port of 127.0.0.1 for {self.name} from {_FIRST_PORT + start} on, "
            f"found none in {_ATTEMPTS}; free some on this host",
            retryable=True,
        )

    def certificate_digest(self) -> str:
        """Return the digest of the certificates that the control port is given."""
        parts = (self._certificates.leaf.certificate_pem, self._certificates.ca_pem)
        return hashlib.sha256(b"".join(parts)).hexdigest()[:16]

    async def ensure(self, desired: Desired) -> Control:
        """Have HAProxy running with the desired listeners, rules and groups.

        Targets of a running process are the caller's to exchange, through what is returned; the
        files already name them, for a restart. Raises EngineError, not retryable when HAProxy
        does not take the configuration.
        """
        if self._control is None:
            self._control = Control(self._certificates, desired.control_port)
        control, self._removed = self._control, False
        found = await self._inspect()
        image = await self._images.ensure(SANDBOX)
        if found is not None and found["Config"]["Image"] != image:
            await self._remove_container()
            found = None
        if found is None:
            await self._create(image, desired.control_port)
        if found is None or not found["State"]["Running"]:
            await self._put([*self._files(desired), _file(_CONFIGURATION, configuration(desired))])
            await self._start(control, desired)
        elif await self._generation(control) != generation(desired):
            await self._reload(control, desired)
        else:
            await self._keep(desired)
        return control

    async def remove(self) -> None:
        """Remove the container; repeating is safe."""
        if self._removed:
            return
        self._kept = self._control = self._port = None
        await self._remove_container()
        self._removed = True

    async def _remove_container(self) -> None:
        with contextlib.suppress(EngineRefusal):
            await self._engine.json("POST", f"containers/{self.name}/stop", params={"t": "1"})
        try:
            await self._engine.json("DELETE", f"containers/{self.name}", params={"force": "1"})
        except EngineRefusal as refusal:
            if refusal.status != 404:
                raise

    async def _create(self, image: str, port: int) -> None:
        body = {
            "Image": image,
            "Entrypoint": ["/bin/sh", "-c"],
            "Cmd": [_COMMAND],
            "Labels": {
                "penstock.instance": self._instance_id,
                "penstock.helper": "load-balancer",
                "penstock.port": str(port),
            },
            "HostConfig": {
                "NetworkMode": "host",
                "RestartPolicy": {"Name": "unless-stopped"},
                "CapDrop": ["ALL"],
                "CapAdd": list(_CAPABILITIES),
                "SecurityOpt": ["no-new-privileges"],
                "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
            },
        }
        await self._engine.json("POST", "containers/create", params={"name": self.name}, body=body)

    async def _start(self, control: Control, desired: Desired) -> None:
        await self._engine.json("POST", f"containers/{self.name}/start")
        try:
            await self._answering(control, generation(desired))
        except EngineError:
            await self.remove()
            raise

    def _files(self, desired: Desired) -> Sequence[File]:
        leaf = self._certificates.leaf
        return [
            File(f"{DIRECTORY}/control.pem", leaf.certificate_pem + leaf.key_pem, 0o600),
            File(f"{DIRECTORY}/ca.pem", self._certificates.ca_pem),
            _file(f"{DIRECTORY}/servers.state", server_states(desired)),
        ]

    async def _reload(self, control: Control, desired: Desired) -> None:
        """Check the new configuration, put it in place, and signal the master to take it."""
        await self._put([*self._files(desired), _file(_CANDIDATE, configuration(desired))])
        self._control = None  # its certificate may have been renewed
        status, output = await self._run(
            f"haproxy -c -q -f {_CANDIDATE} && cp {_CONFIGURATION} {_FORMER} "
            f"&& mv {_CANDIDATE} {_CONFIGURATION}"
        )
        if status != 0:
            raise EngineError(
                f"HAProxy does not take the load balancer's configuration: {output}",
                retryable=False,
            )
        await self._engine.json(
            "POST", f"containers/{self.name}/kill", params={"signal": "SIGUSR2"}
        )
        try:
            await self._answering(control, generation(desired))
        except EngineError:
            await self._run(f"mv {_FORMER} {_CONFIGURATION}")
            self._kept = None
            raise

    async def _keep(self, desired: Desired) -> None:
        """Have the files say what the running process was told, for when it starts again."""
        files = [_file(_CONFIGURATION, configuration(desired)), *self._files(desired)]
        if self._kept != _digest(files):
            await self._put(files)
            self._kept = _digest(files)

    async def _answering(self, control: Control, wanted: str) -> None:
        """Return once a process with the wanted configuration serves."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while await self._generation(control) != wanted:  # noqa: ASYNC110 - it tells no other way
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as error:
            raise EngineError(
                f"expected {self.name} to serve its new configuration within {_READY_SECONDS:.0f} "
                f"seconds; it did not. See: docker logs {self.name}",
                retryable=True,
            ) from error

    async def _generation(self, control: Control) -> str | None:
        try:
            for worker in await control.workers():
                if worker.current:
                    return await control.generation(worker)
        except EngineError:
            return None
        return None

    async def _put(self, files: Sequence[File]) -> None:
        async with self._engine.stream(
            "PUT",
            f"containers/{self.name}/archive",
            params={"path": "/"},
            data=pack(files),
            content_type="application/x-tar",
        ):
            pass

    async def _run(self, script: str) -> tuple[int, str]:
        """Run a script in the container; return its exit status and its output's last lines."""
        body = {"Cmd": ["/bin/sh", "-c", script], "AttachStdout": True, "AttachStderr": True,
                "Tty": True}  # fmt: skip
        made = await self._engine.json("POST", f"containers/{self.name}/exec", body=body)
        start = json.dumps({"Detach": False, "Tty": True}).encode()
        path = f"exec/{made['Id']}"
        async with self._engine.stream("POST", f"{path}/start", data=start) as response:
            output = await response.read()
        ended = await self._engine.json("GET", f"{path}/json")
        return int(ended["ExitCode"]), output.decode(errors="replace").strip()[-2000:]

    async def _inspect(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = await self._engine.json("GET", f"containers/{self.name}/json")
        except EngineRefusal as refusal:
            if refusal.status == 404:
                return None
            raise
        return found


def _file(path: str, text: str) -> File:
    return File(path, text.encode())


def _digest(files: Sequence[File]) -> str:
    return hashlib.sha256(pack(files)).hexdigest()


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
