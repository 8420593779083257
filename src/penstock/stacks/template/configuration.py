"""Template configuration files: a stack's parameters, tags and stack policy beside its template.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.aws.errors import ServiceError

_MEMBERS = ("Parameters", "Tags", "StackPolicy")


@dataclass(frozen=True, slots=True)
class TemplateConfiguration:
    """A file's content; lists given as parameter values are comma-separated text."""

    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    stack_policy: Mapping[str, Any] | None


def load_configuration(text: str) -> TemplateConfiguration:
    """Return what the file says; raise ServiceError ValidationError for what it must not say."""
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise _bad(f"JSON not well-formed. (line {error.lineno}, column {error.colno})") from error
    except RecursionError:
        raise _bad("nested too deep") from None
    if not isinstance(given, dict):
        raise _bad(f"expected a JSON object, found {_kind(given)}")
    unknown = [name for name in given if name not in _MEMBERS]
    if unknown:
        raise _bad(f"expected the members {', '.join(_MEMBERS)}, found {', '.join(unknown)}")
    policy = given.get("StackPolicy")
    if policy is not None and not isinstance(policy, dict):
        raise _bad(f"expected an object as StackPolicy, found {_kind(policy)}")
    return TemplateConfiguration(_texts(given, "Parameters"), _texts(given, "Tags"), policy)


def _texts(given: Mapping[str, Any], member: str) -> dict[str, str]:
    section = given.get(member, {})
    if not isinstance(section, dict):
        raise _bad(f"expected an object as {member}, found {_kind(section)}")
    return {name: _text(member, name, value) for name, value in section.items()}


def _text(member: str, name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    raise _bad(f"expected a string under {member}/{name}, found {_kind(value)}")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {"dict": "an object", "list": "a list", "str": "a string"}
    return kinds.get(type(value).__name__, "a number")


def _bad(reason: str) -> ServiceError:
    return ServiceError(
        "ValidationError", f"Template configuration format error: {reason}", status=400
    )
