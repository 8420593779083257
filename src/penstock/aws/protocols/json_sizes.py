"""What a JSON document may cost, which is read before it is known whether its caller may send it.

A value costs far more than the byte or two that it is written with. A file is a blob: base64,
which is cheap to read; any other text may become four times as large in memory, and nothing
needs as much of it as of files.
"""

from typing import Any

import msgspec

from penstock.aws.errors import ServiceError

_MOST_VALUES = 400_000
"""Of a document, about: ten thousand log events have far fewer."""
_MOST_PLAIN_BYTES = 4 * 1024 * 1024
_MOST_VALUES_BESIDE_FILES = 40_000
"""Of a larger document: a commit's hundred files need a fiftieth of it."""


def check_size(shape: Any, body: bytes) -> None:
    """Raise for a document of very many values, and for one that is large, but not for its files.

    `shape` is the document's, None where it has none. What is no document of it is not looked
    at further, and counts whole. Codes: SerializationException, RequestEntityTooLargeException.
    """
    is_large = len(body) > _MOST_PLAIN_BYTES
    _check_values(body, _MOST_VALUES_BESIDE_FILES if is_large else _MOST_VALUES)
    if not is_large:
        return
    plain = len(body) - (0 if shape is None else _blob_bytes(shape, msgspec.Raw(body)))
    if plain > _MOST_PLAIN_BYTES:
        raise ServiceError(
            "RequestEntityTooLargeException",
            f"Request body is too large: expected at most {_MOST_PLAIN_BYTES} bytes beside the "
            f"contents of files, found {plain}.",
            status=413,
        )


def _check_values(body: bytes, most: int) -> None:
    """Count what a value opens with or follows, in strings too; base64 has none of these."""
    if sum(map(body.count, (b",", b"[", b"{"))) > most:
        raise ServiceError(
            "SerializationException",
            f"Request body has too many values: expected at most {most} commas and opening "
            "brackets. Send it in several requests.",
            status=400,
        )


def _blob_bytes(shape: Any, raw: msgspec.Raw) -> int:
    kind = shape.type_name
    if kind == "blob":
        return _plain_ascii(bytes(raw))
    try:
        if kind == "structure":
            found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
            members = [
                (member, found[wire_name])
                for name, member in shape.members.items()
                if (wire_name := member.serialization.get("name", name)) in found
            ]
            return sum(_blob_bytes(member, value) for member, value in members)
        if kind == "list":
            items = msgspec.json.decode(raw, type=list[msgspec.Raw])
            return sum(_blob_bytes(shape.member, item) for item in items)
        if kind == "map":
            values = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).values()
            return sum(_blob_bytes(shape.value, value) for value in values)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0
    return 0


def _plain_ascii(text: bytes) -> int:
    """Return the length of a string as base64 is written; an escaped slash is allowed."""
    is_plain = text.startswith(b'"') and text.isascii() and b"\\u" not in text
    return len(text) if is_plain else 0
