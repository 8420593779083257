"""Base images go with their names, children and all; one that a container has stays."""

import io
import subprocess
import tarfile
import uuid
from collections.abc import Iterator

import pytest

from penstock.containers import base_images
from penstock.containers.base_images import BaseImage
from penstock.containers.engine import Engine

NAME = "penstock/test-" + uuid.uuid4().hex[:8]
PARENT, CHILD = f"{NAME}-parent:{'a' * 12}", f"{NAME}-child:{'b' * 12}"
PUBLIC = f"test-{uuid.uuid4().hex[:8]}:1"


def docker(*arguments: str, content: bytes = b"") -> str:
    done = subprocess.run(["docker", *arguments], input=content, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def container() -> Iterator[str]:
    """A base image, another built from it that has a public name, and a container of that."""
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    docker("import", "-", PARENT, content=empty.getvalue())
    of_parent = docker("create", PARENT, "true")
    docker("commit", "--change", "LABEL penstock.recipe=b", of_parent, CHILD)
    docker("rm", of_parent)
    docker("tag", CHILD, PUBLIC)
    container = docker("create", CHILD, "true")
    yield container
    for name in (CHILD, PUBLIC, PARENT):
        subprocess.run(["docker", "rmi", "--force", name], capture_output=True, check=False)
    subprocess.run(["docker", "rm", container], capture_output=True, check=False)


async def test_base_images_go_unless_they_are_used(container: str) -> None:
    engine = Engine()
    try:
        found = await ours(engine)
        assert found == [BaseImage((CHILD, PUBLIC)), BaseImage((PARENT,))]
        assert await base_images.remove(engine, found) == [PUBLIC], "the last of its names stays"
        docker("rm", container)
        assert await base_images.remove(engine, found) == []
        assert await ours(engine) == []
    finally:
        await engine.close()
    assert docker("image", "ls", "--quiet", f"{NAME}-*") == ""
    assert docker("image", "ls", "--quiet", PUBLIC) == ""


async def ours(engine: Engine) -> list[BaseImage]:
    return [each for each in await base_images.find(engine) if each.names[0].startswith(NAME)]
