"""aws-chunked bodies: frames, chunk signatures and trailers, cut at every place."""

import base64
import hashlib
import hmac
import zlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from tests.signing import SECRET, sign

from penstock.aws.checksums import new_checksum
from penstock.aws.chunked import ChunkSigner
from penstock.aws.errors import ServiceError
from penstock.aws.http import HttpRequest, http_request
from penstock.aws.payload import Body, unframed
from penstock.aws.signature import EMPTY_SHA256, read_signature, signing_key

UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


async def blocks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def put(data: bytes, headers: dict[str, str], size: int = 7) -> HttpRequest:
    return http_request("PUT", "/b/k", "", headers, blocks(data, size))


async def read(body: Body) -> bytes:
    return b"".join([block async for block in body])


def frames(payload: Sequence[bytes], trailer: bytes = b"") -> bytes:
    out = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in payload)
    return out + b"0\r\n" + trailer + b"\r\n"


def trailer_request(payload: Sequence[bytes], checksum: str, **more: Any) -> HttpRequest:
    headers = {
        "x-amz-content-sha256": UNSIGNED,
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-decoded-content-length": str(sum(map(len, payload))),
        "content-encoding": "aws-chunked",
        "content-length": "9999",
    }
    trailer = f"x-amz-checksum-crc32:{checksum}\r\n".encode()
    return put(frames(payload, trailer), headers, **more)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000])
async def test_an_unsigned_body_with_a_trailing_checksum(size: int) -> None:
    request = trailer_request([b"hello ", b"world\r\n"], crc32(b"hello world\r\n"), size=size)
    body = Body(request, None)
    assert body.length == 13
    assert await read(body) == b"hello world\r\n"
    assert body.checksums == {"crc32": crc32(b"hello world\r\n")}


async def test_a_wrong_trailing_checksum_is_told_after_the_data() -> None:
    body = Body(trailer_request([b"hello"], crc32(b"other"), size=4096), None)
    assert await anext(body) == b"hello"
    with pytest.raises(ServiceError) as raised:
        await anext(body)
    assert raised.value.code == "BadDigest"
    assert raised.value.message == (
        "The CRC32 you specified did not match the calculated checksum."
    )


async def test_an_announced_checksum_that_never_comes_is_refused() -> None:
    request = trailer_request([b"hello"], crc32(b"hello"))
    cut = put(frames([b"hello"]), dict(request.headers))
    with pytest.raises(ServiceError, match="CRC32"):
        await read(Body(cut, None))


@pytest.mark.parametrize(
    "data",
    [b"", b"5\r\nhel", b"zz\r\nhello\r\n0\r\n\r\n", b"-1\r\n", b"5\r\nhello!!\r\n0\r\n\r\n",
     b"5\r\nhello\r\n0\r\n\r\nmore", b"5" * 20_000],
)  # fmt: skip
async def test_broken_frames_are_refused(data: bytes) -> None:
    headers = {"x-amz-content-sha256": UNSIGNED, "x-amz-decoded-content-length": "5"}
    with pytest.raises(ServiceError) as raised:
        await read(Body(put(data, headers, size=4096), None))
    assert raised.value.code == "IncompleteBody"


async def test_the_declared_length_must_be_there_and_true() -> None:
    with pytest.raises(ServiceError, match="Content-Length") as missing:
        Body(put(b"", {"x-amz-content-sha256": UNSIGNED}), None)
    assert missing.value.status == 411
    headers = {"x-amz-content-sha256": UNSIGNED, "x-amz-decoded-content-length": "6"}
    with pytest.raises(ServiceError, match="expected 6, received 5"):
        await read(Body(put(frames([b"hello"]), headers), None))


def test_unserved_kinds_are_refused_by_name() -> None:
    with pytest.raises(ServiceError, match="STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"):
        Body(put(b"", {"x-amz-content-sha256": "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"}), None)


def chunk_signer(request: HttpRequest) -> ChunkSigner:
    signed = read_signature(request)
    assert signed is not None
    return ChunkSigner(signed, signing_key(SECRET, signed.scope), signed.signature)


def signed_frames(
    request: HttpRequest, payload: Sequence[bytes], trailer: bytes | None = None
) -> bytes:
    """Frames signed as the S3 user guide tells, written independently of the verifier."""
    signed = read_signature(request)
    assert signed is not None
    key, previous, out = signing_key(SECRET, signed.scope), signed.signature, b""

    def next_signature(algorithm: str, *hashes: str) -> str:
        text = "\n".join(
            (algorithm, request.headers["x-amz-date"], signed.scope.text, previous, *hashes)
        )
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    for part in [*payload, b""]:
        digest = hashlib.sha256(part).hexdigest()
        previous = next_signature("AWS4-HMAC-SHA256-PAYLOAD", EMPTY_SHA256, digest)
        out += f"{len(part):x};chunk-signature={previous}\r\n".encode() + part
        out += b"\r\n" if part else b""
    if trailer is not None:
        digest = hashlib.sha256(trailer + b"\n").hexdigest()
        signature = next_signature("AWS4-HMAC-SHA256-TRAILER", digest)
        out += trailer + b"\r\nx-amz-trailer-signature:" + signature.encode() + b"\r\n"
    return out + b"\r\n"


def signed_put(kind: str, **headers: str) -> HttpRequest:
    return sign("PUT", "http://localhost/b/k", body=b"", service="s3", signer="SigV4Auth",
                headers={"x-amz-content-sha256": kind, "x-amz-decoded-content-length": "11"}
                | headers)  # fmt: skip


async def test_signed_chunks_verify() -> None:
    request = signed_put(SIGNED)
    data = signed_frames(request, [b"hello ", b"world"])
    body = Body(put(data, dict(request.headers)), chunk_signer(request))
    assert await read(body) == b"hello world"


async def test_a_changed_chunk_is_refused_before_the_end() -> None:
    request = signed_put(SIGNED)
    data = signed_frames(request, [b"hello ", b"world"]).replace(b"world", b"w0rld")
    with pytest.raises(ServiceError) as raised:
        await read(Body(put(data, dict(request.headers)), chunk_signer(request)))
    assert raised.value.code == "SignatureDoesNotMatch"


async def test_a_signed_trailer_verifies_and_a_changed_one_does_not() -> None:
    request = signed_put(SIGNED_TRAILER, **{"x-amz-trailer": "x-amz-checksum-crc32"})
    trailer = f"x-amz-checksum-crc32:{crc32(b'hello world')}".encode()
    data = signed_frames(request, [b"hello world"], trailer)
    body = Body(put(data, dict(request.headers)), chunk_signer(request))
    assert await read(body) == b"hello world"
    changed = data.replace(b"x-amz-trailer-signature:", b"x-amz-trailer-signature:0")
    with pytest.raises(ServiceError, match="signature"):
        await read(Body(put(changed, dict(request.headers)), chunk_signer(request)))


async def test_a_plain_body_is_held_against_its_hash() -> None:
    right = hashlib.sha256(b"data").hexdigest()
    assert await read(Body(put(b"data", {"x-amz-content-sha256": right}), None)) == b"data"
    with pytest.raises(ServiceError) as raised:
        await read(Body(put(b"date", {"x-amz-content-sha256": right}), None))
    assert raised.value.code == "XAmzContentSHA256Mismatch"


async def test_content_md5() -> None:
    right = base64.b64encode(hashlib.md5(b"data").digest()).decode()
    assert await read(Body(put(b"data", {"content-md5": right}), None)) == b"data"
    with pytest.raises(ServiceError, match="Content-MD5 you specified did not match"):
        await read(Body(put(b"date", {"content-md5": right}), None))
    with pytest.raises(ServiceError) as raised:
        Body(put(b"data", {"content-md5": "nonsense"}), None)
    assert raised.value.code == "InvalidDigest"


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        # The check values of "123456789" in the catalogue of parametrised CRC algorithms.
        ("crc32", bytes.fromhex("cbf43926")),
        ("crc32c", bytes.fromhex("e3069283")),
        ("crc64nvme", bytes.fromhex("ae8b14860a799888")),
        ("sha1", hashlib.sha1(b"123456789").digest()),
        ("sha256", hashlib.sha256(b"123456789").digest()),
    ],
)
async def test_every_checksum_is_computed_over_blocks(algorithm: str, value: bytes) -> None:
    running = new_checksum(algorithm)
    for block in (b"1234", b"", b"56789"):
        running.update(block)
    text = base64.b64encode(value).decode()
    assert running.value() == text
    headers = {f"x-amz-checksum-{algorithm}": text}
    assert await read(Body(put(b"123456789", headers), None)) == b"123456789"
    with pytest.raises(ServiceError, match=algorithm.upper()):
        await read(Body(put(b"12345678", headers), None))


def test_a_checksum_that_cannot_be_computed_is_refused() -> None:
    with pytest.raises(ServiceError, match="xxhash3"):
        Body(put(b"", {"x-amz-checksum-xxhash3": "AAAA"}), None)


async def test_a_checksum_of_something_else_is_left_alone() -> None:
    headers = {"x-amz-checksum-crc32": "AAAA"}
    assert await read(Body(put(b"<xml/>", headers), None, with_checksums=False)) == b"<xml/>"


def test_the_operation_sees_headers_without_the_framing() -> None:
    seen = unframed(trailer_request([b"hello"], "AAAA")).headers
    assert seen["content-length"] == "5"
    assert "content-encoding" not in seen
