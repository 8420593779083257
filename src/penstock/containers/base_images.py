"""The base images that Penstock built on an engine: every server there uses them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.containers.engine import Engine, EngineRefusal

_LABEL = "penstock.recipe"
_NAME = re.compile(r"penstock/[a-z0-9-]+:[0-9a-f]{12}")
_GONE = 404
_IN_USE = 409


@dataclass(frozen=True, slots=True)
class BaseImage:
    """One image and the names that Penstock gave it."""

    names: tuple[str, ...]


async def find(engine: Engine) -> list[BaseImage]:
    """Return the base images, by name; raise EngineError.

    What Penstock built goes by all its names, a public one that it stands for among them. An image
    that was pulled, or was there, keeps those that others gave it.
    """
    images = []
    for found in await engine.json("GET", "images/json"):
        names = found.get("RepoTags") or ()
        own = [name for name in names if _NAME.fullmatch(name)]
        if own:
            built = _LABEL in (found.get("Labels") or {})
            images.append(BaseImage(tuple(sorted(names if built else own))))
    return sorted(images, key=lambda image: image.names)


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
