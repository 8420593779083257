"""`{"Fn::Select": [index, list]}`."""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function, function_of, may_give, text_of
from penstock.stacks.intrinsics.split import check_known
from penstock.stacks.intrinsics.unknown import Unknown
from penstock.stacks.template.errors import template_error

_SHAPE = "Fn::Select requires a list argument with two elements: an integer index and a list"


def check(argument: Any) -> None:
    """Raise unless there are an index and a list."""
    if not isinstance(argument, list) or len(argument) != 2 or not may_give(argument[1], list):
        raise template_error(_SHAPE)
    if function_of(argument[0]) is None and _index(argument[0]) is None:
        raise template_error(_SHAPE)


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the item; Unknown when the list is."""
    index = _index(evaluation.value(argument[0]))
    items = evaluation.value(argument[1])
    if isinstance(items, Unknown):
        return items
    if index is None or not isinstance(items, list):
        raise template_error(_SHAPE)
    check_known("Fn::Select", items)
    if not 0 <= index < len(items):
        raise template_error(f"Fn::Select cannot select nonexistent value at index {index}")
    return items[index]


def _index(value: Any) -> int | None:
    text = text_of(value)
    if text is None or len(text) > 9 or not text.removeprefix("-").isdecimal():
        return None
    return int(text)


SELECT = Function("Fn::Select", check, evaluate)
