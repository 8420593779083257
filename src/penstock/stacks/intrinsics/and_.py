"""`{"Fn::And": [condition, …]}`, of 2 to 10."""

from typing import Any

from penstock.stacks.intrinsics.boolean import check_operands, truth
from penstock.stacks.intrinsics.function import Evaluation, Function


def check(argument: Any) -> None:
    """Raise unless there are 2 to 10 conditions."""
    check_operands("Fn::And", argument)


def evaluate(argument: Any, evaluation: Evaluation) -> bool:
    """Return whether all are true."""
    values = [truth(node, evaluation) for node in argument]
    return all(values)


AND = Function("Fn::And", check, evaluate, conditional=True)
