"""`{"Ref": name}`: a parameter's value, a pseudo parameter, or a resource's identifier."""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function
from penstock.stacks.template.errors import template_error


def check(argument: Any) -> None:
    """Raise unless the argument is a name."""
    if not isinstance(argument, str) or not argument:  # unverified
        raise template_error("every Ref object must have a single String value.")


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the value of the name."""
    return evaluation.reference(argument)


REF = Function("Ref", check, evaluate)
