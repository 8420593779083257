"""The volumes that outlive Tasks and stacks: databases. Only somebody who names one removes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.containers.engine import Engine, EngineRefusal

LABEL = "penstock.volume"
CLUSTER_LABEL = "penstock.cluster"


class VolumeInUse(Exception):
    """A container still uses the volume; the message is the engine's."""


@dataclass(frozen=True, slots=True)
class SharedVolume:
    """`name` is the user's, from a task definition, `cluster` whose tasks have the volume;
    `engine_name` is the engine's."""

    name: str
    cluster: str
    engine_name: str
    created_at: str


async def list_shared(engine: Engine, instance_id: str) -> list[SharedVolume]:
    """Return this instance's shared volumes by name; raise EngineError."""
    labels = {"label": [f"penstock.instance={instance_id}", LABEL]}
    answer: Mapping[str, Any] = await engine.json(
        "GET", "volumes", params={"filters": json.dumps(labels)}
    )
    found = [
        SharedVolume(
            volume["Labels"][LABEL],
            volume["Labels"].get(CLUSTER_LABEL, ""),
            volume["Name"],
            volume.get("CreatedAt", ""),
        )
        for volume in answer.get("Volumes") or ()
    ]
    return sorted(found, key=lambda volume: (volume.name, volume.cluster))


async def remove_shared(engine: Engine, volume: SharedVolume) -> None:
    """Remove a volume with what is in it; raise VolumeInUse or EngineError."""
    try:
        await engine.json("DELETE", f"volumes/{volume.engine_name}")
    except EngineRefusal as refusal:
        if refusal.status == 409:
            raise VolumeInUse(refusal.message) from refusal
        if refusal.status != 404:
            raise
