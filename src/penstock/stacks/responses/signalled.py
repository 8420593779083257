"""A resource that is made, or changed, and then waits for signals of SignalResource.

Each signal is told as an event of its own, in the order in which they came.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_SignalResource.html
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    InProgress,
    Progress,
    ResourceHandler,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.policies import creation_policy
from penstock.stacks.policies.creation_policy import SignalsWanted
from penstock.stacks.responses.addresses import Responses
from penstock.stacks.responses.body import without_controls

_LOOK_AGAIN_SECONDS = 5.0
_MADE = "Made"

_Call = Callable[[ResourceRequest, Mapping[str, Any] | None], Awaitable[Progress]]


@dataclass(frozen=True, slots=True)
class Signalled:
    """A handler, and what comes after it. Its context has `Made` once the handler is done."""

    handler: ResourceHandler
    wanted: SignalsWanted
    responses: Responses

    @property
    def support(self) -> Support:
        """What stands behind the resource."""
        return self.handler.support

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Make the resource, then wait."""
        return await self._after(self.handler.create, request, context)

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Change the resource, then wait."""
        return await self._after(self.handler.update, request, context)

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        """Remove the resource."""
        return await self.handler.delete(request, context)

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        """Return the resource as it is now."""
        return await self.handler.read(request)

    async def _after(
        self, call: _Call, request: ResourceRequest, context: Mapping[str, Any] | None
    ) -> Progress:
        if context is not None and _MADE in context:
            return await self._look(request, context)
        progress = await call(request, context)
        if not isinstance(progress, Succeeded):
            return progress
        until = request.now + timedelta(seconds=self.wanted.timeout_seconds)
        waiting = {
            _MADE: dataclasses.asdict(progress),
            "Until": until.isoformat(),
            "Seen": {},
            "Late": False,
        }
        return InProgress(0.0, waiting, progress.physical_resource_id)

    async def _look(self, request: ResourceRequest, context: Mapping[str, Any]) -> Progress:
        made = Succeeded(**context[_MADE])
        seen: Mapping[str, str] = context["Seen"]
        physical_id = made.physical_resource_id
        for answer in await self.responses.answers(request.client_request_token):
            status = answer.body or ""
            if seen.get(answer.unique_id) != status:
                name = without_controls(answer.unique_id)
                told = f"Received {status} signal with UniqueId {name}"
                now_seen = {**seen, answer.unique_id: status}
                return InProgress(0.0, {**context, "Seen": now_seen}, physical_id, told)
        until = datetime.fromisoformat(str(context["Until"]))
        over = request.now >= until
        found = creation_policy.verdict(self.wanted, seen, timed_out=over)
        if found is True:
            return made
        if isinstance(found, str):
            if over and self.wanted.least_percent is not None and not context["Late"]:
                told = creation_policy.missing(self.wanted, seen)
                return InProgress(0.0, {**context, "Late": True}, physical_id, told)
            code = HandlerErrorCode.NOT_STABILIZED
            return Failed(code, found, physical_id, verbatim=True)
        left = (until - request.now).total_seconds()
        return InProgress(max(0.0, min(_LOOK_AGAIN_SECONDS, left)), context, physical_id)
