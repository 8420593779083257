"""`penstock demo --down` removes what carries its instance's label, and nothing else."""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.cli.demonstration.place import Place
from penstock.cli.demonstration.removal import remove

INSTANCE = "demo" + uuid.uuid4().hex[:6]
OTHER = "other" + uuid.uuid4().hex[:5]


def docker(*arguments: str) -> list[str]:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=True
    ).stdout.split()


def objects(instance: str) -> dict[str, int]:
    """How many objects of each kind carry the instance's label."""
    label = f"label=penstock.instance={instance}"
    return {
        "containers": len(docker("container", "ls", "-aq", "--filter", label)),
        "volumes": len(docker("volume", "ls", "-q", "--filter", label)),
        "networks": len(docker("network", "ls", "-q", "--filter", label)),
    }


def make(instance: str, image: str) -> None:
    """A running container that uses a volume and a network, all three labelled."""
    label = ["--label", f"penstock.instance={instance}"]
    docker("network", "create", *label, f"penstock-{instance}")
    docker("volume", "create", *label, f"penstock-{instance}")
    docker(
        *("run", "--detach", *label, "--network", f"penstock-{instance}"),
        *("--volume", f"penstock-{instance}:/data", image, "sleep", "300"),
    )


@pytest.fixture
def image() -> Iterator[str]:
    """A small image with `sleep`, from what the server needs anyway."""
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "penstock/debian")
    if not names:
        pytest.skip("the base images are not built: make images")
    yield names[0]
    for instance in (INSTANCE, OTHER):
        label = f"label=penstock.instance={instance}"
        for found in docker("container", "ls", "-aq", "--filter", label):
            docker("rm", "--force", found)
        for kind in ("volume", "network"):
            for found in docker(kind, "ls", "-q", "--filter", label):
                docker(kind, "rm", found)


def test_everything_of_the_demo_goes_and_nothing_else(image: str, tmp_path: Path) -> None:
    make(INSTANCE, image)
    make(OTHER, image)
    place = Place(tmp_path / "data")
    place.files.mkdir(parents=True)
    place.marker.write_text("{}")
    (place.root / "instance-id").write_text(INSTANCE)

    assert remove(place) == [
        "removed 1 container, 1 volume, 1 network",
        f"removed {place.root}",
    ]

    assert objects(INSTANCE) == {"containers": 0, "volumes": 0, "networks": 0}
    assert objects(OTHER) == {"containers": 1, "volumes": 1, "networks": 1}
    assert not place.root.exists()
