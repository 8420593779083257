"""Calls of handlers, and what is looked up for them: dynamic references, outputs of other stacks.

A reference is text until its handler is called; what it says goes nowhere but there.
"""

import contextlib
import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from penstock import ids
from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.clock import Clock
from penstock.stacks.handlers import failure
from penstock.stacks.handlers.handler import (
    Failed,
    Progress,
    ResourceHandler,
    ResourceRequest,
    Support,
)
from penstock.stacks.lookups.references import Lookups, ReferenceLookups
from penstock.stacks.lookups.stack_outputs import StackOutputLookups, names_stacks
from penstock.stacks.operations import step_requests
from penstock.stacks.operations.acting_role import ActingRole
from penstock.stacks.operations.operation import Operation, OutputValue, Step, Work
from penstock.stacks.operations.running_secrets import RunningSecrets
from penstock.stacks.operations.turn import Turn
from penstock.stacks.planning.nesting import NESTED_STACK
from penstock.stacks.resource_types.registry import Handlers
from penstock.stacks.responses.addresses import Responses
from penstock.stacks.responses.signalled import Signalled
from penstock.stacks.template.dynamic_references import has_reference

_NO_LOOKUPS = Lookups()


class Calls:
    """Makes the calls of every operation; `secrets` has what they were given."""

    def __init__(
        self,
        handlers: Handlers,
        role: ActingRole,
        clock: Clock,
        in_process: InProcess,
        responses: Responses,
    ) -> None:
        self.secrets = RunningSecrets()
        self._handlers = handlers
        self._role = role
        self._clock = clock
        self._references = ReferenceLookups(in_process)
        self._stacks = StackOutputLookups(in_process)
        self._responses = responses

    def support(self, resource_type: str) -> Support:
        """Return what stands behind resources of a type."""
        return self._handlers.support(resource_type)

    async def call(self, operation: Operation, step: Step, *, resumed: bool) -> Progress:
        """Call the step's handler once. An API's refusal is a failure; EngineError is raised."""
        resource = step.new or step.old
        assert resource is not None
        handler = self._handlers.handler(resource.resource_type)
        if step.signals is not None:
            handler = Signalled(handler, step.signals, self._responses)
        lookups = _NO_LOOKUPS
        try:
            actor = operation.actor(step.phase)
            principal = await self._role.principal(actor.role_arn, actor.principal)
            request = step_requests.request(
                operation, step, principal, self._clock(), resumed=resumed
            )
            found = await self._looked_up(operation, step, request)
            if isinstance(found, Failed):
                return found
            lookups = found
            progress = await _called(
                handler, step.work, lookups.request(request), lookups.context(step.context)
            )
        except ServiceError as error:
            request_id = ids.derived_uuid(step_requests.token(operation, step), "request")
            progress = failure.of_service_error(error, resource.resource_type, request_id)
        return lookups.answer(progress)

    async def outputs(
        self,
        operation: Operation,
        outputs: Sequence[OutputValue],
        unwritten: Mapping[str, Collection[str]],
    ) -> list[OutputValue]:
        """Return outputs with the parameters of Parameter Store that they refer to; `unwritten`
        has what only looks like references, by the names of outputs.

        Raises ServiceError for one that there is not.
        """
        found = []
        for each in outputs:
            if not has_reference(each.value):
                found.append(each)
                continue
            principal = await self._principal(operation)
            text = await self._references.of_text(
                principal, each.value, unwritten.get(each.name, ())
            )
            found.append(dataclasses.replace(each, value=text))
        return found

    async def look_at_stacks(
        self, operation: Operation, turn: Turn, logical_ids: Sequence[str] | None = None
    ) -> None:
        """Read the outputs of other stacks that the template names: those that these resources
        do, or all and the template's outputs."""
        if not names_stacks(turn.template):
            return
        with contextlib.suppress(ServiceError):  # a role that is gone is told by the first call
            principal = await self._principal(operation)
            await self._stacks.complete(principal, turn.scope(), turn.other_stacks, logical_ids)

    async def _looked_up(
        self, operation: Operation, step: Step, request: ResourceRequest
    ) -> Lookups | Failed:
        """Return what the request's dynamic references say, or why they say nothing."""
        if request.resource_type == NESTED_STACK:
            return _NO_LOOKUPS  # text for the nested stack too, which looks it up where it is used
        deleting = step.work is Work.DELETE
        wanted, previous = step_requests.sides(step)
        before = previous.unwritten if previous is not None else ()
        try:
            found = await self._references.of_request(
                request, wanted.unwritten, before, deleting=deleting
            )
        except ServiceError as error:
            code = failure.code_of(error.code)
            return Failed(code, error.message, step.physical_id, verbatim=True)
        if found.secret:
            self.secrets.keep(operation.id, found.secret.values())
        return found

    async def _principal(self, operation: Operation) -> Principal:
        return await self._role.principal(operation.role_arn, operation.principal)


async def _called(
    handler: ResourceHandler,
    work: Work,
    request: ResourceRequest,
    context: Mapping[str, Any] | None,
) -> Progress:
    if work is Work.DELETE:
        return await handler.delete(request, context)
    if work is Work.UPDATE:
        return await handler.update(request, context)
    return await handler.create(request, context)
