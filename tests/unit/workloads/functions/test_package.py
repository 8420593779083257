"""From a .zip file to what is put into a container."""

import base64
import contextlib
import hashlib
import io
import stat
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from unittest.mock import Mock

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


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_a_limit_are_refused(method: int) -> None:
    """81 bytes of bzip2 that claim to be 10 took 60 MB of memory, and were accepted."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        made.writestr("index.py", b"x = 1")
    with pytest.raises(ServiceError, match="Could not unzip uploaded file"):
        unpacked(buffer)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_too_many_entries_are_refused_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch, method: int
) -> None:
    """20 000 empty files are 2 MB of .zip file; each cost an object, and a header of the tar."""

    def zip_of(count: int) -> io.BytesIO:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as made:
            for number in range(count):
                made.writestr(str(number), b"x")
        return buffer

    monkeypatch.setattr(package, "MOST_ENTRIES", 100)
    assert len(unpacked(zip_of(100))[1]) == 100
    many = zip_of(101)
    made = Mock()
    monkeypatch.setattr(zipfile, "ZipInfo", made)
    with pytest.raises(ServiceError, match="at most 100 files"):
        unpacked(many)
    made.assert_not_called()


def test_a_directory_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "_MOST_DIRECTORY_BYTES", 1000)
    with pytest.raises(ServiceError, match="Could not unzip uploaded file"):
        unpacked(archive(*((entry("x" * 200 + str(n), 0o644), b"") for n in range(10))))


def test_a_link_that_leads_too_far_is_refused() -> None:
    link = stat.S_IFLNK | 0o777
    unpacked(archive((entry("l", link), b"x" * 4096)))
    with pytest.raises(ServiceError, match="at most 4096 bytes"):
        unpacked(archive((entry("l", link), b"x" * 4097)))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFREG])
def test_what_is_longer_than_it_says_is_not_unpacked_whole(kind: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(entry("bomb", kind | 0o777), bytes(60_000_000), zipfile.ZIP_DEFLATED)
    content = bytearray(buffer.getvalue())
    for header in (content.index(b"PK\x03\x04") + 14, content.index(b"PK\x01\x02") + 16):
        struct.pack_into("<L", content, header, zlib.crc32(bytes(10)))
        struct.pack_into("<L", content, header + 8, 10)
    tracemalloc.start()
    try:
        with contextlib.suppress(ServiceError):
            unpack(io.BytesIO(content), io.BytesIO())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5_000_000


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_whatever_is_damaged_is_refused_or_read(method: int) -> None:
    """zlib's and struct's errors, and names that are no text, were internal errors."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        made.writestr("index.py", b"def handler(event, context): return 1\n" * 3)
        made.writestr("\u00e9.py", b"")
        made.writestr(entry("link", stat.S_IFLNK | 0o777), b"index.py")
    whole = buffer.getvalue()
    refused = 0
    for at in range(len(whole)):
        for flip in (1, 0x80, 0xFF):
            damaged = whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]
            for content in (damaged, whole[:at]):
                try:
                    unpack(io.BytesIO(content), io.BytesIO())
                except ServiceError:
                    refused += 1
    assert refused > len(whole)


def test_the_same_files_are_the_same_archive() -> None:
    assert zipped({"a": b"1"}) == zipped({"a": b"1"})
    _, members = unpacked(io.BytesIO(zipped({"index.py": b"x", "cfnresponse.py": b"y"})))
    assert sorted(members) == ["cfnresponse.py", "index.py"]
