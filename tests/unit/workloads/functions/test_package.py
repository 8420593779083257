"""From a .zip file to what is put into a container."""

import base64
import hashlib
import io
import stat
import tarfile
import zipfile

import pytest

from penstock.aws.errors import ServiceError
from penstock.workloads.functions import package
from penstock.workloads.functions.package import Package, unpack, zipped


def archive(*entries: tuple[zipfile.ZipInfo, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for entry, content in entries:
            made.writestr(entry, content)
    return buffer


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    return made


def unpacked(source: io.BytesIO) -> tuple[Package, dict[str, tarfile.TarInfo]]:
    target = io.BytesIO()
    found = unpack(source, target)
    target.seek(0)
    with tarfile.open(fileobj=target) as tar:
        return found, {member.name: member for member in tar}


def test_files_are_readable_for_everybody_and_links_stay_links() -> None:
    source = archive(
        (entry("index.py", stat.S_IFREG | 0o600), b"x = 1"),
        (entry("bin/tool", stat.S_IFREG | 0o700), b"#!/bin/sh"),
        (entry("lib/", stat.S_IFDIR | 0o700), b""),
        (entry("latest", stat.S_IFLNK | 0o777), b"bin/tool"),
        (entry("plain.txt", 0), b""),
    )
    found, members = unpacked(source)
    content = source.getvalue()
    assert found.size == len(content)
    assert found.sha256 == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert {name: oct(member.mode) for name, member in members.items() if member.isreg()} == {
        "index.py": "0o644", "bin/tool": "0o744", "plain.txt": "0o644",
    }  # fmt: skip
    assert members["lib"].isdir()
    assert members["lib"].mode == 0o755
    assert members["latest"].issym()
    assert members["latest"].linkname == "bin/tool"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x"])
def test_a_path_out_of_the_archive_is_refused(name: str) -> None:
    with pytest.raises(ServiceError, match="Expected paths inside the archive"):
        unpacked(archive((entry(name, 0o644), b"")))


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MOST_UNPACKED_BYTES", 10)
    unpacked(archive((entry("a", 0o644), b"0123456789")))
    with pytest.raises(ServiceError, match="Unzipped size must be smaller than 10 bytes"):
        unpacked(archive((entry("a", 0o644), b"01234"), (entry("b", 0o644), b"012345")))


def test_an_empty_archive_is_refused() -> None:
    with pytest.raises(ServiceError, match="non-empty zip"):
        unpacked(archive())


def test_a_damaged_archive_is_refused() -> None:
    damaged = bytearray(archive((entry("a", 0o644), b"content")).getvalue())
    damaged[damaged.index(b"content")] ^= 1
    with pytest.raises(ServiceError, match="Could not unzip uploaded file"):
        unpacked(io.BytesIO(bytes(damaged)))


def test_the_same_files_are_the_same_archive() -> None:
    assert zipped({"a": b"1"}) == zipped({"a": b"1"})
    _, members = unpacked(io.BytesIO(zipped({"index.py": b"x", "cfnresponse.py": b"y"})))
    assert sorted(members) == ["cfnresponse.py", "index.py"]
