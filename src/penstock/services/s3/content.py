"""Streams of an object's bytes: to a reader, and with a checksum taken on the way."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import cast

from penstock.aws.checksums import new_checksum
from penstock.storage.blobs import Blobs


class Content(AsyncIterator[bytes]):
    """Bytes of a blob whose file is open already; `aclose` ends one not read to its end."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        self._first = first
        self._rest = rest

    @classmethod
    async def open(cls, blobs: Blobs, blob_id: str, start: int, end: int) -> "Content":
        """Open the blob's bytes from `start` to before `end`; raise FileNotFoundError."""
        chunks = cast(AsyncGenerator[bytes, None], blobs.open(blob_id, start, end))
        return cls(await anext(chunks, b""), chunks)

    def __aiter__(self) -> "Content":
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        return await anext(self._rest)

    async def aclose(self) -> None:
        """Close the file; repeating it does nothing."""
        self._first = b""
        await self._rest.aclose()


class Summed(AsyncIterator[bytes]):
    """What `chunks` yields; after the last, `checksums` has `algorithm` (None: nothing)."""

    def __init__(self, chunks: AsyncIterator[bytes], algorithm: str | None) -> None:
        self._chunks = chunks
        self._algorithm = algorithm
        self._running = new_checksum(algorithm) if algorithm else None

    def __aiter__(self) -> "Summed":
        return self

    async def __anext__(self) -> bytes:
        chunk = await anext(self._chunks)
        if self._running is not None:
            self._running.update(chunk)
        return chunk

    @property
    def checksums(self) -> Mapping[str, str]:
        """Algorithm in lower case → base64."""
        if self._algorithm is None or self._running is None:
            return {}
        return {self._algorithm: self._running.value()}
