"""`{"Fn::If": [condition, value if true, value if false]}`."""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function
from penstock.stacks.template.errors import template_error


def check(argument: Any) -> None:
    """Raise unless there are a condition's name and two values."""
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
        # unverified
        raise template_error(
            "Fn::If requires a list argument with three elements: the name of a condition, "
            "the value if true and the value if false"
        )


def branch(argument: Any, is_true: bool) -> tuple[int, Any]:
    """Return the live branch's place in the argument and the branch."""
    place = 1 if is_true else 2
    return place, argument[place]


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the live branch's value; the other one is not evaluated."""
    return evaluation.value(branch(argument, evaluation.condition(argument[0]))[1])


IF = Function("Fn::If", check, evaluate)
