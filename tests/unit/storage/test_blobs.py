"""Content files: digests, ranges, atomicity, flat memory."""

import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.storage.blobs import Blobs


async def _chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def _content(blobs: Blobs, blob_id: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in blobs.open(blob_id, start, end)])


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


async def test_put_digests_and_keeps_the_content(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blob = await blobs.put(_chunks(b"hello ", b"", b"world"))
    assert blob.size == 11
    assert blob.md5_hex == hashlib.md5(b"hello world").hexdigest()
    assert blob.sha256_hex == hashlib.sha256(b"hello world").hexdigest()
    assert blobs.path(blob.id).read_bytes() == b"hello world"
    assert await _content(Blobs(tmp_path), blob.id) == b"hello world"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, 5, b"hello"), (6, None, b"world"), (6, 100, b"world"), (11, None, b""), (3, 3, b"")],
)
async def test_open_yields_a_range(
    tmp_path: Path, start: int, end: int | None, expected: bytes
) -> None:
    blobs = Blobs(tmp_path)
    blob = await blobs.put(_chunks(b"hello world"))
    assert await _content(blobs, blob.id, start, end) == expected


async def test_an_empty_blob_exists(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blob = await blobs.put(_chunks())
    assert blob.size == 0
    assert await _content(blobs, blob.id) == b""


async def test_a_failed_upload_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        await Blobs(tmp_path).put(broken())
    assert _files(tmp_path) == []


async def test_what_a_crash_left_unfinished_is_removed_at_start(tmp_path: Path) -> None:
    kept = await Blobs(tmp_path).put(_chunks(b"kept"))
    (tmp_path / "tmp" / "half-written").write_bytes(b"half")
    blobs = Blobs(tmp_path)
    assert _files(tmp_path) == [blobs.path(kept.id)]


async def test_delete_is_repeatable_and_a_deleted_blob_is_not_found(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blob = await blobs.put(_chunks(b"x"))
    await blobs.delete(blob.id)
    await blobs.delete(blob.id)
    with pytest.raises(FileNotFoundError):
        await _content(blobs, blob.id)


def test_an_id_that_leaves_the_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a blob id"):
        Blobs(tmp_path).path("../../etc/passwd")


async def test_memory_stays_flat_whatever_the_size(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    part = b"\0" * 65_536

    async def large() -> AsyncIterator[bytes]:
        for _ in range(1024):  # 64 MiB
            yield bytes(part)

    tracemalloc.start()
    try:
        blob = await blobs.put(large())
        async for _ in blobs.open(blob.id):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert blob.size == 64 << 20
    assert peak < 8 << 20
