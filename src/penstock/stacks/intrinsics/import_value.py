"""`{"Fn::ImportValue": export}`: another stack's exported output."""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function, may_give, text_of
from penstock.stacks.intrinsics.get_stack_output import is_in
from penstock.stacks.template.errors import template_error

_DEPENDENT = (
    "the attribute in Fn::ImportValue must not depend on any resources, imported values, "
    "or Fn::GetAZs"
)


def check(argument: Any) -> None:
    """Raise unless the argument is a name or a function that gives one."""
    if not may_give(argument, str, int, float):  # unverified
        raise template_error(
            "the attribute in Fn::ImportValue must be a string or a function that returns a string"
        )
    if is_in(argument):
        raise template_error(_DEPENDENT)


def evaluate(argument: Any, evaluation: Evaluation) -> str:
    """Return the exported value. Raises MissingExport."""
    name = text_of(evaluation.value(argument))
    if name is None:
        raise template_error(_DEPENDENT)
    return evaluation.export(name)


IMPORT_VALUE = Function("Fn::ImportValue", check, evaluate)
