"""What differs between two values of a property, leaf by leaf, for a person to read.

Pure. A change set gives values as text, structures as JSON text; here they are compared as
structures: `ContainerDefinitions[0].Image` from this to that, not two long texts. Nothing is
shortened: each leaf that differs appears once, with its whole value.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][\w-]*")
_DEEPEST = 40
"""What is nested deeper is one leaf, its JSON text."""
_IDENTITIES = ("Name", "Key", "Id", "Sid")
_PAIRS = (
    ({"Name", "Value"}, "Name", "Value"),
    ({"Key", "Value"}, "Key", "Value"),
    ({"Name", "ValueFrom"}, "Name", "ValueFrom"),
)
"""Lists of such members are read as one mapping: Tags, a container's Environment and Secrets."""


@dataclass(frozen=True, slots=True)
class LeafChange:
    """One leaf; None where it is not there before or after."""

    path: str
    before: str | None
    after: str | None


def leaf_changes(path: str, before: str | None, after: str | None) -> list[LeafChange]:
    """Return what differs below `path` between two texts, None for no value at all.

    JSON texts of objects and arrays are compared as structures, scalars as text.
    """
    return list(_changes(path, _read(before), _read(after), 0))


def leaves(path: str, value: Any) -> list[tuple[str, str]]:
    """Return each leaf below `path` with its text, in order."""
    return list(_leaves(path, _read(value) if isinstance(value, str) else value, 0))


class _Absent:
    """No value, which differs from an empty one."""


_ABSENT = _Absent()


def _read(text: str | None) -> Any:
    if text is None:
        return _ABSENT
    if not text.startswith(("{", "[")):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # {{changeSet:KNOWN_AFTER_APPLY}}, a text in brackets
        return text
    return value if _is_shallow(value, _DEEPEST) else text


def _is_shallow(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    below = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(each, levels - 1) for each in below)


def _changes(path: str, before: Any, after: Any, depth: int) -> Iterator[LeafChange]:
    before, after = _opened(before, after, depth)
    if isinstance(before, dict) and isinstance(after, dict) and before and after:
        for key in [*before, *(key for key in after if key not in before)]:
            below = f"{path}{_member(key)}"
            old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
            yield from _changes(below, old, new, depth + 1)
    elif isinstance(before, list) and isinstance(after, list) and before and after:
        for label, old, new in _items(before, after):
            yield from _changes(f"{path}[{label}]", old, new, depth + 1)
    elif _same(before, after):
        return
    elif _is_leaf(before) and _is_leaf(after):
        yield LeafChange(path, _text(before), _text(after))
    else:
        removed = [LeafChange(at, text, None) for at, text in _leaves(path, before, depth)]
        added = [LeafChange(at, None, text) for at, text in _leaves(path, after, depth)]
        yield from [*removed, *added]


def _opened(before: Any, after: Any, depth: int) -> tuple[Any, Any]:
    """Return both as mappings where they are lists of pairs; JSON texts inside as structures."""
    if isinstance(before, str) and isinstance(after, str) and depth < _DEEPEST:
        old, new = _read(before), _read(after)
        if isinstance(old, dict | list) and type(old) is type(new) and old != new:
            return _opened(old, new, depth)
    for members, key, value in _PAIRS:
        old, new = (_as_mapping(each, members, key, value) for each in (before, after))
        if old is not None and new is not None:
            return old, new
    return before, after


def _as_mapping(value: Any, members: set[str], key: str, held: str) -> dict[str, Any] | None:
    """Return a list of pairs as a mapping; None when it is none, or names one twice."""
    if not isinstance(value, list) or not value:
        return None
    if not all(isinstance(each, dict) and each.keys() == members for each in value):
        return None
    if not all(isinstance(each[key], str) for each in value):
        return None
    found = {each[key]: each[held] for each in value}
    return found if len(found) == len(value) else None


def _items(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the items of two lists that belong together, each with its label."""
    for identity in _IDENTITIES:
        old, new = _by_identity(before, identity), _by_identity(after, identity)
        if old is not None and new is not None:
            yield from _identified(old, new)
            return
    if len(before) == len(after):
        for index, (old_item, new_item) in enumerate(zip(before, after, strict=True)):
            yield str(index), old_item, new_item
        return
    yield from _aligned(before, after)


def _by_identity(items: Sequence[Any], identity: str) -> dict[str, tuple[int, Any]] | None:
    if not all(isinstance(item, dict) and isinstance(item.get(identity), str) for item in items):
        return None
    found = {item[identity]: (index, item) for index, item in enumerate(items)}
    return found if len(found) == len(items) else None


def _identified(
    before: Mapping[str, tuple[int, Any]], after: Mapping[str, tuple[int, Any]]
) -> Iterator[tuple[str, Any, Any]]:
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None and old[0] == new[0]:
            yield str(old[0]), old[1], new[1]
        else:
            yield name, old[1] if old else _ABSENT, new[1] if new else _ABSENT


def _aligned(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs between lists of different lengths; labels are indices, `-N` for old."""
    keys = [[json.dumps(item, sort_keys=True) for item in items] for items in (before, after)]
    for kind, start, end, new_start, new_end in SequenceMatcher(
        None, keys[0], keys[1], autojunk=False
    ).get_opcodes():
        if kind == "equal":
            continue
        paired = min(end - start, new_end - new_start)
        for offset in range(paired):
            yield str(new_start + offset), before[start + offset], after[new_start + offset]
        for index in range(start + paired, end):
            yield f"{index} before", before[index], _ABSENT
        for index in range(new_start + paired, new_end):
            yield str(index), _ABSENT, after[index]


def _leaves(path: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if value is _ABSENT:
        return
    value, _ = _opened(value, value, depth)
    if _is_leaf(value):
        text = _text(value)
        assert text is not None
        yield path, text
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(f"{path}{_member(key)}", each, depth + 1)
    else:
        for index, each in enumerate(value):
            yield from _leaves(f"{path}[{index}]", each, depth + 1)


def _is_leaf(value: Any) -> bool:
    return not value or not isinstance(value, dict | list)


def _same(before: Any, after: Any) -> bool:
    """Tell whether both are one value: as CloudFormation keeps them, 80 and "80" are one."""
    if _is_leaf(before) and _is_leaf(after):
        return _text(before) == _text(after)
    return False


def _text(value: Any) -> str | None:
    if value is _ABSENT:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _member(key: str) -> str:
    return f".{key}" if _PLAIN.fullmatch(key) else f"[{json.dumps(key, ensure_ascii=False)}]"
