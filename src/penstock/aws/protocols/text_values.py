"""Scalars written as text: in Query parameters, XML elements, headers and query strings."""

import base64
import binascii
from datetime import datetime
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.protocols.shapes import ResponseDoesNotFit
from penstock.aws.protocols.timestamps import format_timestamp, parse_timestamp

_TRUE_AND_FALSE = {"true": True, "false": False}


def parse_text(shape: Any, text: str, timestamp_format: str) -> Any:
    """Return the value of scalar `shape` that `text` writes.

    `timestamp_format` is the place's default. Raise MalformedInput for anything else; the
    code is Query's, its text unverified.
    """
    kind = shape.type_name
    try:
        if kind in {"string", "character"}:
            return text
        if kind == "boolean":
            return _TRUE_AND_FALSE[text.lower()]
        if kind in {"integer", "long"}:
            return int(text)
        if kind in {"float", "double"}:
            return float(text)
        if kind == "blob":
            return base64.b64decode(text, validate=True)
        if kind == "timestamp":
            return parse_timestamp(text, shape.serialization.get("timestampFormat",
                                                                 timestamp_format))  # fmt: skip
    except (KeyError, ValueError, OverflowError, binascii.Error):
        pass
    raise ServiceError("MalformedInput", f"Expected a value of type {kind}, found {text!r}.",
                       status=400)  # fmt: skip


def format_text(shape: Any, value: Any, timestamp_format: str, path: str) -> str:
    """Write a scalar; raise ResponseDoesNotFit when `value` is not of `shape`."""
    kind = shape.type_name
    if kind in {"string", "character"} and isinstance(value, str):
        return value
    if kind == "boolean" and isinstance(value, bool):
        return "true" if value else "false"
    if kind in {"integer", "long"} and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if kind in {"float", "double"} and isinstance(value, int | float):
        return repr(float(value))
    if kind == "blob" and isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if kind == "timestamp" and isinstance(value, datetime):
        chosen = shape.serialization.get("timestampFormat", timestamp_format)
        return str(format_timestamp(value, chosen))
    raise ResponseDoesNotFit(path, shape, value)
