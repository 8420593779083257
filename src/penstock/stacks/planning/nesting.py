"""Nested stacks as values: what a plan says of one, and what its properties mean. Pure.

A stack asks each of its nested stacks for an update whenever it is updated itself, since the
template may have changed where TemplateURL points. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.tags import is_reserved, to_pairs
from penstock.stacks.intrinsics.unknown import KNOWN_AFTER_APPLY, contains_unknown
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.plan import Detail, Plan, PlannedChange
from penstock.stacks.template.errors import invalid

NESTED_STACK = "AWS::CloudFormation::Stack"
DEEPEST = 10
"""Stacks above a nested one: a template that nests itself ends there. AWS names no number."""
MOST_RESOURCES = 2500
"""Of a stack and all that are nested in it: AWS's quota of resources in nested operations."""
MOST_PLANNED = 200
"""Nested stacks in one change set, which is made in one request. AWS names no number."""

AUTOMATIC = Detail(
    attribute="Properties",
    name=None,
    requires_recreation="Never",
    evaluation="Dynamic",
    change_source="Automatic",
)
"""The detail that a change set has of every nested stack that is there already."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A nested stack whose turn it is: what is known of its properties by then."""

    logical_id: str
    properties: Mapping[str, Any]
    resources: int
    """How many the stack that it is nested in will have, itself included."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A stack's plan, and its outputs as they will be."""

    plan: Plan
    outputs: Mapping[str, Any]
    resources: int
    """How many the stack will have."""


InTurn = Generator[Asked, Mapping[str, Any] | None, Whole]
"""The planning of a stack, which stops at each that is nested in it."""


def go_on(planning: InTurn, attributes: Mapping[str, Any] | None = None) -> Asked | Whole:
    """Plan up to the next nested stack, or to the end.

    `attributes` are those that the last one will have (its `Outputs`, Unknown ones left out); None
    where that is not known, and at the beginning.
    """
    try:
        return planning.send(attributes)
    except StopIteration as ended:
        whole: Whole = ended.value
        return whole


def is_automatic(change: PlannedChange) -> bool:
    """Tell whether a change says no more than that a nested stack is asked for an update."""
    return (
        change.resource_type == NESTED_STACK
        and change.nested is None
        and list(change.details) == [AUTOMATIC]
    )


def parameters_of(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a nested stack's Parameters as a request has them. Raises ServiceError."""
    given = properties.get("Parameters") or {}
    return [{"ParameterKey": name, "ParameterValue": _text(each)} for name, each in given.items()]


def request_of(
    properties: Mapping[str, Any], name: str, tags: Mapping[str, str], above: Plan | Desired
) -> dict[str, Any]:
    """Return what CreateStack or UpdateStack would be asked for: the properties, and what a nested
    stack has of its parent: its tags, role, capabilities and whether it is rolled back."""
    url = properties["TemplateURL"]
    if contains_unknown(url):
        raise invalid("TemplateURL is known only once the stack is executed.")  # unverified
    return {
        "StackName": name,
        "TemplateURL": url,
        "Parameters": parameters_of(properties),
        "Tags": to_pairs({key: value for key, value in tags.items() if not is_reserved(key)}),
        "NotificationARNs": properties.get("NotificationARNs") or [],
        "Capabilities": list(above.capabilities),
        "RoleARN": above.role_arn,
        "DisableRollback": above.disable_rollback,
    }


def stack_name(parent: str, logical_id: str, end: str) -> str:
    """Return a nested stack's name, at most 128 characters."""
    return f"{parent[:60]}-{logical_id[:50]}-{end.upper()}"


def check_depth(ancestors: Sequence[str]) -> None:
    """Raise ServiceError when a stack would be nested too deep; `ancestors` are those above it."""
    if len(ancestors) > DEEPEST:  # unverified
        raise invalid(
            f"Stacks may be nested {DEEPEST} deep: expected a template that ends, found one that "
            f"nests itself, or a stack below {ancestors[-1]} that is too deep."
        )


class TooLarge(ServiceError):
    """All that are nested in one stack are too many together, whichever of them is looked at."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationError", message, status=400)


def check_size(resources: int) -> None:
    """Raise TooLarge when a stack and all that are nested in it have too many resources."""
    if resources > MOST_RESOURCES:  # unverified
        raise TooLarge(
            f"A stack and its nested stacks may have {MOST_RESOURCES} resources, found {resources}."
        )


@dataclass(slots=True)
class Size:
    """What is planned of one stack and all that are nested in it, so far."""

    resources: int = 0
    nested: int = 0

    def add_nested(self) -> None:
        """Count a nested stack. Raises TooLarge when a change set does not include so many."""
        self.nested += 1
        if self.nested > MOST_PLANNED:
            raise TooLarge(
                f"A change set may include {MOST_PLANNED} nested stacks, found more: look for a "
                "template that nests itself, or make the change set without IncludeNestedStacks."
            )

    def add_resources(self, resources: int) -> None:
        """Count the resources of one of the stacks. Raises TooLarge."""
        self.resources += resources
        check_size(self.resources)


def _text(value: Any) -> str:
    if contains_unknown(value):
        return KNOWN_AFTER_APPLY
    if isinstance(value, Mapping | list):
        raise invalid(
            "Value of property Parameters must be an object with String (or simple type) properties"
        )
    return str(value).lower() if isinstance(value, bool) else str(value)
