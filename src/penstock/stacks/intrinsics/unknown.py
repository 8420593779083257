"""Values that nobody knows before a resource exists."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""How AWS writes such a value; as a nested stack's parameter it stands for one."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a resource that does not exist yet will give: its Ref (`attribute` None) or attribute.

    A string or list built from one is that Unknown itself.
    """

    logical_id: str
    attribute: str | None = None


def unknowns(value: Any) -> Iterator[Unknown]:
    """Yield every Unknown in an evaluated value, in order."""
    if isinstance(value, Unknown):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from unknowns(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from unknowns(item)


def contains_unknown(value: Any) -> bool:
    """Tell whether an evaluated value holds any Unknown."""
    if isinstance(value, str):
        return False
    if isinstance(value, Unknown):
        return True
    if isinstance(value, dict):
        return any(map(contains_unknown, value.values()))
    return isinstance(value, list | tuple) and any(map(contains_unknown, value))
