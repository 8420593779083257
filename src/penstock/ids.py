"""The only source of randomness, and the ids derived deterministically from others.

An effect on the world is named by a deterministic id, so that repeating it after a
restart finds what was already done (docs/architecture.md, "Observe, decide, act").
"""

import hashlib
import os
import secrets
import threading
import uuid
from collections.abc import Sequence

_NAMESPACE = uuid.UUID("6f0d5a36-6f6e-5b7e-9d6c-70656e73746f")
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LETTERS = (_ALPHANUMERIC * 5)[:256].encode()
"""The character of each byte."""
_LEFT_OVER = bytes(range(256 // 62 * 62, 256))
"""Bytes that are not used: with them some characters were likelier than others."""
_DRAWN_BYTES = 4096


class _Drawn:
    """Random bytes of the operating system, drawn many at a time: a call of it costs 10-60 us."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = b""

    def take(self, count: int) -> bytes:
        """Return `count` bytes, at most 4096, that nobody was given before."""
        with self._lock:
            if len(self._bytes) < count:
                self._bytes = os.urandom(_DRAWN_BYTES)
            taken, self._bytes = self._bytes[:count], self._bytes[count:]
        return taken


_drawn = _Drawn()
os.register_at_fork(after_in_child=_drawn.__init__)  # type: ignore[misc]


def new_uuid() -> str:
    """Return a random UUID in lower case, the shape of most AWS ids."""
    return _uuid(_drawn.take(16), 4)


def derived_uuid(*parts: str) -> str:
    """Return the UUID that always belongs to `parts`; equal parts give equal ids."""
    named = _NAMESPACE.bytes + "\x1f".join(parts).encode()
    return _uuid(hashlib.sha1(named, usedforsecurity=False).digest(), 5)


def _uuid(given: bytes, version: int) -> str:
    """Return the UUID of RFC 4122 that the first 16 bytes come to: a third of uuid.UUID's time."""
    digits = given.hex()
    variant = "89ab"[given[8] >> 4 & 0b11]
    return (
        f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-{variant}{digits[17:20]}-"
        f"{digits[20:32]}"
    )


def new_token() -> str:
    """Return 256 random bits, safe in a URL: for credentials, never for names."""
    return secrets.token_urlsafe(32)


def new_base32(length: int) -> str:
    """Return `length` random base-32 characters (the alphabet of IAM's unique ids)."""
    return "".join(_BASE32[byte % 32] for byte in _drawn.take(length))


def new_alphanumeric(length: int) -> str:
    """Return `length` random characters of A-Z, a-z and 0-9."""
    made = b""
    while len(made) < length:
        made += _drawn.take(length).translate(_LETTERS, _LEFT_OVER)
    return made[:length].decode()


def new_password(alphabets: Sequence[str], length: int, *, each: bool) -> str:
    """Return `length` random characters of `alphabets`; with `each`, at least one of every."""
    together = "".join(alphabets)
    chosen = [secrets.choice(alphabet) for alphabet in alphabets] if each else []
    chosen += [secrets.choice(together) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)
