"""Source archives as they come: hostile, or merely written by other tools."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.builds.source_archive import (
    BadArchive,
    read_from_tree,
    read_from_zip,
    tree_as_tar,
    zip_as_tar,
)


def archive(path: Path, *entries: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path / "source.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        for info, content in entries:
            opened.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path / "source.zip"


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def members(parts: Iterator[bytes]) -> dict[str, tarfile.TarInfo]:
    content = io.BytesIO(b"".join(parts) + b"\0" * 1024)
    with tarfile.open(fileobj=content) as opened:
        return {member.name: member for member in opened.getmembers()}


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a\\..\\..\\x"])
def test_an_entry_outside_of_its_directory_is_refused(tmp_path: Path, name: str) -> None:
    source = archive(tmp_path, (name, b"x"))
    with pytest.raises(BadArchive, match="outside of its directory"):
        list(zip_as_tar(source, "/src"))
    with pytest.raises(BadArchive, match="outside of its directory"):
        read_from_zip(source, "buildspec.yml")


def test_entries_without_a_time_are_taken(tmp_path: Path) -> None:
    """Locks: month and day 0, which many tools write, were a bug of ours and a FAULT."""
    source = archive(tmp_path, ("a", b"x"))
    content = bytearray(source.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 12), (b"PK\x01\x02", 14)):
        start = content.index(signature) + offset
        content[start : start + 2] = b"\0\0"
    source.write_bytes(content)
    assert members(zip_as_tar(source, "/src"))["src/a"].mtime == 0


def test_a_link_of_megabytes_is_refused_unread(tmp_path: Path) -> None:
    """Locks: a link's target, which a zip says in any length, was read whole."""
    source = archive(tmp_path, (link("a"), b"x" * 10_000_000))
    with pytest.raises(BadArchive, match="expected at most 4096 bytes in a of the source"):
        list(zip_as_tar(source, "/src"))
    source = archive(tmp_path, (link("a"), b"b/c"))
    assert members(zip_as_tar(source, "/src"))["src/a"].linkname == "b/c"


def test_a_buildspec_of_megabytes_is_refused_unread(tmp_path: Path) -> None:
    source = archive(tmp_path, ("buildspec.yml", b"#" * 10_000_000))
    with pytest.raises(BadArchive, match=r"expected at most 4194304 bytes in buildspec.yml"):
        read_from_zip(source, "buildspec.yml")
    (tmp_path / "buildspec.yml").write_bytes(b"#" * 10_000_000)
    with pytest.raises(BadArchive, match="found 10000000"):
        read_from_tree(tmp_path, "buildspec.yml")


def test_a_tree_is_read_within_itself(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    tree = tmp_path / "tree"
    (tree / "real").mkdir(parents=True)
    (tree / "real" / "x").write_text("x")
    (tree / "out").symlink_to(tmp_path)
    (tree / "in").symlink_to("real")
    assert read_from_tree(tree, "out/secret") is None
    assert read_from_tree(tree, "in/x") == b"x"
    assert read_from_tree(tree, "absent") is None
    with pytest.raises(BadArchive):
        read_from_tree(tree, "../secret")
    names = set(members(tree_as_tar(tree, "/src")))
    assert names == {"src", "src/in", "src/out", "src/real", "src/real/x"}


def test_a_trees_modes_are_those_that_git_keeps(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    (tmp_path / "data").write_text("x")
    (tmp_path / "run").chmod(0o700)
    (tmp_path / "data").chmod(0o600)
    (tmp_path / "directory").mkdir(mode=0o700)
    found = members(tree_as_tar(tmp_path, "/src"))
    modes = {name: found[f"src/{name}"].mode for name in ("run", "data", "directory")}
    assert modes == {"run": 0o755, "data": 0o644, "directory": 0o755}
