"""`{"Fn::Split": [delimiter, text]}`."""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function, may_give, text_of
from penstock.stacks.intrinsics.unknown import Unknown
from penstock.stacks.template.errors import template_error

_SHAPE = (
    "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to "
    "be split or a function that returns a string to be split."
)


def check(argument: Any) -> None:
    """Raise unless there are a delimiter and a text."""
    if not isinstance(argument, list) or len(argument) != 2:
        raise template_error(_SHAPE)
    delimiter, text = argument
    if not isinstance(delimiter, str) or not delimiter or not may_give(text, str, int, float):
        raise template_error(_SHAPE)


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the list of pieces, or the Unknown that the text is."""
    value = evaluation.value(argument[1])
    if isinstance(value, Unknown):
        return value
    text = text_of(value)
    if text is None:
        raise template_error(_SHAPE)
    return text.split(argument[0])


SPLIT = Function("Fn::Split", check, evaluate)
