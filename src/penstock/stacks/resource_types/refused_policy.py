"""Policies on resources, which Penstock does not evaluate: refused, since a policy that is kept but
not asked would look as if it protected something. Requests with one are refused before anything
starts (`unsupported.py`); this stands behind plans that were stored before.

Source: docs/adr/0026-policies-of-resources-in-stacks.md
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.in_process import InProcess
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    Progress,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.planning.unsupported import refused_policy


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
    return Failed(HandlerErrorCode.INVALID_REQUEST, refused_policy(request.resource_type))
