"""Which images of an engine are Penstock's own, and what becomes of those in use."""

from typing import Any

import pytest

from penstock.containers import base_images
from penstock.containers.engine import EngineRefusal

LABELLED = {"penstock.recipe": "b5f2cd8968f0"}
IMAGES = [
    {
        "Id": "1",
        "RepoTags": ["penstock/python:b5f2cd8968f0", "python:3.11-slim"],
        "Labels": LABELLED,
    },
    {"Id": "2", "RepoTags": ["penstock/debian:a2ee3d09023f", "debian:13"], "Labels": None},
    {"Id": "3", "RepoTags": ["127.0.0.1:5000/todobackend:1"], "Labels": LABELLED},
    {"Id": "4", "RepoTags": ["debian:12"], "Labels": {}},
    {"Id": "5", "RepoTags": ["penstock/somebody:else"], "Labels": None},
]


class Images:
    """An engine with these images; `status` is how it refuses to remove one of them."""

    def __init__(self, refused: str = "", status: int = 409) -> None:
        self.refused, self.status = refused, status
        self.removed: list[str] = []

    async def json(self, method: str, path: str, **_: Any) -> Any:
        if method == "DELETE":
            if path == f"images/{self.refused}":
                raise EngineRefusal(self.status, "conflict")
            self.removed.append(path.removeprefix("images/"))
            return None
        return IMAGES


async def remove(engine: Any) -> list[str]:
    return await base_images.remove(engine, await base_images.find(engine))


async def test_only_what_penstock_built_and_named_goes() -> None:
    """An image built from one inherits its label, a stranger's may have its name."""
    engine = Images()
    assert await remove(engine) == []
    assert engine.removed == [
        "penstock/debian:a2ee3d09023f",
        "penstock/python:b5f2cd8968f0",
        "python:3.11-slim",
    ]


async def test_what_a_container_uses_is_told_and_the_rest_goes() -> None:
    engine = Images(refused="penstock/debian:a2ee3d09023f")
    assert await remove(engine) == ["penstock/debian:a2ee3d09023f"]
    assert engine.removed == ["penstock/python:b5f2cd8968f0", "python:3.11-slim"]


async def test_what_is_gone_already_is_no_trouble() -> None:
    assert await remove(Images(refused="penstock/debian:a2ee3d09023f", status=404)) == []


async def test_trouble_of_the_engine_is_raised() -> None:
    with pytest.raises(EngineRefusal):
        await remove(Images(refused="penstock/debian:a2ee3d09023f", status=500))
