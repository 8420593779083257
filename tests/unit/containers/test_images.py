"""Which of the engine's images a name stands for."""

from typing import Any

import pytest

from penstock.containers.engine import EngineRefusal
from penstock.containers.images import Images, ImageUnavailable

ID = "sha256:" + "3f2a" * 16
NAMED = {"Id": "sha256:" + "cafe" * 16, "RepoTags": ["cafe:latest", "cafe:1"]}


class FakeEngine:
    """An engine with one image that another project's build pulled, found by name or id."""

    async def json(self, method: str, path: str, **_: Any) -> Any:
        name = path.removeprefix("images/").removesuffix("/json")
        if name in {"private", "private:latest", ID, *(ID[7 : 7 + n] for n in range(1, 65))}:
            return {"Id": ID, "RepoTags": ["private:latest"]}
        if name in {"cafe", "cafe:1"}:
            return NAMED
        raise EngineRefusal(404, f"No such image: {path}")

    async def progress(self, *_: Any, **__: Any) -> Any:
        raise EngineRefusal(404, "pull access denied")
        yield


@pytest.mark.parametrize("name", ["private", "cafe", "cafe:1"])
async def test_an_image_of_the_engine_is_had_by_its_name(name: str) -> None:
    assert await Images(FakeEngine()).resolve(name) == name  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [ID, ID[7:], ID[7:19], "3"])
async def test_no_image_is_had_by_its_id(name: str) -> None:
    """Whoever could guess a digit had the images of repositories he may not read."""
    with pytest.raises(ImageUnavailable, match="pull access denied"):
        await Images(FakeEngine()).resolve(name)  # type: ignore[arg-type]
