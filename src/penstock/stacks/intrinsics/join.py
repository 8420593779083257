"""`{"Fn::Join": [delimiter, list]}`."""

from typing import Any

from penstock.stacks.intrinsics.function import (
    Evaluation,
    Function,
    check_length,
    first_unknown,
    may_give,
    text_of,
)
from penstock.stacks.intrinsics.split import check_known
from penstock.stacks.intrinsics.unknown import Unknown
from penstock.stacks.template.errors import template_error

_SHAPE = (
    "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of "
    "strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) "
    "to be joined."
)


def check(argument: Any) -> None:
    """Raise unless there are a delimiter and a list."""
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
        raise template_error(_SHAPE)
    if not may_give(argument[1], list):
        raise template_error(_SHAPE)


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the joined text, or the first Unknown among the items."""
    items = evaluation.value(argument[1])
    if isinstance(items, Unknown):
        return items
    if not isinstance(items, list):
        raise template_error(_SHAPE)
    check_known("Fn::Join", items)
    unknown = first_unknown(items)
    if unknown is not None:
        return unknown
    texts = [text for text in map(text_of, items) if text is not None]
    if len(texts) != len(items):
        raise template_error(_SHAPE)
    delimiter = str(argument[0])
    check_length("Fn::Join", sum(map(len, texts)) + len(delimiter) * len(texts))
    return delimiter.join(texts)


JOIN = Function("Fn::Join", check, evaluate)
