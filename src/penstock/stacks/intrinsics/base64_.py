"""`{"Fn::Base64": text}`."""

import base64
from typing import Any

from penstock.stacks.intrinsics.function import (
    Evaluation,
    Function,
    check_length,
    may_give,
    text_of,
)
from penstock.stacks.intrinsics.unknown import Unknown
from penstock.stacks.template.errors import template_error

_SHAPE = "every Fn::Base64 object must have a String-typed value."


def check(argument: Any) -> None:
    """Raise unless the argument is a text or a function that gives one."""
    if not may_give(argument, str, int, float):
        raise template_error(_SHAPE)


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the text in Base64, or the Unknown that it is."""
    value = evaluation.value(argument)
    if isinstance(value, Unknown):
        return value
    text = text_of(value)
    if text is None:
        raise template_error(_SHAPE)
    content = text.encode()
    check_length("Fn::Base64", len(content) * 4 // 3)
    return base64.b64encode(content).decode()


BASE64 = Function("Fn::Base64", check, evaluate)
