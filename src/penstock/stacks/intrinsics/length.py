"""`{"Fn::Length": list}`: how many items there are. The transform AWS::LanguageExtensions alone
carries it out; the list may come from a function, and must be known before resources are."""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function
from penstock.stacks.template.errors import template_error


def check(argument: Any) -> None:
    """Take anything: what it comes to is looked at."""


def evaluate(argument: Any, evaluation: Evaluation) -> int:
    """Return the length of the list."""
    found = evaluation.value(argument)
    if not isinstance(found, list):
        raise template_error("Fn::Length layout is incorrect")
    return len(found)


LENGTH = Function("Fn::Length", check, evaluate)
