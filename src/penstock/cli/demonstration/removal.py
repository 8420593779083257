"""Remove a demo: its server, everything of it on the container engine, and its data."""

import asyncio
import shutil

from penstock.cli.demonstration import server_process
from penstock.cli.demonstration.place import Place
from penstock.containers import base_images, instance_objects
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
        done.append(f"removed {asyncio.run(_remove_objects(instance))}")
    shutil.rmtree(place.root)
    done.append(f"removed {place.root}")
    return done


def remove_base_images() -> list[str]:
    """Remove the base images that no container uses; return what was done, in words."""
    removed, used = asyncio.run(_remove_base_images())
    return [
        f"removed {removed} base image{'s' * (removed != 1)}",
        *[f"kept {name}: a container uses it" for name in used],
    ]


async def _remove_base_images() -> tuple[int, list[str]]:
    engine = Engine()
    try:
        found = await base_images.find(engine)
        used = await base_images.remove(engine, found)
    finally:
        await engine.close()
    kept = sum(any(name in used for name in image.names) for image in found)
    return len(found) - kept, used


def _instance_id(place: Place) -> str | None:
    """Return the id that names the server's objects; None when it never came so far."""
    try:
        return (place.root / "instance-id").read_text().strip() or None
    except FileNotFoundError:
        return None


async def _remove_objects(instance: str) -> str:
    """Remove everything of the server's from the engine; return what, counted."""
    engine = Engine()
    try:
        found = await instance_objects.find(engine, instance)
        await instance_objects.remove(engine, found)
    finally:
        await engine.close()
    return instance_objects.counts(found)
