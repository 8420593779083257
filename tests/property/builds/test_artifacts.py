"""Globs and archives against plain references: the file system's own, and Python's zipfile."""

import asyncio
import io
import os
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.builds.artifacts import ArtifactError, ArtifactReader
from penstock.builds.buildspec import ArtifactsSpec
from penstock.builds.globs import matches, roots
from penstock.builds.source_archive import streamed, zip_as_tar

NAMES = st.sampled_from(["a", "b", "ab", ".c", "a.txt", "b.txt"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PARTS = st.sampled_from(["a", "b", "*", "**", "*.txt", "?", "a*", "[ab]", "[!a]", ".c"])
PATTERNS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


def reference(pattern: list[str], path: list[str]) -> bool:
    """The definition, component by component."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        if len(pattern) == 1:
            return bool(path)
        return reference(pattern[1:], path) or (bool(path) and reference(pattern, path[1:]))
    if not path:
        return False
    return component(pattern[0], path[0]) and reference(pattern[1:], path[1:])


def component(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return component(pattern[1:], name) or (bool(name) and component(pattern, name[1:]))
    if not name:
        return False
    if pattern[0] == "[":
        body, rest = pattern[1:].split("]", 1)
        inside = name[0] in body.removeprefix("!")
        return inside != body.startswith("!") and component(rest, name[1:])
    return pattern[0] in ("?", name[0]) and component(pattern[1:], name[1:])


@given(PATTERNS, PATHS)
def test_globs_match_by_their_definition(pattern: str, path: str) -> None:
    assert matches(pattern, path) == reference(pattern.split("/"), path.split("/"))


@given(st.lists(PATTERNS, min_size=1, max_size=3), PATHS)
def test_what_is_fetched_holds_whatever_matches(patterns: list[str], path: str) -> None:
    if any(matches(pattern, path) for pattern in patterns):
        assert any(root in ("", path) or path.startswith(root + "/") for root in roots(patterns))


TREES = st.dictionaries(PATHS, st.binary(max_size=2000), min_size=1, max_size=6)


def make(tree: dict[str, bytes], root: Path) -> dict[str, bytes]:
    """Write what of the tree is possible (a name may be a file or a directory, not both)."""
    made = {}
    for name, content in tree.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError:
            continue
        made[name] = content
        path.chmod(0o755 if content[:1] > b"\x80" else 0o644)
    return made


async def read_host(path: str) -> AsyncGenerator[bytes, None]:
    """The engine's archive API, over this host's files."""
    if not os.path.lexists(path):
        raise FileNotFoundError(path)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(path, arcname=Path(path).name)
    yield buffer.getvalue()


def collected(root: Path, spec: ArtifactsSpec) -> dict[str, tuple[bytes, int]]:
    async def collect() -> None:
        async with ArtifactReader(read_host) as reader:
            await reader.collect(spec, str(root), root.parent / "out.zip")

    asyncio.run(collect())
    with zipfile.ZipFile(root.parent / "out.zip") as opened:
        return {
            info.filename: (opened.read(info), info.external_attr >> 16)
            for info in opened.infolist()
        }


@settings(deadline=None, max_examples=60)
@given(TREES, st.lists(PATTERNS, min_size=1, max_size=2), st.lists(PATTERNS, max_size=1))
def test_a_zip_holds_exactly_the_matching_files(
    tree: dict[str, bytes], patterns: list[str], exclude: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "src"
        root.mkdir()
        made = make(tree, root)
        expected = {
            name: content
            for name, content in made.items()
            if any(matches(p, name) for p in patterns)
            and not any(
                matches(p, "/".join(name.split("/")[:n]))
                for p in exclude
                for n in range(1, len(name.split("/")) + 1)
            )
        }
        spec = ArtifactsSpec(files=patterns, exclude_paths=exclude)
        if not expected:
            with pytest.raises(ArtifactError, match="no matching artifact paths found"):
                collected(root, spec)
            return
        found = collected(root, spec)
        assert {name: content for name, (content, _) in found.items()} == expected
        for name, (_, mode) in found.items():
            assert stat.S_IMODE(mode) == stat.S_IMODE((root / name).stat().st_mode)


@settings(deadline=None, max_examples=60)
@given(TREES)
def test_a_zip_becomes_the_tar_of_the_same_tree(tree: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        source = root / "in"
        source.mkdir()
        made = make(tree, source)
        with zipfile.ZipFile(root / "in.zip", "w", zipfile.ZIP_DEFLATED) as opened:
            for name in made:
                opened.write(source / name, name)

        async def read() -> bytes:
            return b"".join([part async for part in streamed(zip_as_tar(root / "in.zip", "/x/y"))])

        with tarfile.open(fileobj=io.BytesIO(asyncio.run(read()))) as tar:
            files = {
                member.name: (tar.extractfile(member), member.mode)
                for member in tar.getmembers()
                if member.isreg()
            }
            assert {name: file.read() for name, (file, _) in files.items() if file} == {
                f"x/y/{name}": content for name, content in made.items()
            }
            for name in made:
                assert files[f"x/y/{name}"][1] == stat.S_IMODE((source / name).stat().st_mode)
