"""The base images that Penstock built on an engine: every server there uses them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.containers.engine import Engine, EngineRefusal

_LABEL = "penstock.recipe"
_NAMES = "penstock/*"
_GONE = 404
_IN_USE = 409


@dataclass(frozen=True, slots=True)
class BaseImage:
    """One image and all its names, a public name that stands for it among them."""

    names: tuple[str, ...]


async def find(engine: Engine) -> list[BaseImage]:
    """Return the base images, by name. What was only built from one of them is none of ours.

    Raises EngineError.
    """
    filters = json.dumps({"reference": [_NAMES], "label": [_LABEL]})
    ids = {
        image["Id"]
        for image in await engine.json("GET", "images/json", params={"filters": filters})
    }
    found = await engine.json("GET", "images/json")
    names = [image.get("RepoTags") or () for image in found if image["Id"] in ids]
    return [BaseImage(tuple(sorted(each))) for each in sorted(names)]


async def remove(engine: Engine, images: Sequence[BaseImage]) -> list[str]:
    """Remove the images by all their names; return the names that a container still uses.

    Repeating is safe. Raises EngineError.
    """
    used = []
    for name in [name for image in images for name in image.names]:
        try:
            await engine.json("DELETE", f"images/{name}")
        except EngineRefusal as refusal:
            if refusal.status == _IN_USE:
                used.append(name)
            elif refusal.status != _GONE:
                raise
    return used
