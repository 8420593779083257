"""`{"Fn::Split": [delimiter, text]}`."""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function, may_give, text_of
from penstock.stacks.intrinsics.unknown import Unknown
from penstock.stacks.template.dynamic_references import has_reference, is_reference
from penstock.stacks.template.errors import template_error

_SHAPE = (
    "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to "
    "be split or a function that returns a string to be split."
)


class LaterList(list[str]):
    """A list of one dynamic reference: its items are known only where the resource is made."""


def check_known(function: str, items: list[Any]) -> None:
    """Raise for a function that needs items of a LaterList now."""
    if isinstance(items, LaterList):
        raise template_error(
            f"{function} of {items[0]} is not supported here: its items are known only when the "
            "resource is made; refer to a parameter that holds the value alone"
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
    if has_reference(text) and (argument[0] != "," or not is_reference(text)):
        raise template_error(
            "Fn::Split of a text with dynamic references is supported for one reference to a "
            f"StringList, by commas, and nothing else in the text; found {text}"
        )
    if has_reference(text):
        return LaterList([text])
    return text.split(argument[0])


SPLIT = Function("Fn::Split", check, evaluate)
