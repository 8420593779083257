"""The only source of randomness, and the ids derived deterministically from others.

An effect on the world is named by a deterministic id, so that repeating it after a
restart finds what was already done (docs/architecture.md, "Observe, decide, act").
"""

import secrets
import uuid
from collections.abc import Sequence

_NAMESPACE = uuid.UUID("6f0d5a36-6f6e-5b7e-9d6c-70656e73746f")
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def new_uuid() -> str:
    """Return a random UUID in lower case, the shape of most AWS ids."""
    return str(uuid.uuid4())


def derived_uuid(*parts: str) -> str:
    """Return the UUID that always belongs to `parts`; equal parts give equal ids."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))


def new_token() -> str:
    """Return 256 random bits, safe in a URL: for credentials, never for names."""
    return secrets.token_urlsafe(32)


def new_base32(length: int) -> str:
    """Return `length` random base-32 characters (the alphabet of IAM's unique ids)."""
    return "".join(secrets.choice(_BASE32) for _ in range(length))


def new_alphanumeric(length: int) -> str:
    """Return `length` random characters of A-Z, a-z and 0-9."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


def new_password(alphabets: Sequence[str], length: int, *, each: bool) -> str:
    """Return `length` random characters of `alphabets`; with `each`, at least one of every."""
    together = "".join(alphabets)
    chosen = [secrets.choice(alphabet) for alphabet in alphabets] if each else []
    chosen += [secrets.choice(together) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)
