"""Links among artifacts: followed where they lead, without a file of the server for each."""

import io
import os
import tarfile
import zipfile
from collections.abc import AsyncGenerator
from pathlib import Path

from penstock.builds.artifacts import ArtifactReader
from penstock.builds.buildspec import ArtifactsSpec

EVERYTHING = ArtifactsSpec(files=["**/*"])


class Container:
    """The engine's archive API, over this host's files; `reads` are what was asked for."""

    def __init__(self) -> None:
        self.reads: list[str] = []

    async def __call__(self, path: str) -> AsyncGenerator[bytes, None]:
        self.reads.append(path)
        if not os.path.lexists(path):
            raise FileNotFoundError(path)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.add(path, arcname=Path(path).name)
        yield buffer.getvalue()


async def collected(root: Path, container: Container) -> tuple[dict[str, bytes], int]:
    """Return the zip's files, and how many files of this process were open at the end."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    async with ArtifactReader(container) as reader:
        await reader.collect(EVERYTHING, str(root), root.parent / "out.zip")
        opened = len(list(Path("/proc/self/fd").iterdir())) - before
    with zipfile.ZipFile(root.parent / "out.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}, opened


async def test_a_link_within_the_tree_is_read_from_what_was_fetched(tmp_path: Path) -> None:
    """Locks: each link was fetched into a file of its own; a thousand ended the server's."""
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "tool").write_text("tool")
    for number in range(50):
        (root / "bin" / f"tool-{number}").symlink_to("../tool")
    (root / "bin" / "again").symlink_to("tool-0")
    (root / "bin" / "round").symlink_to("round")
    (root / "bin" / "directory").symlink_to("..")
    container = Container()
    found, _ = await collected(root, container)
    assert found.pop("tool") == b"tool"
    assert set(found) == {"bin/again", *(f"bin/tool-{number}" for number in range(50))}
    assert set(found.values()) == {b"tool"}
    assert set(container.reads) <= {str(root), str(root / "bin" / "round")}


async def test_links_to_elsewhere_take_no_file_each(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    for number in range(50):
        (elsewhere / f"f{number}").write_text(str(number))
        (root / f"l{number}").symlink_to(elsewhere / f"f{number}")
    found, opened = await collected(root, Container())
    assert found == {f"l{number}": str(number).encode() for number in range(50)}
    assert opened < 10
