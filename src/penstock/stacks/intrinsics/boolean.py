"""What Fn::And, Fn::Or and Fn::Not share: operands that are conditions themselves."""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.intrinsics.function import Evaluation
from penstock.stacks.template.errors import format_error, template_error

OPERANDS = frozenset({"Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Condition"})


def not_boolean() -> ServiceError:
    """Return the error for a condition that is none."""
    return format_error(
        "Conditions can only be boolean operations on parameters and other conditions"
    )


def is_condition(node: Any) -> bool:
    """Tell whether a node is a condition function or a reference to a condition."""
    return isinstance(node, dict) and len(node) == 1 and next(iter(node)) in OPERANDS


def check_operands(name: str, argument: Any) -> None:
    """Raise unless the argument lists 2 to 10 conditions."""
    listed = argument if isinstance(argument, list) else []
    if not 2 <= len(listed) <= 10 or not all(map(is_condition, listed)):
        raise template_error(
            f"every {name} object requires a list of at least 2 and at most 10 boolean parameters."
        )


def truth(node: Any, evaluation: Evaluation) -> bool:
    """Return a condition's value."""
    value = evaluation.value(node)
    if not isinstance(value, bool):
        raise not_boolean()
    return value
