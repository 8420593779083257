"""`{"Fn::Equals": [value, value]}`: compared as text, letters' case counts."""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function, text_of
from penstock.stacks.template.errors import template_error

_SHAPE = "every Fn::Equals object requires a list of 2 string parameters."


def check(argument: Any) -> None:
    """Raise unless there are two values."""
    if not isinstance(argument, list) or len(argument) != 2:
        raise template_error(_SHAPE)


def evaluate(argument: Any, evaluation: Evaluation) -> bool:
    """Return whether both are the same text, or the same list."""
    left, right = (evaluation.value(side) for side in argument)
    return bool(_comparable(left) == _comparable(right))


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    text = text_of(value)
    if text is None:
        raise template_error(_SHAPE)
    return text


EQUALS = Function("Fn::Equals", check, evaluate, conditional=True)
