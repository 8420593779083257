"""The volumes that Tasks mount: their own, which end with them, and shared ones, which stay."""

import json

from penstock.containers.engine import Engine, EngineRefusal
from penstock.containers.task import Volume

_GONE = 404


class TaskVolumes:
    """Volumes of one instance; labels on each say whose it is."""

    def __init__(self, engine: Engine, instance_id: str) -> None:
        self._engine = engine
        self._instance_id = instance_id

    async def ensure(self, volume: Volume, task_id: str) -> None:
        """Make the volume unless it is there. Repeating is safe."""
        labels = {**volume.labels, "penstock.instance": self._instance_id}
        if volume.of_task:
            labels["penstock.task"] = task_id
        body = {"Name": volume.name, "Labels": labels}
        await self._engine.json("POST", "volumes/create", body=body)

    async def remove_of(self, task_id: str) -> None:
        """Remove the Task's own volumes; its containers must be gone. Repeating is safe."""
        labels = [f"penstock.instance={self._instance_id}", f"penstock.task={task_id}"]
        params = {"filters": json.dumps({"label": labels})}
        found = await self._engine.json("GET", "volumes", params=params)
        for volume in found["Volumes"] or ():
            try:
                await self._engine.json("DELETE", f"volumes/{volume['Name']}")
            except EngineRefusal as refusal:
                if refusal.status != _GONE:
                    raise
