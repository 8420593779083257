"""A container that outlives the server's restarts: the registry and the mirror.

It is made anew only when what it is made from has changed; its fixed host port is tried from
a number derived from its name onwards, and kept.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.containers.archive import pack
from penstock.containers.engine import Engine, EngineRefusal
from penstock.containers.task import File
from penstock.errors import EngineError

_FIRST_PORT = 20_000
_PORTS = 10_000
_ATTEMPTS = 50
_TAKEN = ("port is already allocated", "address already in use")


@dataclass(frozen=True, slots=True)
class HelperContainer:
    """One helper: `port` inside is published under one number on each of `addresses`."""

    name: str
    image: str
    network: str
    port: int
    addresses: Sequence[str]
    files: Sequence[File]
    labels: Mapping[str, str]
    mounts: Sequence[Mapping[str, Any]] = ()
    environment: Sequence[str] = field(default=())

    @property
    def digest(self) -> str:
        """Changes when anything that the container is made from does."""
        parts = [
            self.image,
            self.network,
            self.port,
            list(self.addresses),
            [[file.path, hashlib.sha256(file.content).hexdigest()] for file in self.files],
            [dict(mount) for mount in self.mounts],
            list(self.environment),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


async def ensure_helper(engine: Engine, helper: HelperContainer) -> int:
    """Have the helper running; return the host port it is published under."""
    found = await _inspect(engine, helper.name)
    first = _FIRST_PORT + int(hashlib.sha256(helper.name.encode()).hexdigest(), 16) % _PORTS
    if found is not None:
        labels = found["Config"]["Labels"]
        first = int(labels.get("penstock.port", first))
        unchanged = labels.get("penstock.digest") == helper.digest
        if unchanged and (found["State"]["Running"] or await _started(engine, helper.name)):
            return first
        await _remove(engine, helper.name)
    for number in range(first, first + _ATTEMPTS):
        await _create(engine, helper, number)
        if await _started(engine, helper.name):
            return number
        await _remove(engine, helper.name)
    raise EngineError(
        f"expected a free port for {helper.name} from {first} to {first + _ATTEMPTS - 1}, "
        "found none; free some on this host",
        retryable=True,
    )


async def remove_helper(engine: Engine, name: str) -> None:
    """Remove a helper's container; its volumes stay. Repeating is safe."""
    await _remove(engine, name)


async def _create(engine: Engine, helper: HelperContainer, number: int) -> None:
    port = f"{helper.port}/tcp"
    bindings = [{"HostIp": address, "HostPort": str(number)} for address in helper.addresses]
    body = {
        "Image": helper.image,
        "Env": list(helper.environment),
        "ExposedPorts": {port: {}},
        "Labels": {
            **helper.labels,
            "penstock.digest": helper.digest,
            "penstock.port": str(number),
        },
        "HostConfig": {
            "NetworkMode": helper.network,
            "PortBindings": {port: bindings},
            "RestartPolicy": {"Name": "unless-stopped"},
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Mounts": [dict(mount) for mount in helper.mounts],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
        },
    }
    await engine.json("POST", "containers/create", params={"name": helper.name}, body=body)
    async with engine.stream(
        "PUT",
        f"containers/{helper.name}/archive",
        params={"path": "/"},
        data=pack(helper.files),
        content_type="application/x-tar",
    ):
        pass


async def _started(engine: Engine, name: str) -> bool:
    """Start the container; return False when its port is taken on the host."""
    try:
        await engine.json("POST", f"containers/{name}/start")
    except EngineRefusal as refusal:
        if any(text in refusal.message for text in _TAKEN):
            return False
        raise
    return True


async def _inspect(engine: Engine, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = await engine.json("GET", f"containers/{name}/json")
    except EngineRefusal as refusal:
        if refusal.status == 404:
            return None
        raise
    return found


async def _remove(engine: Engine, name: str) -> None:
    try:
        await engine.json("DELETE", f"containers/{name}", params={"force": "1"})
    except EngineRefusal as refusal:
        if refusal.status != 404:
            raise
