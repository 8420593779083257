"""AWS::CloudFormation::WaitCondition and its handle, an address that takes signals by PUT.

A handle's physical id is its address, as on AWS: whoever may describe the stack may signal.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-waitcondition.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from penstock import ids
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    InProgress,
    Progress,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.responses import wait_condition
from penstock.stacks.responses.addresses import HANDLE_SECONDS, Responses, parts_of, subject

HANDLE_TYPE = "AWS::CloudFormation::WaitConditionHandle"
TYPE = "AWS::CloudFormation::WaitCondition"
_LOOK_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WaitConditionHandle:
    """An address; Ref gives it."""

    responses: Responses
    support: Support = Support.KEPT

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Make up the token, and open its address once that is stored."""
        if context is None:
            return InProgress(0.0, {"Token": ids.new_token()})
        token = str(context["Token"])
        await self.responses.open(token, request.stack_id, single=False, seconds=HANDLE_SECONDS)
        return Succeeded(self.responses.address(token, request.logical_resource_id))

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Leave it: there are no properties."""
        return Succeeded(request.physical_resource_id or "", request.attributes)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Let the address take nothing any more."""
        parts = parts_of(request.physical_resource_id or "")
        if parts is not None:
            await self.responses.close(parts[0])
        return Succeeded(request.physical_resource_id or "")

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return what was made."""
        return Succeeded(request.physical_resource_id) if request.physical_resource_id else None


@dataclass(frozen=True, slots=True)
class WaitCondition:
    """Waits for signals to a handle; without one, its CreationPolicy waits."""

    responses: Responses
    support: Support = Support.KEPT

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Wait for the signals."""
        handle = request.properties.get("Handle")
        if handle is None:
            return Succeeded(f"{request.stack_id}/{request.logical_resource_id}", {"Data": "{}"})
        parts = parts_of(str(handle))
        if parts is None:
            return _failed(  # unverified
                f"Handle must be the Ref of an {HANDLE_TYPE}, found {handle}", None
            )
        token, name = parts
        physical_id = f"{request.stack_id}/{name}"
        seconds = _number(request.properties.get("Timeout", 0))
        begun = context or {"Until": (request.now + timedelta(seconds=seconds)).isoformat()}
        return await self._look(request, token, physical_id, begun)

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Leave it: what would change it is refused before (`update_rules.py`)."""
        return Succeeded(request.physical_resource_id or "", request.attributes)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Forget it."""
        return Succeeded(request.physical_resource_id or "")

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return what it was answered."""
        if request.physical_resource_id is None:
            return None
        return Succeeded(request.physical_resource_id, request.attributes)

    async def _look(
        self, request: ResourceRequest, token: str, physical_id: str, context: Mapping[str, Any]
    ) -> Progress:
        answers = await self.responses.answers(subject(token))
        found = wait_condition.evaluate_signals(each.body for each in answers)
        if isinstance(found, str):
            return _failed(found, physical_id)
        count = _number(request.properties.get("Count", 1))
        if found.received >= count:
            return Succeeded(physical_id, {"Data": found.data})
        until = datetime.fromisoformat(str(context["Until"]))
        if request.now >= until:
            return _failed(wait_condition.timed_out(found.received, count), physical_id)
        left = (until - request.now).total_seconds()
        return InProgress(min(_LOOK_AGAIN_SECONDS, left), context, physical_id)


def _failed(reason: str, physical_id: str | None) -> Failed:
    return Failed(HandlerErrorCode.NOT_STABILIZED, reason, physical_id, verbatim=True)


def _number(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 1
