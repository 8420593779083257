"""`{"Fn::FindInMap": [map, top-level key, second-level key, {"DefaultValue": any}]}`.

Its names are texts, or Ref and Fn::FindInMap; other functions in them are for the transform
AWS::LanguageExtensions, which puts what is found in its place. The default may be left out; it may
be any value, and is evaluated where the map has no such key. It needs no transform since 2026
(aws-cloudformation/cfn-lint issue 4627, which names AWS's page, and #4628).
"""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.intrinsics.function import (
    Evaluation,
    Function,
    first_unknown,
    function_of,
    may_give,
    text_of,
)
from penstock.stacks.template.errors import template_error

INNER = frozenset({"Ref", "Fn::FindInMap"})
"""The functions that may stand in it."""
_NAMES = 3
_SHAPE = (
    "every Fn::FindInMap object requires three parameters, the map name, map key and the "
    "attribute for return value"
)


def parts(argument: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return the three names, and a map with the default under `DefaultValue`, or an empty one.

    Both are empty for an argument of another shape.
    """
    if isinstance(argument, list) and len(argument) == _NAMES:
        return argument, {}
    if isinstance(argument, list) and len(argument) == _NAMES + 1:
        last = argument[_NAMES]
        if isinstance(last, dict) and last.keys() == {"DefaultValue"}:
            return argument[:_NAMES], last
    return [], {}


def check(argument: Any) -> None:
    """Raise unless there are three names, each perhaps from Ref or Fn::FindInMap."""
    names, _ = parts(argument)
    if not names or not all(may_give(part, str, int, float) for part in names):
        raise wrong_shape()
    calls = filter(None, map(function_of, names))
    if any(name not in INNER for name, _ in calls):
        raise wrong_shape()


def check_extended(argument: Any) -> None:
    """Raise unless there are three names, from whatever function, and perhaps a default."""
    if not parts(argument)[0]:
        raise template_error("Fn::FindInMap layout is incorrect")


def wrong_shape() -> ServiceError:
    """Return AWS's error for an argument of another shape."""
    return template_error(_SHAPE)


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the mapping's value, or the default's where there is none."""
    names, default = parts(argument)
    values = [evaluation.value(part) for part in names]
    unknown = first_unknown(values)
    if unknown is not None:
        return unknown
    name, top, second = map(text_of, values)
    if name is None or top is None or second is None:
        raise wrong_shape()
    found = evaluation.mapped(name, top, second)
    if found is not None:
        return found
    if default:
        return evaluation.value(default["DefaultValue"])
    raise template_error(f"Unable to get mapping for {name}::{top}::{second}")


FIND_IN_MAP = Function("Fn::FindInMap", check, evaluate)
EXTENDED_FIND_IN_MAP = Function("Fn::FindInMap", check_extended, evaluate)
"""As the transform AWS::LanguageExtensions takes it."""
