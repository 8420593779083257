"""What the models' shapes ask of values, read from each shape once.

A check tells what is wrong with a value. Which words each service uses for that is
`validation.py`'s.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from penstock.aws.patterns import compile_pattern
from penstock.regular_expressions import Undecided

ELEMENTS = "Member must satisfy constraint: ["
"""How the constraint begins that is told of a list's elements."""
_CONTAINERS = frozenset({"structure", "list", "map"})


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken constraint: where, of which value (already written as text), and which."""

    path: str
    value: str | None
    constraint: str
    expected: str
    """The constraint in ECR's words: `must have length …`."""


Constraint = Callable[[Any], str | None]
"""Tells which constraint a value breaks, in AWS's words; None where it does not."""
Check = Callable[[Any, str], Iterable[Violation]]
"""Tells what is wrong with a value that stands at a path."""


def check_of(shape: Any) -> Check | None:
    """Return the check of a shape's values, None where all are allowed."""
    kind = shape.type_name
    if kind == "structure":
        return None if shape.is_document_type else partial(_check_structure, shape)
    if kind == "list":
        return _check_of_list(shape)
    if kind == "map":
        return _check_of_map(shape)
    return _check_of_own(shape)


def _check_structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[Violation]:
    required, members = _members(shape)
    prefix = f"{path}." if path else ""
    for name, written in required:
        if value.get(name) is None:
            where = f"{prefix}{written}"
            yield Violation(where, None, "Member must not be null", "must not be null")
    for name, item in value.items():
        if item is not None and name in members:
            written, check = members[name]
            yield from check(item, f"{prefix}{written}")


@cache
def _members(shape: Any) -> tuple[list[tuple[str, str]], dict[str, tuple[str, Check]]]:
    """Return the required members, and the checks of those that have one, beside each how paths
    have its name. Made at the first value: a structure may be within itself."""
    required = [(name, _lower_first(name)) for name in shape.required_members]
    checks = {name: check_of(member) for name, member in shape.members.items()}
    return required, {
        name: (_lower_first(name), check) for name, check in checks.items() if check is not None
    }


def _check_of_list(shape: Any) -> Check | None:
    of_size, of_elements = _check_of_own(shape), _of_elements(shape.member)
    of_each = check_of(shape.member) if shape.member.type_name in _CONTAINERS else None
    if of_size is None and not of_elements and of_each is None:
        return None

    def check(value: Any, path: str) -> Iterator[Violation]:
        if of_size is not None:
            yield from of_size(value, path)
        if of_each is not None:
            for index, item in enumerate(value, 1):
                if item is not None:
                    yield from of_each(item, f"{path}.{index}.member")
        elif _any_broken(of_elements, (item for item in value if item is not None)):
            yield _element_violation(shape, value, path, shape.member, "Member")

    return check


def _check_of_map(shape: Any) -> Check | None:
    of_size, of_keys = _check_of_own(shape), _of_elements(shape.key)
    of_values = _of_elements(shape.value)
    of_each = check_of(shape.value) if shape.value.type_name in _CONTAINERS else None
    if of_size is None and not of_keys and not of_values and of_each is None:
        return None

    def check(value: Any, path: str) -> Iterator[Violation]:
        if of_size is not None:
            yield from of_size(value, path)
        if _any_broken(of_keys, value):
            yield _element_violation(shape, value, path, shape.key, "Map keys")
        if of_each is not None:
            for key, item in value.items():
                yield from of_each(item, f"{path}.{key}.member")
        elif _any_broken(of_values, value.values()):
            yield _element_violation(shape, value, path, shape.value, "Map value")

    return check


def _check_of_own(shape: Any) -> Check | None:
    """Return the check of a scalar, or of a list's or map's size."""
    constraints = _constraints(shape)
    if not constraints:
        return None

    def check(value: Any, path: str) -> Iterable[Violation]:
        for constraint in constraints:
            if constraint(value) is not None:
                return _violations(shape, constraints, value, path)
        return ()

    return check


def _of_elements(shape: Any) -> Sequence[Constraint]:
    """Return the constraints of elements that are told on their list or map; none where each of
    them is checked by itself."""
    return [] if shape.type_name in _CONTAINERS else _constraints(shape)


def _any_broken(constraints: Sequence[Constraint], values: Iterable[Any]) -> bool:
    if constraints:
        for value in values:
            for constraint in constraints:
                if constraint(value) is not None:
                    return True
    return False


def _constraints(shape: Any) -> Sequence[Constraint]:
    """Return the constraints of a scalar or a size, in AWS's order."""
    limits, kind = shape.metadata, shape.type_name
    found: list[Constraint] = []
    if kind == "string" and limits.get("pattern"):
        found.append(partial(_of_pattern, limits["pattern"]))
    if kind == "string" and limits.get("enum"):
        found.append(partial(_of_enum, limits["enum"]))
    if limits.get("min") is None and limits.get("max") is None:
        return found
    if kind in {"string", "blob", "list", "map"}:
        found.append(_of_length(limits))
    elif kind in {"integer", "long", "float", "double"}:
        found.append(_of_range(limits, "value"))
    return found


def _of_pattern(pattern: str, value: str) -> str | None:
    """Tell of a value that is not what a pattern of the model allows; what is not certain, is."""
    compiled = compile_pattern(pattern)
    try:
        if compiled is None or compiled.fullmatch(value):
            return None
    except Undecided:
        return None
    return f"Member must satisfy regular expression pattern: {pattern}"


def _of_enum(enum: Sequence[str], value: str) -> str | None:
    if value in enum:
        return None
    # AWS lists the set in no stable order; unverified order.
    return f"Member must satisfy enum value set: [{', '.join(enum)}]"


def _of_length(limits: Mapping[str, Any]) -> Constraint:
    of_range = _of_range(limits, "length")

    def constraint(value: Any) -> str | None:
        return of_range(len(value)) if hasattr(value, "__len__") else None

    return constraint


def _of_range(limits: Mapping[str, Any], noun: str) -> Constraint:
    least, most = limits.get("min"), limits.get("max")

    def constraint(size: float) -> str | None:
        if least is not None and size < least:
            return f"Member must have {noun} greater than or equal to {least}"
        if most is not None and size > most:
            return f"Member must have {noun} less than or equal to {most}"
        return None

    return constraint


def _violations(
    shape: Any, constraints: Sequence[Constraint], value: Any, path: str
) -> list[Violation]:
    broken = [constraint(value) for constraint in constraints]
    return [_violation(shape, value, path, each) for each in broken if each is not None]


def _violation(shape: Any, value: Any, path: str, constraint: str) -> Violation:
    expected = constraint.removeprefix("Member ")
    if expected.startswith("must satisfy regular expression pattern: "):
        pattern = expected.removeprefix("must satisfy regular expression pattern: ")
        expected = f"must satisfy regular expression '{pattern}'"
    return Violation(path, _shown(shape, value), constraint, expected)


def _element_violation(shape: Any, value: Any, path: str, element: Any, subject: str) -> Violation:
    constraints = f"[{', '.join(_all_constraints(element))}]"
    expected = f"must satisfy constraint: {constraints}"
    return Violation(path, _shown(shape, value), f"{subject} {expected}", expected)


def _all_constraints(shape: Any) -> list[str]:
    """Every constraint of a scalar shape: what AWS lists when an element breaks any of them."""
    limits = shape.metadata
    noun = "length" if shape.type_name in {"string", "blob"} else "value"
    listed = []
    if limits.get("max") is not None:
        listed.append(f"Member must have {noun} less than or equal to {limits['max']}")
    if limits.get("min") is not None:
        listed.append(f"Member must have {noun} greater than or equal to {limits['min']}")
    if limits.get("pattern"):
        listed.append(f"Member must satisfy regular expression pattern: {limits['pattern']}")
    if limits.get("enum"):
        listed.append(f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]")
    return listed


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _shown(shape: Any, value: Any) -> str:
    """Write a value as Java's toString does; sensitive ones are never shown."""
    if shape.metadata.get("sensitive"):
        return "***"
    kind = shape.type_name
    if kind == "list":
        return f"[{', '.join(_shown(shape.member, item) for item in value)}]"
    if kind == "map":
        entries = [f"{key}={_shown(shape.value, item)}" for key, item in value.items()]
        return f"{{{', '.join(entries)}}}"
    if kind == "structure":
        inside = ", ".join(
            f"{name}={_shown(shape.members[name], item)}" for name, item in value.items()
        )
        return f"{shape.name}({inside})"
    if kind == "blob":
        size = len(value)
        return f"java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]"
    return str(value)
