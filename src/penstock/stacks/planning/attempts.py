"""What a resource may be once updates of it have failed and were kept. Pure.

A handler that fails has changed some of what it was asked for, and nobody knows what. So the next
update of the resource is told of a state that differs from what is wanted wherever the resource
may: where any of what was deployed and attempted does.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from penstock.stacks.state import Attempt, DeployedResource

_ABSENT = object()


def with_attempt(deployed: DeployedResource, attempt: Attempt) -> tuple[Attempt, ...]:
    """Return the failed attempts at a resource after one more."""
    return (*(each for each in deployed.attempts if each != attempt), attempt)


def standing(
    deployed: Mapping[str, Any], attempts: Sequence[Attempt], wanted: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the properties that an update to `wanted` has to change."""
    if not attempts:
        return deployed
    found = _uncertain([deployed, *(each.properties for each in attempts)], wanted)
    return cast("Mapping[str, Any]", found)


def standing_tags(
    deployed: Mapping[str, str], attempts: Sequence[Attempt], wanted: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the stack's tags on the resource that an update to `wanted` has to change."""
    if not attempts:
        return deployed
    every = {key: value for each in attempts for key, value in each.tags.items()}
    every |= deployed
    return {key: value for key, value in every.items() if wanted.get(key) != value}


def _uncertain(values: Sequence[Any], wanted: Any) -> Any:
    """Return what differs from `wanted` unless each of the values, the deployed one first, is it:
    of lists what all have, and what may have to go; else the first of them that differs."""
    first = values[0]
    if all(each == first for each in values):
        return first
    there = [each for each in values if each is not _ABSENT]
    found: Any = wanted
    if all(isinstance(each, Mapping) for each in there):
        found = _members(there, len(there) < len(values), wanted)
    elif all(isinstance(each, list) for each in there):
        sure = there if len(there) == len(values) else [[]]
        found = _items(there, sure, wanted if isinstance(wanted, list) else [])
    return found if found != wanted else next(each for each in values if each != wanted)


def _members(there: Sequence[Mapping[str, Any]], absent: bool, wanted: Any) -> dict[str, Any]:
    parts = [*there, {}] if absent else there
    names = dict.fromkeys(name for each in there for name in each)
    after = wanted if isinstance(wanted, Mapping) else {}
    found = {
        name: _uncertain([each.get(name, _ABSENT) for each in parts], after.get(name, _ABSENT))
        for name in names
    }
    return {name: value for name, value in found.items() if value is not _ABSENT}


def _items(there: Sequence[list[Any]], sure: Sequence[list[Any]], wanted: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in (item for each in there for item in each):
        everywhere = all(item in each for each in sure)
        if item not in found and (everywhere or item not in wanted):
            found.append(item)
    return found
