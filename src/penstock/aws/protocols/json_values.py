"""Values of the JSON protocols: JSON documents to Python values by shape, and back.

Source: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html. The texts of
SerializationException were observed on live services (JSON 1.1, 2026), except those marked
unverified below.
"""

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from penstock.aws.errors import ServiceError
from penstock.aws.protocols.shapes import ResponseDoesNotFit, check_members
from penstock.aws.protocols.timestamps import format_timestamp, parse_timestamp

_ARTICLED = {
    "string": "a String",
    "integer": "an Integer",
    "long": "a Long",
    "float": "a Float",
    "double": "a Double",
    "boolean": "a Boolean",
    "blob": "a Blob",
    "timestamp": "milliseconds since epoch",
}
_CONTAINER_EXPECTED = {"list": "Expected list or null", "map": "Expected map or null"}


def decode_document(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object in `body`; anything else is a SerializationException."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ServiceError("SerializationException", "", status=400) from None
    if isinstance(document, list):
        raise _mismatch("Start of list found where not expected")
    if not isinstance(document, dict):
        raise ServiceError("SerializationException", "", status=400)
    return document


def parse_value(shape: Any, value: Any) -> Any:
    """Return `value` as Python's kind for `shape`; null members are absent, unknown ones ignored.

    Raise SerializationException with AWS's text where the JSON type is another.
    """
    return _PARSERS[shape.type_name](shape, value)


def serialise_value(shape: Any, value: Any, path: str) -> Any:
    """Return the JSON-ready form of `value`; raise ResponseDoesNotFit where it is not `shape`'s."""
    return _SERIALISERS[shape.type_name](shape, value, path)


def _mismatch(text: str) -> ServiceError:
    return ServiceError("SerializationException", text, status=400)


def _wrong_type(shape: Any, value: Any) -> ServiceError:
    kind = shape.type_name
    if isinstance(value, list):
        return _mismatch("Start of list found where not expected")
    if isinstance(value, dict):
        return _mismatch("Start of structure or map found where not expected.")
    if kind == "structure":
        return _mismatch("Expected null")
    if kind in _CONTAINER_EXPECTED:
        return _mismatch(_CONTAINER_EXPECTED[kind])
    if isinstance(value, bool):
        found = "TRUE_VALUE" if value else "FALSE_VALUE"
    else:
        found = "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"
    return _mismatch(f"{found} can not be converted to {_ARTICLED[kind]}")


def _parse_structure(shape: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise _wrong_type(shape, value)
    if shape.is_document_type:
        return value
    result = {}
    for name, member in shape.members.items():
        found = value.get(member.serialization.get("name", name))
        if found is not None:
            result[name] = _PARSERS[member.type_name](member, found)
    return result


def _parse_list(shape: Any, value: Any) -> Any:
    if not isinstance(value, list):
        raise _wrong_type(shape, value)
    member = shape.member
    parse = _PARSERS[member.type_name]
    return [None if item is None else parse(member, item) for item in value]


def _parse_map(shape: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise _wrong_type(shape, value)
    member = shape.value
    parse = _PARSERS[member.type_name]
    return {key: parse(member, item) for key, item in value.items() if item is not None}


def _parse_string(shape: Any, value: Any) -> Any:
    if not isinstance(value, str):
        raise _wrong_type(shape, value)
    return value


def _parse_boolean(shape: Any, value: Any) -> Any:
    if not isinstance(value, bool):
        raise _wrong_type(shape, value)
    return value


def _parse_integer(shape: Any, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(shape, value)
    return int(value)


def _parse_float(shape: Any, value: Any) -> Any:
    if isinstance(value, str) and value in {"NaN", "Infinity", "-Infinity"}:
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(shape, value)
    return float(value)


def _parse_blob(shape: Any, value: Any) -> Any:
    if not isinstance(value, str):
        raise _wrong_type(shape, value)
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        # AWS's text names the first wrong character; unverified in detail.
        raise _mismatch(f"{value[:100]!r} can not be converted to a Blob: {error}") from None


def _parse_timestamp(shape: Any, value: Any) -> Any:
    try:
        return parse_timestamp(value, shape.serialization.get("timestampFormat", "unixTimestamp"))
    except (ValueError, OverflowError):
        raise _wrong_type(shape, value) from None


def _serialise_structure(shape: Any, value: Any, path: str) -> Any:
    if shape.is_document_type:
        return value
    check_members(path, shape, value)
    members = shape.members
    result = {}
    for name, item in value.items():
        if item is not None:
            member = members[name]
            serialise = _SERIALISERS[member.type_name]
            written = serialise(member, item, f"{path}.{name}")
            result[member.serialization.get("name", name)] = written
    return result


def _serialise_list(shape: Any, value: Any, path: str) -> Any:
    if isinstance(value, str | bytes | dict):
        raise ResponseDoesNotFit(path, shape, value)
    member = shape.member
    serialise = _SERIALISERS[member.type_name]
    return [serialise(member, item, f"{path}[]") for item in value]


def _serialise_map(shape: Any, value: Any, path: str) -> Any:
    if not hasattr(value, "items"):
        raise ResponseDoesNotFit(path, shape, value)
    member = shape.value
    serialise = _SERIALISERS[member.type_name]
    return {key: serialise(member, item, f"{path}.{key}") for key, item in value.items()}


def _plain(*types: type) -> Callable[[Any, Any, str], Any]:
    def serialise(shape: Any, value: Any, path: str) -> Any:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ResponseDoesNotFit(path, shape, value)
        return value

    return serialise


def _serialise_float(shape: Any, value: Any, path: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ResponseDoesNotFit(path, shape, value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _serialise_blob(shape: Any, value: Any, path: str) -> Any:
    if not isinstance(value, bytes):
        raise ResponseDoesNotFit(path, shape, value)
    return base64.b64encode(value).decode()


def _serialise_timestamp(shape: Any, value: Any, path: str) -> Any:
    if not isinstance(value, datetime):
        raise ResponseDoesNotFit(path, shape, value)
    return format_timestamp(value, shape.serialization.get("timestampFormat", "unixTimestamp"))


_PARSERS: dict[str, Callable[[Any, Any], Any]] = {
    "structure": _parse_structure,
    "list": _parse_list,
    "map": _parse_map,
    "string": _parse_string,
    "character": _parse_string,
    "boolean": _parse_boolean,
    "integer": _parse_integer,
    "long": _parse_integer,
    "float": _parse_float,
    "double": _parse_float,
    "blob": _parse_blob,
    "timestamp": _parse_timestamp,
}
_SERIALISERS: dict[str, Callable[[Any, Any, str], Any]] = {
    "structure": _serialise_structure,
    "list": _serialise_list,
    "map": _serialise_map,
    "string": _plain(str),
    "character": _plain(str),
    "boolean": _plain(bool),
    "integer": _plain(int),
    "long": _plain(int),
    "float": _serialise_float,
    "double": _serialise_float,
    "blob": _serialise_blob,
    "timestamp": _serialise_timestamp,
}
