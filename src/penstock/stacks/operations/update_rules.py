"""What no update changes: CloudFormation's own resources that are made once. Pure."""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.display import canonical
from penstock.stacks.planning.differences import is_custom
from penstock.stacks.policies.creation_policy import WAIT_CONDITION
from penstock.stacks.responses.custom_resource import MODIFIED_TOKEN, SERVICE_TOKEN, problem


def refusal(resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """Return why a deployed resource does not become what is wanted; None when it may."""
    if is_custom(resource_type):
        if canonical(before.get(SERVICE_TOKEN)) != canonical(after.get(SERVICE_TOKEN)):
            return MODIFIED_TOKEN
        return problem(after)
    if resource_type == WAIT_CONDITION and canonical(before) != canonical(after):
        return f"Update to resource type {resource_type} is not supported."  # unverified
    return None
