"""Constraints of the models, checked with AWS's texts.

`1 validation error detected: Value 'x' at 'pipeline.stages.2.member.name' failed to satisfy
constraint: Member must have length greater than or equal to 1`. Sources of the texts and
of the per-service differences stand in `_STYLES`; those marked unverified follow the
majority of services.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.models import Model
from penstock.aws.patterns import compile_pattern
from penstock.regular_expressions import Undecided

_ELEMENTS = "Member must satisfy constraint: ["
_MOST_VIOLATIONS = 10
"""AWS lists no more (seen on Kinesis and DynamoDB)."""


@dataclass(frozen=True, slots=True)
class Style:
    """How one service reports broken constraints.

    `shows_value` is False where it writes `Value at 'name'`, without the value.
    """

    code: str
    shows_value: bool = True
    coral: bool = True
    """False for ECR's own wording."""
    counts_null: bool = False
    """Whether the constraints of a list's elements end with `Member must not be null`."""


_STYLES: Mapping[str, Style] = {
    # Unverified that constraints answer so; the code is the model's only one for bad input.
    "codebuild": Style("InvalidInputException"),
    # awslabs/cloudfront-hosting-toolkit#12, aws/aws-cdk#12747: no value in the text.
    "codepipeline": Style("ValidationException", shows_value=False),
    # Unverified.
    "codecommit": Style("ValidationException"),
    # aws/aws-dotnet-deploy#549, boto/boto3#3191.
    "ecr": Style("InvalidParameterException", coral=False),
    # Recorded from AWS: localstack/localstack tests/aws/services/iam/test_iam_roles.snapshot.json
    # (2026: no value), sts/test_sts.snapshot.json and logs/test_logs_events.snapshot.json.
    "iam": Style("ValidationError", shows_value=False, counts_null=True),
    "sts": Style("ValidationError"),
    "logs": Style("InvalidParameterException"),
    "secretsmanager": Style("ValidationException"),
    "ssm": Style("ValidationException"),
    # S3 has hardly any constraint in its model; unverified.
    "s3": Style("InvalidArgument"),
}
_DEFAULT_STYLE = {"query": Style("ValidationError")}


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken constraint: where, of which value (already written as text), and which."""

    path: str
    value: str | None
    constraint: str
    expected: str
    """The constraint in ECR's words: `must have length …`."""


def validate(model: Model, shape: Any, request: Mapping[str, Any]) -> None:
    """Raise the service's validation error when `request` breaks constraints of `shape`."""
    if shape is None:
        return
    violations = []
    for violation in _check_structure(shape, request, ""):
        violations.append(violation)
        if len(violations) == _MOST_VIOLATIONS:
            break
    if violations:
        style = _STYLES.get(model.name) or _DEFAULT_STYLE.get(
            model.protocol, Style("ValidationException")
        )
        raise ServiceError(style.code, _text(style, violations), status=400)


def _text(style: Style, violations: list[Violation]) -> str:
    if not style.coral:
        first = violations[0]
        where = f"Invalid parameter at '{first.path}'"
        return f"{where} failed to satisfy constraint: '{first.expected}'"
    parts = []
    for violation in violations:
        if violation.value is None:
            value = "Value null"
        elif style.shows_value:
            value = f"Value '{violation.value}'"
        else:
            value = "Value"
        constraint = violation.constraint
        if style.counts_null and constraint.startswith(_ELEMENTS):
            constraint = f"{constraint[:-1]}, Member must not be null]"
        parts.append(f"{value} at '{violation.path}' failed to satisfy constraint: {constraint}")
    plural = "s" if len(violations) > 1 else ""
    return f"{len(violations)} validation error{plural} detected: {'; '.join(parts)}"


def _check(shape: Any, value: Any, path: str) -> Iterator[Violation]:
    kind = shape.type_name
    if kind in _CONTAINERS:
        yield from _CONTAINERS[kind](shape, value, path)
    elif shape.metadata:
        for constraint in scalar_constraints(shape, value):
            yield _violation(shape, value, path, constraint)


def _violation(shape: Any, value: Any, path: str, constraint: str) -> Violation:
    expected = constraint.removeprefix("Member ")
    if expected.startswith("must satisfy regular expression pattern: "):
        pattern = expected.removeprefix("must satisfy regular expression pattern: ")
        expected = f"must satisfy regular expression '{pattern}'"
    return Violation(path, _shown(shape, value), constraint, expected)


def scalar_constraints(shape: Any, value: Any) -> Iterator[str]:
    """Yield the constraints of `shape` that a scalar or a size breaks, in AWS's words."""
    limits = shape.metadata
    kind = shape.type_name
    if kind == "string":
        pattern = limits.get("pattern")
        if pattern and not _matches(pattern, value):
            yield f"Member must satisfy regular expression pattern: {pattern}"
        enum = limits.get("enum")
        if enum and value not in enum:
            # AWS lists the set in no stable order; unverified order.
            yield f"Member must satisfy enum value set: [{', '.join(enum)}]"
    if kind in {"string", "blob", "list", "map"}:
        if hasattr(value, "__len__"):
            yield from _range(limits, len(value), "length")
    elif kind in {"integer", "long", "float", "double"}:
        yield from _range(limits, value, "value")


def _matches(pattern: str, value: str) -> bool:
    """Tell whether a value is what a pattern of the model allows; what is not certain, is."""
    compiled = compile_pattern(pattern)
    try:
        return compiled is None or compiled.fullmatch(value)
    except Undecided:
        return True


def _range(limits: Mapping[str, Any], size: float, noun: str) -> Iterator[str]:
    least, most = limits.get("min"), limits.get("max")
    if least is not None and size < least:
        yield f"Member must have {noun} greater than or equal to {least}"
    if most is not None and size > most:
        yield f"Member must have {noun} less than or equal to {most}"


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


def _check_structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[Violation]:
    if shape.is_document_type:
        return
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            where = f"{prefix}{_lower_first(name)}"
            yield Violation(where, None, "Member must not be null", "must not be null")
    members = shape.members
    for name, item in value.items():
        if item is not None and name in members:
            yield from _check(members[name], item, f"{prefix}{_lower_first(name)}")


def _check_list(shape: Any, value: Any, path: str) -> Iterator[Violation]:
    yield from map(partial(_violation, shape, value, path), scalar_constraints(shape, value))
    member = shape.member
    if member.type_name in _CONTAINERS:
        for index, item in enumerate(value, 1):
            if item is not None:
                yield from _check(member, item, f"{path}.{index}.member")
    elif member.metadata and any(
        True for item in value if item is not None for _ in scalar_constraints(member, item)
    ):
        yield _element_violation(shape, value, path, member, "Member")


def _check_map(shape: Any, value: Any, path: str) -> Iterator[Violation]:
    yield from map(partial(_violation, shape, value, path), scalar_constraints(shape, value))
    keys, values = shape.key, shape.value
    if keys.metadata and any(True for key in value for _ in scalar_constraints(keys, key)):
        yield _element_violation(shape, value, path, keys, "Map keys")
    if values.type_name in _CONTAINERS:
        for key, item in value.items():
            yield from _check(values, item, f"{path}.{key}.member")
    elif values.metadata and any(
        True for item in value.values() for _ in scalar_constraints(values, item)
    ):
        yield _element_violation(shape, value, path, values, "Map value")


def _element_violation(shape: Any, value: Any, path: str, element: Any, subject: str) -> Violation:
    constraints = f"[{', '.join(_all_constraints(element))}]"
    expected = f"must satisfy constraint: {constraints}"
    return Violation(path, _shown(shape, value), f"{subject} {expected}", expected)


_CONTAINERS = {"structure": _check_structure, "list": _check_list, "map": _check_map}


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
