"""The JSON of answers to stacks: whatever somebody sent. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def json_object(body: str | None) -> Mapping[str, Any] | None:
    """Return a body's JSON object; None for what is none, or was too long to be kept."""
    try:
        found = msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def without_controls(value: Any) -> str:
    """Return a value as text without control characters, which would break the events' XML."""
    return _CONTROL.sub("", str(value))
