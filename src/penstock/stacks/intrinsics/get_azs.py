"""`{"Fn::GetAZs": region}`: here each region has the zones a, b and c."""

from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function, may_give
from penstock.stacks.template.errors import template_error

_ZONES = ("a", "b", "c")
_SHAPE = "every Fn::GetAZs object must have a String-typed value."  # unverified


def check(argument: Any) -> None:
    """Raise unless the argument is a region, an empty text or a function."""
    if not may_give(argument, str):
        raise template_error(_SHAPE)


def evaluate(argument: Any, evaluation: Evaluation) -> list[str]:
    """Return the names of the region's zones; an empty text means the stack's region."""
    region = evaluation.value(argument)
    if not isinstance(region, str):
        raise template_error(_SHAPE)
    return zones(region or evaluation.region)


def zones(region: str) -> list[str]:
    """Return the names of a region's zones."""
    return [f"{region}{zone}" for zone in _ZONES]


GET_AZS = Function("Fn::GetAZs", check, evaluate)
