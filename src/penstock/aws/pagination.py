"""Opaque tokens and pages for list operations.

A token names the last item that was given, not an offset: items that come or go between
two calls shift nothing. A digest guards against truncated and edited tokens; a token is
not a secret and grants nothing.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from penstock.aws.errors import ServiceError

T = TypeVar("T")

_DIGEST_BYTES = 8


def encode_token(*parts: str | int) -> str:
    """Return an opaque token, safe in a URL, that carries `parts`."""
    payload = msgspec.json.encode([str(part) for part in parts])
    return base64.urlsafe_b64encode(_digest(payload) + payload).decode().rstrip("=")


def decode_token(
    token: str, error_code: str = "InvalidNextTokenException", *, form: str
) -> list[str]:
    """Return the parts of a token as strings; raise ServiceError `error_code` for any other.

    `form` has a letter for each part: `s` for any string, `n` for a whole number. A token of
    another form is another operation's.
    """
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        digest, payload = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        parts = msgspec.json.decode(payload, type=list[str]) if digest == _digest(payload) else []
        if len(parts) == len(form) and all(map(_fits, parts, form)):
            return parts
    except (binascii.Error, ValueError):
        pass
    raise ServiceError(
        error_code,
        "The next token is not valid: expected one that this operation returned. "
        "List again from the beginning, without a token.",
        status=400,
    )


def page(
    items: Sequence[T],
    request_token: str | None,
    limit: int,
    key: Callable[[T], str | int],
    *,
    descending: bool = False,
    error_code: str = "InvalidNextTokenException",
) -> tuple[list[T], str | None]:
    """Return at most `limit` of `items` after the token's, and the next token or None.

    `items` are sorted by `key`, ascending unless `descending`; keys are unique.
    """
    start = 0
    if request_token:
        form = "n" if items and isinstance(key(items[0]), int) else "s"
        [last] = decode_token(request_token, error_code, form=form)
        start = _first_after(items, last, key, descending)
    chosen = list(items[start : start + limit])
    if start + limit < len(items):
        return chosen, encode_token(key(chosen[-1]))
    return chosen, None


def _first_after(
    items: Sequence[T], last: str, key: Callable[[T], str | int], descending: bool
) -> int:
    for index, item in enumerate(items):
        found: Any = key(item)
        bound: Any = int(last) if isinstance(found, int) else last
        if (found < bound) if descending else (found > bound):
            return index
    return len(items)


def _fits(part: str, letter: str) -> bool:
    return letter == "s" or _is_integer(part)


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _digest(payload: bytes) -> bytes:
    return hashlib.sha256(b"penstock page token 1\n" + payload).digest()[:_DIGEST_BYTES]
