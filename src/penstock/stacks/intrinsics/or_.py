"""`{"Fn::Or": [condition, …]}`, of 2 to 10."""

from typing import Any

from penstock.stacks.intrinsics.boolean import check_operands, truth
from penstock.stacks.intrinsics.function import Evaluation, Function


def check(argument: Any) -> None:
    """Raise unless there are 2 to 10 conditions."""
    check_operands("Fn::Or", argument)


def evaluate(argument: Any, evaluation: Evaluation) -> bool:
    """Return whether any is true."""
    values = [truth(node, evaluation) for node in argument]
    return any(values)


OR = Function("Fn::Or", check, evaluate, conditional=True)
