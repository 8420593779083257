"""S3's checksums of a payload, computed while it flows.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from awscrt import checksums as crt

from penstock.aws.errors import ServiceError

HEADER_PREFIX = "x-amz-checksum-"
_NOT_ALGORITHMS = {"type", "mode", "algorithm"}


class Checksum(Protocol):
    """A running checksum; `value` is base64, as S3 writes it."""

    def update(self, data: bytes) -> None:
        """Take the next block."""

    def value(self) -> str:
        """Return the checksum of all blocks so far."""


class _Crc:
    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._state = 0

    def update(self, data: bytes) -> None:
        self._state = self._function(data, self._state)

    def value(self) -> str:
        return base64.b64encode(self._state.to_bytes(self._size, "big")).decode()


class _Hash:
    def __init__(self, hash: Any) -> None:
        self._hash = hash

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    def value(self) -> str:
        return base64.b64encode(self._hash.digest()).decode()


_ALGORITHMS: Mapping[str, Callable[[], Checksum]] = {
    "crc32": lambda: _Crc(zlib.crc32, 4),
    "crc32c": lambda: _Crc(crt.crc32c, 4),
    "crc64nvme": lambda: _Crc(crt.crc64nvme, 8),
    "sha1": lambda: _Hash(hashlib.sha1()),
    "sha256": lambda: _Hash(hashlib.sha256()),
    "sha512": lambda: _Hash(hashlib.sha512()),
    "md5": lambda: _Hash(hashlib.md5()),
}


def new_checksum(algorithm: str) -> Checksum:
    """Start a checksum; raise S3's InvalidRequest for an algorithm that cannot be computed."""
    make = _ALGORITHMS.get(algorithm.lower())
    if make is None:
        raise ServiceError(
            "InvalidRequest",
            f"The checksum algorithm {algorithm} cannot be verified here. "
            f"Use one of: {', '.join(name.upper() for name in _ALGORITHMS)}.",
            status=400,
        )
    return make()


def declared(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the checksums that headers (or a trailer) declare: algorithm -> base64 value."""
    found = {
        name.removeprefix(HEADER_PREFIX): value
        for name, value in headers.items()
        if name.startswith(HEADER_PREFIX)
    }
    return {name: value for name, value in found.items() if name not in _NOT_ALGORITHMS}


def mismatch(algorithm: str) -> ServiceError:
    """S3's error for a checksum that the payload does not have."""
    return ServiceError(
        "BadDigest",
        f"The {algorithm.upper()} you specified did not match the calculated checksum.",
        status=400,
    )


def content_md5(value: str) -> bytes:
    """Decode a Content-MD5 header; raise S3's InvalidDigest when it is not one."""
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        raise ServiceError(
            "InvalidDigest", "The Content-MD5 you specified was invalid.", status=400
        )
    return digest
