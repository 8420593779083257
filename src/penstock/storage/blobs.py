"""Content files: bytes of any size under an id, whole or absent, never held in memory.

A blob is written to `tmp/`, synced, and renamed to `<first two of id>/<id>`; it exists once
`put` returns. The id is random: equal contents are separate blobs, each deleted alone.
"""

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from penstock.ids import new_uuid
from penstock.storage.durable_files import fsync_directory

_WRITE_BYTES = 1 << 20
_READ_BYTES = 1 << 18
_BLOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored content: its size in bytes and digests in lower-case hex."""

    id: str
    size: int
    md5_hex: str
    sha256_hex: str


class Blobs:
    """The blobs under `root`, a directory that one process at a time uses."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unfinished = root / "tmp"
        self._unfinished.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left_by_a_crash in self._unfinished.iterdir():
            left_by_a_crash.unlink()
        for first in range(256):
            (root / f"{first:02x}").mkdir(mode=0o700, exist_ok=True)
        fsync_directory(root)

    async def put(self, chunks: AsyncIterator[bytes]) -> Blob:
        """Store what `chunks` yields and return once it is durable.

        Whatever `chunks` raises (or cancellation) leaves nothing behind and passes through.
        """
        blob_id = new_uuid()
        temporary = self._unfinished / blob_id
        try:
            with await asyncio.to_thread(temporary.open, "xb") as file:
                writer = _Writer(file)
                async for chunk in chunks:
                    if writer.add(chunk):
                        await asyncio.to_thread(writer.flush)
                await asyncio.to_thread(writer.sync)
            await asyncio.to_thread(_keep, temporary, self.path(blob_id))
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
            raise
        return Blob(blob_id, writer.size, writer.md5.hexdigest(), writer.sha256.hexdigest())

    def path(self, blob_id: str) -> Path:
        """Return where the blob's content stands; ValueError for what is no blob's id."""
        if not _BLOB_ID.fullmatch(blob_id):
            raise ValueError(f"expected a blob id (a lower-case UUID), found {blob_id!r}")
        return self._root / blob_id[:2] / blob_id

    async def open(
        self, blob_id: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to but not including `end` (None: to the end).

        Raises FileNotFoundError at the first step when there is no such blob. A reader that
        has begun finishes even when the blob is deleted meanwhile.
        """
        with await asyncio.to_thread(self.path(blob_id).open, "rb") as file:
            file.seek(start)
            remaining = None if end is None else max(0, end - start)
            while remaining is None or remaining > 0:
                size = _READ_BYTES if remaining is None else min(_READ_BYTES, remaining)
                chunk = await asyncio.to_thread(file.read, size)
                if not chunk:
                    return
                if remaining is not None:
                    remaining -= len(chunk)
                yield chunk

    async def ids(self) -> list[str]:
        """Return the id of every blob, in no order: to find those that nothing refers to."""

        def listed() -> list[str]:
            return [
                path.name
                for path in self._root.glob("[0-9a-f][0-9a-f]/*")
                if _BLOB_ID.fullmatch(path.name)
            ]

        return await asyncio.to_thread(listed)

    async def delete(self, blob_id: str) -> None:
        """Remove the blob; one that is already gone is no error."""
        await asyncio.to_thread(self.path(blob_id).unlink, missing_ok=True)


def _keep(temporary: Path, path: Path) -> None:
    temporary.rename(path)
    fsync_directory(path.parent)


class _Writer:
    """Gathers small chunks into large writes and digests them on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self.size = 0
        self.md5 = hashlib.md5(usedforsecurity=False)  # S3's ETag
        self.sha256 = hashlib.sha256()

    def add(self, chunk: bytes) -> bool:
        """Take `chunk`; return whether it is time to `flush`."""
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        return self._waiting_bytes >= _WRITE_BYTES

    def flush(self) -> None:
        content = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._file.write(content)
        self.md5.update(content)
        self.sha256.update(content)
        self.size += len(content)

    def sync(self) -> None:
        self.flush()
        self._file.flush()
        os.fsync(self._file.fileno())
