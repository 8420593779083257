r"""S3's aws-chunked bodies: `size[;chunk-signature=…]\r\n` data `\r\n` … `0` trailers.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from penstock.aws.errors import ServiceError
from penstock.aws.signature import EMPTY_SHA256, S3_MISMATCH, SignedRequest

PREFIX = "STREAMING-"
_MODES = {
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER": (False, True),
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": (True, False),
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": (True, True),
}
_LONGEST_LINE = 16_384


@dataclass(slots=True)
class ChunkSigner:
    """Verifies the chain of chunk signatures, which starts at the request's own."""

    signed: SignedRequest
    key: bytes
    previous: str

    def check_chunk(self, digest: str, signature: str) -> None:
        """Raise SignatureDoesNotMatch unless the next chunk with this SHA-256 is signed so."""
        self._check("AWS4-HMAC-SHA256-PAYLOAD", (EMPTY_SHA256, digest), signature)

    def check_trailer(self, digest: str, signature: str) -> None:
        """Raise SignatureDoesNotMatch unless the trailer with this SHA-256 is signed so."""
        self._check("AWS4-HMAC-SHA256-TRAILER", (digest,), signature)

    def _check(self, algorithm: str, hashes: tuple[str, ...], signature: str) -> None:
        date = self.signed.signed_at.strftime("%Y%m%dT%H%M%SZ")
        text = "\n".join((algorithm, date, self.signed.scope.text, self.previous, *hashes))
        expected = hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise ServiceError("SignatureDoesNotMatch", S3_MISMATCH, status=403)
        self.previous = expected


def is_chunked(content_sha256: str) -> bool:
    """Tell whether x-amz-content-sha256 announces an aws-chunked body.

    Raise NotImplemented for a kind that is not served (SigV4a's, and any unknown).
    """
    if not content_sha256.startswith(PREFIX):
        return False
    if content_sha256 not in _MODES:
        raise ServiceError(
            "NotImplemented",
            f"Penstock does not read bodies of kind {content_sha256}. "
            f"It reads: {', '.join(_MODES)}.",
            status=400,
        )
    return True


async def decode_chunked(
    body: AsyncIterator[bytes],
    content_sha256: str,
    signer: ChunkSigner | None,
    on_trailer: Callable[[dict[str, str]], None],
) -> AsyncIterator[bytes]:
    """Yield the payload of an aws-chunked `body`; give the trailing headers to `on_trailer`.

    `signer` is None when requests are not authenticated. Raise ServiceError for a broken
    frame (IncompleteBody) or signature (SignatureDoesNotMatch).
    """
    signed, with_trailer = _MODES[content_sha256]
    signer = signer if signed else None
    reader = _Reader(body)
    while True:
        size, signature = _chunk_header(await reader.line())
        digest = hashlib.sha256()
        remaining = size
        while remaining:
            data = await reader.some(remaining)
            remaining -= len(data)
            digest.update(data)
            yield data
        if signer is not None:
            signer.check_chunk(digest.hexdigest(), signature)
        if size == 0:
            break
        if await reader.line():
            raise _incomplete("a chunk longer than its declared size")
    if with_trailer:
        on_trailer(await _read_trailer(reader, signer))
    await reader.drain()


async def _read_trailer(reader: "_Reader", signer: ChunkSigner | None) -> dict[str, str]:
    trailer: dict[str, str] = {}
    signature = ""
    covered = b""
    while line := await reader.line(at_end_empty=True):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise _incomplete(f"a trailing header without a colon: {name!r}")
        if name.strip().lower() == "x-amz-trailer-signature":
            signature = value.strip()
            continue
        trailer[name.strip().lower()] = value.strip()
        covered += f"{name.strip().lower()}:{value.strip()}\n".encode("latin-1")
    if signer is not None:
        signer.check_trailer(hashlib.sha256(covered).hexdigest(), signature)
    return trailer


def _chunk_header(line: bytes) -> tuple[int, str]:
    size, _, extension = line.decode("latin-1").partition(";")
    try:
        number = int(size.strip(), 16)
    except ValueError:
        number = -1
    if number < 0:
        raise _incomplete(f"{size[:40]!r} where a chunk's size in hexadecimal should stand")
    return number, extension.strip().removeprefix("chunk-signature=")


def _incomplete(found: str) -> ServiceError:
    return ServiceError(
        "IncompleteBody",
        f"The request body is not well-formed aws-chunked: found {found}.",
        status=400,
    )


class _Reader:
    """Lines and counted bytes from a stream of blocks; holds one block at a time."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = aiter(body)
        self._buffer = b""

    async def line(self, *, at_end_empty: bool = False) -> bytes:
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > _LONGEST_LINE:
                raise _incomplete(f"a line longer than {_LONGEST_LINE} bytes")
            if not await self._fill():
                if at_end_empty and not self._buffer:
                    return b""
                raise _incomplete("the end of the body inside a chunk header or trailer")
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    async def some(self, most: int) -> bytes:
        while not self._buffer:
            if not await self._fill():
                raise _incomplete("the end of the body inside a chunk")
        data, self._buffer = self._buffer[:most], self._buffer[most:]
        return data

    async def drain(self) -> None:
        while True:
            if self._buffer.strip(b"\r\n"):
                raise _incomplete("data after the last chunk")
            self._buffer = b""
            if not await self._fill():
                return

    async def _fill(self) -> bool:
        try:
            self._buffer += await anext(self._body)
        except StopAsyncIteration:
            return False
        return True
