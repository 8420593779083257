"""A request's body, verified as it flows: signature's hash, chunk signatures, checksums, length.

An operation that has read a stream to its end has read what the caller signed; anything
else raises inside its loop, before it can acknowledge.
"""

import dataclasses
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

from penstock.aws.checksums import Checksum, content_md5, declared, mismatch, new_checksum
from penstock.aws.chunked import ChunkSigner, decode_chunked, is_chunked
from penstock.aws.errors import ServiceError
from penstock.aws.http import HttpRequest, whole_number
from penstock.aws.signature import UNSIGNED_PAYLOAD

LARGEST_FORM_BYTES = 1024 * 1024
"""The most of a Query form: it must be read before its caller is known."""
_MOST_FIELDS = 10_000
"""Of a form; what a stack's largest request needs is a tenth of it."""
_LARGEST_DOCUMENT_BYTES = 4 * 1024 * 1024
_LARGER_DOCUMENTS = {
    ("codecommit", "CreateCommit"): 20 * 1024 * 1024,
    ("codecommit", "PutFile"): 20 * 1024 * 1024,
    ("lambda", "CreateFunction"): 70 * 1024 * 1024,
    ("lambda", "Invoke"): 7 * 1024 * 1024,
    ("lambda", "UpdateFunctionCode"): 70 * 1024 * 1024,
}
"""Those that carry files, or what a function is given."""


class Body(AsyncIterator[bytes]):
    """A stream of a request's payload. It can be iterated once.

    `length` is the payload's size where the client said it. After the last block,
    `checksums` has what the client declared and was verified: algorithm -> base64. Without
    `with_checksums` checksum headers are of something else than this body and not looked at.
    """

    def __init__(
        self, request: HttpRequest, signer: ChunkSigner | None, *, with_checksums: bool = True
    ) -> None:
        self.checksums: dict[str, str] = {}
        self._request = request
        self._signer = signer
        headers = request.headers
        self._content_sha256 = headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
        self._chunked = is_chunked(self._content_sha256)
        self._with_checksums = with_checksums
        self._expected = declared(headers) if with_checksums else {}
        self._md5 = content_md5(headers["content-md5"]) if "content-md5" in headers else None
        self._running: dict[str, Checksum] = {
            algorithm: new_checksum(algorithm) for algorithm in self._announced()
        }
        self.length = self._declared_length()
        self._blocks = self._verified()

    def _announced(self) -> list[str]:
        if not self._with_checksums:
            return []
        trailing = self._request.headers.get("x-amz-trailer", "").lower()
        names = dict.fromkeys(name.strip() for name in trailing.split(",") if name.strip())
        return [*self._expected, *declared(names.fromkeys(names, ""))]

    def _declared_length(self) -> int | None:
        name = "x-amz-decoded-content-length" if self._chunked else "content-length"
        text = self._request.headers.get(name, "")
        length = whole_number(text)
        if self._chunked and length is None:
            raise ServiceError(
                "MissingContentLength",
                "You must provide the Content-Length HTTP header.",
                status=411,
            )
        return length

    def __aiter__(self) -> "Body":
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._blocks)

    async def _verified(self) -> AsyncIterator[bytes]:
        source: AsyncIterator[bytes] = self._request.body
        if self._chunked:
            source = decode_chunked(source, self._content_sha256, self._signer, self._on_trailer)
        sha256 = None if self._unhashed() else hashlib.sha256()
        md5 = hashlib.md5() if self._md5 is not None else None
        size = 0
        async for block in source:
            size += len(block)
            for running in (sha256, md5, *self._running.values()):
                if running is not None:
                    running.update(block)
            yield block
        self._check_end(size, sha256, md5)

    def _unhashed(self) -> bool:
        return self._chunked or self._content_sha256 == UNSIGNED_PAYLOAD

    def _on_trailer(self, trailer: dict[str, str]) -> None:
        self._expected |= declared(trailer)

    def _check_end(self, size: int, sha256: Any, md5: Any) -> None:
        if self.length is not None and size != self.length:
            raise ServiceError(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP "
                f"header: expected {self.length}, received {size}.",
                status=400,
            )
        if sha256 is not None and not hmac.compare_digest(
            sha256.hexdigest().encode(), self._content_sha256.lower().encode()
        ):
            raise ServiceError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                status=400,
                ClientComputedContentSHA256=self._content_sha256,
                S3ComputedContentSHA256=sha256.hexdigest(),
            )
        if md5 is not None and md5.digest() != self._md5:
            raise ServiceError(
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
                status=400,
            )
        for algorithm, running in self._running.items():
            if self._expected.get(algorithm) != running.value():
                raise mismatch(algorithm)
        self.checksums = {name: running.value() for name, running in self._running.items()}


def unframed(request: HttpRequest) -> HttpRequest:
    """Return the request with the headers that its payload has without aws-chunked framing."""
    headers = dict(request.headers)
    if not is_chunked(headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)):
        return request
    headers["content-length"] = headers.get("x-amz-decoded-content-length", "")
    encodings = [part.strip() for part in headers.pop("content-encoding", "").split(",")]
    kept = [part for part in encodings if part and part != "aws-chunked"]
    if kept:
        headers["content-encoding"] = ",".join(kept)
    return dataclasses.replace(request, headers=headers)


async def one_block(data: bytes) -> AsyncIterator[bytes]:
    """A body that is already in memory, as a stream."""
    yield data


def largest_document(service: str, operation: str) -> int:
    """Return how many bytes a document may have, by botocore's names of service and operation."""
    return _LARGER_DOCUMENTS.get((service, operation), _LARGEST_DOCUMENT_BYTES)


async def read_form(body: AsyncIterator[bytes]) -> bytes:
    """Return the whole body, a Query form; raise ServiceError for one that is too large."""
    document = await read_whole(body, LARGEST_FORM_BYTES)
    fields = document.count(b"&") + 1
    if fields > _MOST_FIELDS:
        raise ServiceError(
            "ValidationError",  # no source shows what AWS answers: unverified
            f"Request body has too many fields: expected at most {_MOST_FIELDS}, found {fields}.",
            status=400,
        )
    return document


async def read_whole(body: AsyncIterator[bytes], most: int) -> bytes:
    """Return the whole body; raise RequestEntityTooLargeException beyond `most` bytes."""
    blocks = []
    size = 0
    async for block in body:
        size += len(block)
        if size > most:
            raise ServiceError(
                "RequestEntityTooLargeException",
                f"Request body is too large: expected at most {most} bytes.",
                status=413,
            )
        blocks.append(block)
    return b"".join(blocks)
