"""`{"Fn::Not": [condition]}`."""

from typing import Any

from penstock.stacks.intrinsics.boolean import is_condition, truth
from penstock.stacks.intrinsics.function import Evaluation, Function
from penstock.stacks.template.errors import template_error


def check(argument: Any) -> None:
    """Raise unless there is one condition."""
    if not isinstance(argument, list) or len(argument) != 1 or not is_condition(argument[0]):
        raise template_error(
            "every Fn::Not object requires a list with exactly 1 boolean parameter."
        )


def evaluate(argument: Any, evaluation: Evaluation) -> bool:
    """Return the opposite."""
    return not truth(argument[0], evaluation)


NOT = Function("Fn::Not", check, evaluate, conditional=True)
