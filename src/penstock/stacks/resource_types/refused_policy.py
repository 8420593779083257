"""Policies on resources, which Penstock does not evaluate: refused, since a policy that is kept but
not asked would look as if it protected something.

Source: docs/adr/0026-policies-of-resources-in-stacks.md
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.in_process import InProcess
from penstock.stacks.resource_types.handler import (
    Failed,
    HandlerErrorCode,
    Progress,
    ResourceRequest,
    Succeeded,
    Support,
)

TYPES = (
    "AWS::ECR::RegistryPolicy",
    "AWS::Logs::ResourcePolicy",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicInlinePolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SecretsManager::ResourcePolicy",
)


class RefusedPolicy:
    """A type of policy that cannot be made here."""

    support: Support = Support.RECORDED

    def __init__(self, in_process: InProcess) -> None:
        """Take what every handler takes; nothing is called."""

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Refuse the policy."""
        return _refused(request)

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Refuse the policy."""
        return _refused(request)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Succeed: none was made."""
        return Succeeded(request.physical_resource_id or "")

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return None: there is none."""
        return None


def _refused(request: ResourceRequest) -> Failed:
    message = (
        f"Penstock does not evaluate policies of resources, so {request.resource_type} would have "
        "no effect. Say what is allowed in the policies of roles and users, and leave the "
        "resource out, by a condition for example."
    )
    return Failed(HandlerErrorCode.INVALID_REQUEST, message)
