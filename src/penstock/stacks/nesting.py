"""Nested stacks as values: what a plan says of one, and what its properties mean. Pure.

A stack asks each of its nested stacks for an update whenever it is updated itself, since the
template may have changed where TemplateURL points. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.stacks.plan import Detail
from penstock.stacks.template.errors import invalid

NESTED_STACK = "AWS::CloudFormation::Stack"
DEEPEST = 10
"""Stacks above a nested one: a template that nests itself ends there. AWS names no number."""
MOST_RESOURCES = 2500
"""Of a stack and all that are nested in it: AWS's quota of resources in nested operations."""

AUTOMATIC = Detail(
    attribute="Properties",
    name=None,
    requires_recreation="Never",
    evaluation="Dynamic",
    change_source="Automatic",
)
"""The detail that a change set has of every nested stack that is there already."""


def parameters_of(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a nested stack's Parameters as a request has them. Raises ServiceError."""
    given = properties.get("Parameters") or {}
    return [{"ParameterKey": name, "ParameterValue": _text(each)} for name, each in given.items()]


def check_depth(ancestors: Sequence[str]) -> None:
    """Raise ServiceError when a stack would be nested too deep; `ancestors` are those above it."""
    if len(ancestors) > DEEPEST:  # unverified
        raise invalid(
            f"Stacks may be nested {DEEPEST} deep: expected a template that ends, found one that "
            f"nests itself, or a stack below {ancestors[-1]} that is too deep."
        )


def check_size(resources: int) -> None:
    """Raise ServiceError when a stack and all that are nested in it have too many resources."""
    if resources > MOST_RESOURCES:  # unverified
        raise invalid(
            f"A stack and its nested stacks may have {MOST_RESOURCES} resources, found {resources}."
        )


def _text(value: Any) -> str:
    if isinstance(value, Mapping | list):
        raise invalid(
            "Value of property Parameters must be an object with String (or simple type) properties"
        )
    return str(value).lower() if isinstance(value, bool) else str(value)
