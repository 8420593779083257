"""What `privileged` means on this engine.

Where the engine grants it, `Privileged`. Where the host's bounding set lacks a capability the
kernel refuses that (seen: CAP_SYS_RESOURCE), and the container asks for all that there are,
with nothing masked. See docs/adr/0008-privileged-without-every-capability.md.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.containers.engine import Engine, EngineRefusal
from penstock.errors import EngineError

_CAPABILITIES = (
    *("SYS_RESOURCE", "SYS_ADMIN", "NET_ADMIN", "MKNOD", "SYS_CHROOT", "SYS_PTRACE", "SYS_NICE"),
    *("AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "CHOWN", "DAC_OVERRIDE"),
    *("DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE"),
    *("LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "NET_BIND_SERVICE", "NET_BROADCAST"),
    *("NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_BOOT", "SYS_MODULE"),
    *("SYS_PACCT", "SYS_RAWIO", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM"),
)
_NEEDED = ("SYS_ADMIN", "NET_ADMIN", "MKNOD")
"""What a Docker daemon cannot do without."""


def unconfined(missing: Sequence[str]) -> dict[str, Any]:
    """Return a HostConfig with every capability but `missing`, and nothing masked."""
    return {
        "CapAdd": ["ALL"],
        "CapDrop": list(missing),
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
        "MaskedPaths": [],
        "ReadonlyPaths": [],
        "DeviceCgroupRules": ["a *:* rwm"],
        "CgroupnsMode": "private",
    }


class Privileges:
    """Asks the engine once, with containers that end at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._host_config: Mapping[str, Any] | None = None
        self._probing = asyncio.Lock()

    async def host_config(self, image: str) -> Mapping[str, Any]:
        """Return what a privileged container's HostConfig holds; `image` must have `true`.

        Raises EngineError where the engine's host can't give what a Docker daemon needs.
        """
        async with self._probing:
            if self._host_config is None:
                self._host_config = await self._probe(image)
            return self._host_config

    async def _probe(self, image: str) -> Mapping[str, Any]:
        privileged = {"Privileged": True, "CgroupnsMode": "private"}
        if await self._starts(image, privileged):
            return privileged
        first = unconfined(["SYS_RESOURCE"])
        if await self._starts(image, first):
            return first
        missing = [
            name for name in _CAPABILITIES if not await self._starts(image, {"CapAdd": [name]})
        ]
        lacking = [name for name in _NEEDED if name in missing]
        if lacking or not await self._starts(image, unconfined(missing)):
            raise EngineError(
                "expected an engine that runs privileged containers; it refuses, and its host "
                f"lacks {', '.join(missing) or 'no single capability'}. Privileged builds "
                "(a Docker daemon inside the build) can't run on this engine",
                retryable=False,
            )
        return unconfined(missing)

    async def _starts(self, image: str, host_config: Mapping[str, Any]) -> bool:
        body = {
            "Image": image,
            "Cmd": ["true"],
            "Labels": {"penstock.probe": "privileges"},
            "HostConfig": {"NetworkMode": "none", **host_config},
        }
        created = await self._engine.json("POST", "containers/create", body=body)
        name = created["Id"]
        try:
            await self._engine.json("POST", f"containers/{name}/start")
        except EngineRefusal:
            return False
        finally:
            with contextlib.suppress(EngineRefusal):
                await self._engine.json(
                    "DELETE", f"containers/{name}", params={"force": "1", "v": "1"}
                )
        return True
