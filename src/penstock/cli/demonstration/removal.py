"""Remove a demo: its server, everything of it on the container engine, and its data."""

import asyncio
import json
import shutil
from typing import Any

from penstock.cli.demonstration import server_process
from penstock.cli.demonstration.place import Place
from penstock.containers.engine import Engine


def remove(place: Place) -> list[str]:
    """Remove what there is, in words; raise EngineError when the engine cannot be reached.

    Repeating is safe: the data go last, so that an interrupted removal can be resumed.
    """
    done = []
    if server_process.stop(place):
        done.append("stopped the server")
    instance = _instance_id(place)
    if instance is not None:
        done += asyncio.run(_remove_engine_objects(instance))
    shutil.rmtree(place.root)
    done.append(f"removed {place.root}")
    return done


def _instance_id(place: Place) -> str | None:
    """Return the id that names the server's objects; None when it never came so far."""
    try:
        return (place.root / "instance-id").read_text().strip() or None
    except FileNotFoundError:
        return None


async def _remove_engine_objects(instance: str) -> list[str]:
    """Remove the instance's containers, then the volumes and networks that they used, and the
    images that were pulled from its registry."""
    engine = Engine()
    filters = {"filters": json.dumps({"label": [f"penstock.instance={instance}"]})}
    try:
        containers = await engine.json("GET", "containers/json", params={"all": "1", **filters})
        registry = _registry_port(containers)
        for container in containers:
            await engine.json(
                "DELETE", f"containers/{container['Id']}", params={"force": "1", "v": "1"}
            )
        images = await _remove_images(engine, registry) if registry else []
        volumes = (await engine.json("GET", "volumes", params=filters)).get("Volumes") or []
        for volume in volumes:
            await engine.json("DELETE", f"volumes/{volume['Name']}")
        networks = await engine.json("GET", "networks", params=filters)
        for network in networks:
            await engine.json("DELETE", f"networks/{network['Id']}")
    finally:
        await engine.close()
    found = {
        "container": containers,
        "volume": volumes,
        "network": networks,
        "image": images,
    }
    return [
        f"removed {len(items)} {noun}{'s' if len(items) > 1 else ''}"
        for noun, items in found.items()
        if items
    ]


def _registry_port(containers: list[Any]) -> str | None:
    """Return the port of this host under which the instance's registry is published."""
    for container in containers:
        if container["Labels"].get("penstock.helper") == "registry":
            return str(container["Labels"]["penstock.port"])
    return None


async def _remove_images(engine: Engine, port: str) -> list[str]:
    """Remove what tasks and builds pulled from the instance's registry; return the names."""
    filters = json.dumps({"reference": [f"127.0.0.1:{port}/*", f"127.0.0.1:{port}/*/*"]})
    found = await engine.json("GET", "images/json", params={"filters": filters})
    names = sorted({name for image in found for name in image.get("RepoTags") or ()})
    names += sorted(
        name for image in found if not image.get("RepoTags") for name in image["RepoDigests"]
    )
    for name in names:
        await engine.json("DELETE", f"images/{name}")
    return names
