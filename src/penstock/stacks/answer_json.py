"""The JSON of answers to stacks: whatever somebody sent. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec


def json_object(body: str | None) -> Mapping[str, Any] | None:
    """Return a body's JSON object; None for what is none, or was too long to be kept."""
    try:
        found = msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
