"""How a resource's actual properties differ from those that its template asks for. Pure.

Only properties that the template sets are compared, and of structures in them only the members
that it sets: what a service sets by itself is no drift. Numbers, booleans and their texts are the
same, as in templates. Items of lists that the schema calls unordered, and tags, are found wherever
they stand.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

import json
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from penstock.stacks.display import MASK, Secrets, as_text, canonical
from penstock.stacks.schemas.resource_schema import ResourceSchema
from penstock.stacks.template.dynamic_references import has_reference

_NULL = "null"
_NAMES = ("Key", "PolicyName")


class DriftStatus(StrEnum):
    """StackResourceDriftStatus, and StackDriftStatus with DRIFTED."""

    IN_SYNC = "IN_SYNC"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    NOT_CHECKED = "NOT_CHECKED"
    UNKNOWN = "UNKNOWN"
    DRIFTED = "DRIFTED"


@dataclass(frozen=True, slots=True)
class PropertyDifference:
    """One difference, in the model's words; values are JSON text, `null` for none."""

    path: str
    expected: str
    actual: str
    kind: str
    """ADD, REMOVE or NOT_EQUAL."""


@dataclass(frozen=True, slots=True)
class ResourceDrift:
    """What was found of a resource; without `actual` it is not there."""

    status: DriftStatus
    expected: str
    actual: str | None = None
    differences: Sequence[PropertyDifference] = ()


def compare(
    expected: Mapping[str, Any],
    actual: Mapping[str, Any] | None,
    schema: ResourceSchema | None,
    secrets: Secrets,
    paths: Iterable[tuple[str | int, ...]] = (),
) -> ResourceDrift:
    """Return the drift of a resource; nothing in it shows one of `secrets`, nor what stands at
    `paths` in the properties, which is built from one.

    `actual` is None for a resource that does not exist. A property that it lacks cannot be read
    and is not compared; one that is None in it is not set.
    """
    wanted = {name: canonical(value) for name, value in expected.items()}
    veiled = secrets.masked(wanted, paths)
    if actual is None:
        return ResourceDrift(DriftStatus.DELETED, _json(veiled))
    compared = {name: value for name, value in wanted.items() if name in actual}
    found = {name: canonical(actual[name]) for name in compared if actual[name] is not None}
    comparison = _Comparison(secrets)
    shown = {}
    for name, value in sorted(compared.items()):
        if name not in found:
            if value not in ([], {}):
                comparison.tell(f"/{name}", value, None, veiled[name])
            continue
        unordered = _unordered(schema, name)
        comparison.compare(f"/{name}", value, found[name], veiled[name], unordered)
        reduced = _reduced(value, found[name], unordered)
        shown[name] = comparison.shown(value, reduced, veiled[name])
    status = DriftStatus.MODIFIED if comparison.differences else DriftStatus.IN_SYNC
    return ResourceDrift(
        status,
        _json({name: veiled[name] for name in compared}),
        _json(shown),
        tuple(comparison.differences),
    )


@dataclass(slots=True)
class _Comparison:
    """One comparison, and what it has found so far; `veiled` is what is wanted, masked."""

    secrets: Secrets
    differences: list[PropertyDifference] = field(default_factory=list)

    def tell(self, path: str, wanted: Any, found: Any, veiled: Any) -> None:
        """Note a difference; None is no value."""
        kind = "ADD" if wanted is None else "REMOVE" if found is None else "NOT_EQUAL"
        before = _NULL if wanted is None else as_text(veiled)
        after = _NULL
        if found is not None:
            reduced = found if wanted is None else _reduced(wanted, found)
            after = as_text(self.shown(wanted, reduced, veiled))
        self.differences.append(PropertyDifference(path, before, after, kind))

    def shown(self, wanted: Any, found: Any, veiled: Any) -> Any:
        """Return what was found without secrets: what stands in a secret's place is one too."""
        if isinstance(veiled, Mapping) and isinstance(found, Mapping):
            return {
                name: self.shown(wanted.get(name), each, veiled.get(name))
                for name, each in found.items()
            }
        return MASK if veiled != wanted else self.secrets.masked(found)

    def compare(
        self, path: str, wanted: Any, found: Any, veiled: Any, unordered: bool = False
    ) -> None:
        """Compare two values; `unordered`: lists, whose items may stand anywhere."""
        if isinstance(wanted, Mapping) and isinstance(found, Mapping):
            for name, value in wanted.items():
                if name in found:
                    self.compare(f"{path}/{name}", value, found[name], _part(veiled, name))
                elif value not in ([], {}):  # which services leave out, rather than tell of nothing
                    self.tell(f"{path}/{name}", value, None, _part(veiled, name))
        elif _refers(wanted):
            return  # looked up at every deployment, and never kept: nothing to compare with
        elif isinstance(wanted, list) and isinstance(found, list):
            pairs, missing, extra = _paired(wanted, found, unordered)
            for i, j in pairs:
                self.compare(f"{path}/{i}", wanted[i], found[j], _part(veiled, i))
            for i in missing:
                self.tell(f"{path}/{i}", wanted[i], None, _part(veiled, i))
            for j in extra:  # one may stand in a secret's place: which, nobody can tell
                self.tell(f"{path}/{j}", None, MASK if veiled != wanted else found[j], None)
        elif wanted != found:
            self.tell(path, wanted, found, veiled)


def _part(veiled: Any, key: str | int) -> Any:
    """Return the part of a value that is masked, or has masked parts."""
    return MASK if veiled == MASK else veiled[key]


def _paired(
    wanted: Sequence[Any], found: Sequence[Any], unordered: bool
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Return which items belong together, those that are missing, and those that are too many."""
    if not unordered and not _named(wanted):
        both = min(len(wanted), len(found))
        return (
            [(i, i) for i in range(both)],
            list(range(both, len(wanted))),
            list(range(both, len(found))),
        )
    missing, left = list(range(len(wanted))), list(range(len(found)))
    pairs = []
    for same in (operator.eq, _is_same):  # an item may also be what another one sets, and more
        for i in list(missing):
            j = next((j for j in left if same(wanted[i], found[j])), None)
            if j is not None:
                missing.remove(i)
                left.remove(j)
                pairs.append((i, j))
    return sorted(pairs), missing, left


def _named(items: Sequence[Any]) -> bool:
    return bool(items) and all(_name(each) is not None for each in items)


def _is_same(wanted: Any, found: Any) -> bool:
    """Return whether an item of an unordered list is the one that is wanted: it has its name, or
    all that it sets."""
    name = _name(wanted)
    return bool(_reduced(wanted, found) == wanted if name is None else _name(found) == name)


def _name(item: Any) -> str | None:
    """Return a tag's key or a policy's name, None for what has no name."""
    if not isinstance(item, Mapping):
        return None
    return next((str(item[name]) for name in _NAMES if name in item), None)


def _reduced(wanted: Any, found: Any, unordered: bool = False) -> Any:
    """Return what was found without the members that the template does not set; of lists, each
    item beside the one that it belongs to."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return {
            name: _reduced(wanted[name], each) for name, each in found.items() if name in wanted
        }
    if _refers(wanted):
        return wanted
    if isinstance(wanted, list) and isinstance(found, list):
        beside = {j: wanted[i] for i, j in _paired(wanted, found, unordered)[0]}
        return [_reduced(beside[j], each) if j in beside else each for j, each in enumerate(found)]
    return found


def _refers(value: Any) -> bool:
    """Return whether there is a dynamic reference in a text, or anywhere in a list."""
    if isinstance(value, Mapping):
        return any(map(_refers, value.values()))
    if isinstance(value, list):
        return any(map(_refers, value))
    return isinstance(value, str) and has_reference(value)


def _unordered(schema: ResourceSchema | None, name: str) -> bool:
    declared = schema.properties.get(name, {}) if schema is not None else {}
    return declared.get("insertionOrder") is False


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
