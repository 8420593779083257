"""`{"Fn::FindInMap": [map, top-level key, second-level key]}`.

Its parameters are texts, or Ref and Fn::FindInMap; other functions in it, and a default value, are
for the transform AWS::LanguageExtensions, which puts what is found in its place.
"""

from typing import Any

from penstock.stacks.intrinsics.function import (
    Evaluation,
    Function,
    function_of,
    may_give,
    text_of,
)
from penstock.stacks.template.errors import template_error

INNER = frozenset({"Ref", "Fn::FindInMap"})
"""The functions that may stand in it."""
_SHAPE = (
    "every Fn::FindInMap object requires three parameters, the map name, map key and the "
    "attribute for return value"
)


def check(argument: Any) -> None:
    """Raise unless there are three names, each perhaps from Ref or Fn::FindInMap."""
    if not isinstance(argument, list) or len(argument) != 3:
        raise template_error(_SHAPE)
    if not all(may_give(part, str, int, float) for part in argument):
        raise template_error(_SHAPE)
    calls = filter(None, map(function_of, argument))
    if any(name not in INNER for name, _ in calls):
        raise template_error(_SHAPE)


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the mapping's value."""
    name, top, second = (text_of(evaluation.value(part)) for part in argument)
    if name is None or top is None or second is None:
        raise template_error(_SHAPE)
    return evaluation.mapping(name, top, second)


FIND_IN_MAP = Function("Fn::FindInMap", check, evaluate)
