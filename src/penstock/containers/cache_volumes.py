"""The pool of layer-cache volumes: a build's own Docker daemon keeps its images in one.

Two daemons on one data root never start, so a volume belongs to one Task at a time. The
engine is the record: a volume is taken while a container has it mounted, or while this
process has promised it; so nothing is left taken by a crash. See docs/adr/0010-cache-volumes.md.
"""

import asyncio
import hashlib
import logging
from typing import Any

from penstock.containers.engine import Engine, EngineRefusal
from penstock.errors import EngineError

_LOG = logging.getLogger(__name__)
_GIB = 1024**3


class CacheVolumes:
    """Leases volumes of one instance; `scope` (a project's ARN) keeps projects apart."""

    def __init__(
        self,
        engine: Engine,
        instance_id: str,
        most_bytes: int = 40 * _GIB,
        trim_after_seconds: float = 60.0,
    ) -> None:
        self._engine = engine
        self._instance_id = instance_id
        self._most_bytes = most_bytes
        self._trim_after_seconds = trim_after_seconds
        self._promised: dict[str, str] = {}
        self._trimming: asyncio.Task[None] | None = None
        self._choosing = asyncio.Lock()

    async def lease(self, scope: str, task_id: str) -> str:
        """Return the volume that `task_id` has, else a free one of the scope, else a new one.

        The lowest free number is taken, so that few volumes stay warm. Repeating is safe.
        """
        async with self._choosing:
            if task_id in self._promised:
                return self._promised[task_id]
            taken = await self._mounted()
            prefix = self._prefix(scope)
            for volume, task in taken.items():
                if task == task_id and volume.startswith(prefix):
                    return volume
            used = set(taken) | set(self._promised.values())
            number = 0
            while f"{prefix}{number}" in used:
                number += 1
            volume = f"{prefix}{number}"
            await self._create(volume, scope)
            self._promised[task_id] = volume
            return volume

    async def release(self, task_id: str) -> None:
        """Give back what `task_id` leased; its containers must be gone. Repeating is safe.

        A while later the pool is trimmed, in the background.
        """
        leased = self._promised.pop(task_id, None) is not None
        if leased and (self._trimming is None or self._trimming.done()):
            self._trimming = asyncio.create_task(self._trim_later(), name="penstock-cache-trim")

    async def close(self) -> None:
        """End what runs in the background; repeating is safe."""
        if self._trimming is not None:
            self._trimming.cancel()
            await asyncio.wait([self._trimming])

    async def _trim_later(self) -> None:
        await asyncio.sleep(self._trim_after_seconds)
        try:
            await self.trim()
        except EngineError as error:
            _LOG.warning("the layer caches could not be trimmed: %s", error)

    async def trim(self) -> list[str]:
        """Remove free volumes, the oldest first, until all together fit; return their names.

        The engine measures every volume for this: it may take seconds, and nobody waits for it.
        """
        usage = await self._engine.json("GET", "system/df", timeout_seconds=None)
        volumes = [volume for volume in usage["Volumes"] or () if self._is_ours(volume)]
        total = sum(max(0, volume["UsageData"]["Size"]) for volume in volumes)
        async with self._choosing:
            used = set(await self._mounted()) | set(self._promised.values())
            removed = []
            for volume in sorted(volumes, key=lambda volume: str(volume["CreatedAt"])):
                if total <= self._most_bytes:
                    break
                if volume["Name"] in used or not await self._delete(volume["Name"]):
                    continue
                total -= max(0, volume["UsageData"]["Size"])
                removed.append(volume["Name"])
                _LOG.info("layer cache %s removed: the pool is over its limit", volume["Name"])
            return removed

    async def remove_all(self, scope: str) -> None:
        """Remove the free volumes of a scope, as when its project is deleted."""
        async with self._choosing:
            label = f"penstock.cache={_key(scope)}"
            filters = f'{{"label":["{label}","penstock.instance={self._instance_id}"]}}'
            found = await self._engine.json("GET", "volumes", params={"filters": filters})
            used = set(await self._mounted()) | set(self._promised.values())
            for volume in found["Volumes"] or ():
                if volume["Name"] not in used:
                    await self._delete(volume["Name"])

    def _prefix(self, scope: str) -> str:
        return f"penstock-{self._instance_id}-cache-{_key(scope)}-"

    def _is_ours(self, volume: dict[str, Any]) -> bool:
        return str(volume["Name"]).startswith(f"penstock-{self._instance_id}-cache-")

    async def _mounted(self) -> dict[str, str]:
        """Return the volumes that containers of this instance have, and those Tasks' ids."""
        filters = f'{{"label":["penstock.instance={self._instance_id}"]}}'
        params = {"all": "1", "filters": filters}
        found: dict[str, str] = {}
        for container in await self._engine.json("GET", "containers/json", params=params):
            for mount in container["Mounts"]:
                if mount["Type"] == "volume":
                    found[mount["Name"]] = container["Labels"].get("penstock.task", "")
        return found

    async def _create(self, volume: str, scope: str) -> None:
        labels = {"penstock.instance": self._instance_id, "penstock.cache": _key(scope)}
        await self._engine.json("POST", "volumes/create", body={"Name": volume, "Labels": labels})

    async def _delete(self, volume: str) -> bool:
        try:
            await self._engine.json("DELETE", f"volumes/{volume}")
        except EngineRefusal as refusal:
            if refusal.status not in {404, 409}:
                raise
            return False
        return True


def _key(scope: str) -> str:
    return hashlib.sha256(scope.encode()).hexdigest()[:12]
