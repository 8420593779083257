"""Everything that one server has on its container engine: told, and removed.

Base images (`penstock/*` and what is built from them) carry no server's label: every server of
the engine uses them, so they are nobody's to remove here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.containers import shared_volumes
from penstock.containers.engine import Engine, EngineRefusal

_REGISTRY = "registry"
_ANONYMOUS = re.compile("[0-9a-f]{64}")
_GONE = 404


@dataclass(frozen=True, slots=True)
class EngineObject:
    """One object; `path` is its place in the engine's API, `about` what it is for, in words.

    `is_data` marks what nothing makes again: a stack's database, the published images.
    """

    noun: str
    name: str
    path: str
    about: str = ""
    is_data: bool = False


async def find(engine: Engine, instance_id: str) -> list[EngineObject]:
    """Return the instance's objects, in the order in which they can be removed.

    The registry's container goes after the images that were pulled from it: its port is how these
    are known, should a removal be interrupted. Raises EngineError.
    """
    labelled = {"filters": json.dumps({"label": [f"penstock.instance={instance_id}"]})}
    listed = await engine.json("GET", "containers/json", params={"all": "1", **labelled})
    listed.sort(key=lambda one: (_is_registry(one), one["Names"]))
    containers = [_container(one) for one in listed]
    workloads = [one for one, raw in zip(containers, listed, strict=True) if not _is_registry(raw)]
    registries = containers[len(workloads) :]
    ports = [str(one["Labels"]["penstock.port"]) for one in listed if _is_registry(one)]
    volumes = (await engine.json("GET", "volumes", params=labelled)).get("Volumes") or []
    networks = await engine.json("GET", "networks", params=labelled)
    return [
        *workloads,
        *[image for port in ports for image in await _images(engine, port)],
        *registries,
        *_anonymous_volumes(listed),
        *[_volume(one) for one in sorted(volumes, key=lambda one: str(one["Name"]))],
        *[EngineObject("network", one["Name"], f"networks/{one['Id']}") for one in networks],
    ]


async def remove(engine: Engine, objects: Sequence[EngineObject]) -> None:
    """Remove objects in the order that `find` gave; what is gone already is passed over.

    Raises EngineError, EngineRefusal where another's container uses one of them.
    """
    for each in objects:
        params = {"force": "1", "v": "1"} if each.noun == "container" else {}
        try:
            await engine.json("DELETE", each.path, params=params)
        except EngineRefusal as refusal:
            if refusal.status != _GONE:
                raise


def counts(objects: Sequence[EngineObject]) -> str:
    """Return `4 containers, 1 volume`; "nothing" when there is nothing."""
    nouns = list(dict.fromkeys(each.noun for each in objects))
    numbers = {noun: sum(each.noun == noun for each in objects) for noun in nouns}
    return ", ".join(f"{n} {noun}{'s' * (n > 1)}" for noun, n in numbers.items()) or "nothing"


def _is_registry(container: Mapping[str, Any]) -> bool:
    return bool(container["Labels"].get("penstock.helper") == _REGISTRY)


def _container(found: Mapping[str, Any]) -> EngineObject:
    labels = found["Labels"]
    name = found["Names"][0].removeprefix("/")
    about = labels.get("penstock.helper") or labels.get("penstock.kind", "")
    return EngineObject("container", name, f"containers/{found['Id']}", about)


def _volume(found: Mapping[str, Any]) -> EngineObject:
    labels, name = found["Labels"], str(found["Name"])
    path = f"volumes/{name}"
    if shared_volumes.LABEL in labels:
        cluster = labels.get(shared_volumes.CLUSTER_LABEL, "")
        about = f"{labels[shared_volumes.LABEL]}: data of cluster {cluster}".rstrip()
        return EngineObject("volume", name, path, about, is_data=True)
    if labels.get("penstock.helper") == _REGISTRY:
        return EngineObject("volume", name, path, "published images", is_data=True)
    about = "layer cache" if "penstock.cache" in labels else ""
    return EngineObject("volume", name, path, about)


def _anonymous_volumes(containers: Sequence[Mapping[str, Any]]) -> list[EngineObject]:
    """Return the nameless volumes, which the engine removes with their containers."""
    return [
        EngineObject("volume", mount["Name"], f"volumes/{mount['Name']}", "its container's own")
        for container in containers
        for mount in container["Mounts"]
        if mount["Type"] == "volume" and _ANONYMOUS.fullmatch(mount["Name"])
    ]


async def _images(engine: Engine, port: str) -> list[EngineObject]:
    """Return what tasks and builds pulled from the registry at this port of 127.0.0.1."""
    filters = json.dumps({"reference": [f"127.0.0.1:{port}/*", f"127.0.0.1:{port}/*/*"]})
    found = await engine.json("GET", "images/json", params={"filters": filters})
    names = sorted({name for image in found for name in image.get("RepoTags") or ()})
    names += sorted(
        name for image in found if not image.get("RepoTags") for name in image["RepoDigests"]
    )
    return [EngineObject("image", name, f"images/{name}") for name in names]
