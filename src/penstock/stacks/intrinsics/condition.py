"""`{"Condition": name}`: another condition's value, where conditions are written."""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function
from penstock.stacks.template.errors import template_error


def check(argument: Any) -> None:
    """Raise unless the argument is a condition's name."""
    if not isinstance(argument, str):  # unverified
        raise template_error("every Condition object must have a single String value.")


def evaluate(argument: Any, evaluation: Evaluation) -> bool:
    """Return the named condition's value."""
    return evaluation.condition(argument)


CONDITION = Function("Condition", check, evaluate, conditional=True)
