"""Calls of handlers: who is acted as, what the request says, and under which token.

The token belongs to (stack, operation, resource, what is done with it), so a call that is
repeated after a crash carries the same one.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from penstock import ids
from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.clock import Clock
from penstock.services.sts import Sts
from penstock.stacks.display import Secrets
from penstock.stacks.handlers import failure
from penstock.stacks.handlers.handler import (
    Failed,
    Progress,
    ResourceHandler,
    ResourceRequest,
    Selective,
    Support,
)
from penstock.stacks.lookups.references import Lookups, ReferenceLookups
from penstock.stacks.lookups.stack_outputs import StackOutputLookups, names_stacks
from penstock.stacks.operations.operation import Operation, OutputValue, Step, Work
from penstock.stacks.operations.turn import Turn
from penstock.stacks.operations.walk import Phase
from penstock.stacks.planning.differences import is_custom
from penstock.stacks.planning.nesting import NESTED_STACK
from penstock.stacks.resource_types.own_types import CUSTOM_RESOURCE, own_handlers
from penstock.stacks.responses.addresses import Responses
from penstock.stacks.responses.signalled import Signalled
from penstock.stacks.state import DeployedResource
from penstock.stacks.template.dynamic_references import has_reference
from penstock.stacks.transforms.macro_registry import Macros

SERVICE_PRINCIPAL = "cloudformation.amazonaws.com"
_SESSION_NAME = "AWSCloudFormation"
_RENEW_AFTER = timedelta(minutes=30)


class Calls:
    """Makes the calls of every operation. `recorded` is the handler of types without one."""

    def __init__(
        self,
        handlers: Callable[[], Mapping[str, ResourceHandler]],
        recorded: Callable[[str], ResourceHandler | None],
        sts: Sts,
        clock: Clock,
        in_process: InProcess,
        responses: Responses,
        macros: Macros,
    ) -> None:
        self._handlers = handlers
        self._recorded = recorded
        self._sts = sts
        self._clock = clock
        self._references = ReferenceLookups(in_process)
        self._stacks = StackOutputLookups(in_process)
        self._responses = responses
        self._own = own_handlers(in_process, responses, macros)
        self._secrets: dict[str, set[str]] = {}
        self._sessions: dict[str, tuple[datetime, Principal]] = {}
        self._assuming = asyncio.Lock()

    def handler(self, resource_type: str) -> ResourceHandler:
        """Return the handler of a type; ValidationError for one that AWS does not have."""
        name = CUSTOM_RESOURCE if is_custom(resource_type) else resource_type
        found = self._own.get(name) or self._handlers().get(name) or self._recorded(name)
        if found is None:
            raise ServiceError(
                "ValidationError",
                f"Template format error: Unrecognized resource types: [{resource_type}]",
                status=400,
            )
        return found

    def support(self, resource_type: str) -> Support:
        """Return what stands behind resources of a type."""
        return self.handler(resource_type).support

    def honoured(self) -> Mapping[str, frozenset[str]]:
        """Return the properties of each type that refuses all others."""
        found = self._handlers().items()
        return {name: each.properties for name, each in found if isinstance(each, Selective)}

    def token(self, operation: Operation, step: Step) -> str:
        """Return the step's client request token."""
        parts = [
            operation.stack_id,
            operation.id,
            step.key,
            f"{step.phase.value}.{step.work.value}",
        ]
        if step.attempt:
            parts.append(str(step.attempt))
        return ids.derived_uuid(*parts)

    async def call(self, operation: Operation, step: Step, *, resumed: bool) -> Progress:
        """Call the step's handler once. An API's refusal is a failure; EngineError is raised."""
        resource = step.new or step.old
        assert resource is not None
        handler = self.handler(resource.resource_type)
        if step.signals is not None:
            handler = Signalled(handler, step.signals, self._responses)
        lookups = Lookups()
        try:
            request = await self._request(operation, step, resumed)
            found = await self._looked_up(operation, step, request)
            if isinstance(found, Failed):
                return found
            lookups = found
            progress = await _called(
                handler, step.work, lookups.request(request), lookups.context(step.context)
            )
        except ServiceError as error:
            request_id = ids.derived_uuid(self.token(operation, step), "request")
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
            principal = await self.principal(operation)
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
            principal = await self.principal(operation)
            await self._stacks.complete(principal, turn.scope(), turn.other_stacks, logical_ids)

    def masked(self, operation_id: str, text: str) -> str:
        """Return a text without the secrets that calls of a running operation were given."""
        return str(Secrets(frozenset(self._secrets.get(operation_id, ()))).masked(text))

    def forget(self, operation_id: str) -> None:
        """Forget the secrets of an operation that is over."""
        self._secrets.pop(operation_id, None)

    async def _looked_up(
        self, operation: Operation, step: Step, request: ResourceRequest
    ) -> Lookups | Failed:
        """Return what the request's dynamic references say, or why they say nothing."""
        if request.resource_type == NESTED_STACK:
            return Lookups()  # text for the nested stack too, which looks it up where it is used
        deleting = step.work is Work.DELETE
        wanted, previous = _sides(step)
        before = previous.unwritten if previous is not None else ()
        try:
            found = await self._references.of_request(
                request, wanted.unwritten, before, deleting=deleting
            )
        except ServiceError as error:
            code = failure.code_of(error.code)
            return Failed(code, error.message, step.physical_id, verbatim=True)
        if found.secret:
            self._secrets.setdefault(operation.id, set()).update(found.secret.values())
        return found

    async def _request(self, operation: Operation, step: Step, resumed: bool) -> ResourceRequest:
        before = operation.before
        old_tags = _tags(operation, step, before.tags)
        new_tags = (
            old_tags if operation.plan is None else _tags(operation, step, operation.plan.tags)
        )
        if step.phase is Phase.REVERT:
            old_tags, new_tags = new_tags, old_tags
        wanted, previous = _sides(step)
        return ResourceRequest(
            stack_id=operation.stack_id,
            stack_name=operation.stack_name,
            region=before.region,
            account_id=before.account_id,
            logical_resource_id=step.logical_id,
            resource_type=wanted.resource_type,
            properties=wanted.properties,
            previous_properties=previous.properties if previous is not None else {},
            physical_resource_id=step.physical_id,
            tags=new_tags,
            previous_tags=old_tags if step.work is Work.UPDATE else {},
            client_request_token=self.token(operation, step),
            resumed=resumed,
            principal=await self.principal(operation),
            now=self._clock(),
            attributes=wanted.attributes if step.work is not Work.CREATE else {},
        )

    async def principal(self, operation: Operation) -> Principal:
        """Return whom to act as: a session of the stack's role, or who asked.

        Raises ServiceError when the role can no longer be assumed.
        """
        return await self.acting_as(operation.role_arn, operation.principal)

    async def acting_as(self, role: str | None, principal: Principal) -> Principal:
        """Return a session of the role, or `principal` without one; raises as `principal` does."""
        if role is None:
            return principal
        async with self._assuming:
            known = self._sessions.get(role)
            if known is None or self._clock() - known[0] > _RENEW_AFTER:
                issued = await self._sts.assume_role_for_service(
                    role, SERVICE_PRINCIPAL, _SESSION_NAME
                )
                known = (self._clock(), issued.principal)
                self._sessions[role] = known
            return known[1]

    async def check_role(self, role_arn: str) -> None:
        """Raise AWS's ValidationError unless CloudFormation may assume the role."""
        try:
            await self._sts.check_trust(role_arn, SERVICE_PRINCIPAL)
        except ServiceError:
            raise ServiceError(  # text: aws-amplify/amplify-backend#2325
                "ValidationError",
                f"Role {role_arn} is invalid or cannot be assumed",
                status=400,
            ) from None


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


def _sides(step: Step) -> tuple[DeployedResource, DeployedResource | None]:
    """Return what a step's handler is asked for, and what it is asked to change."""
    wanted, previous = step.new, step.old
    if step.phase is Phase.REVERT:
        wanted, previous = previous, wanted
    if step.work is Work.DELETE:
        wanted, previous = step.old, None
    if step.work in {Work.CREATE, Work.REPLACE}:
        previous = None
    assert wanted is not None
    return wanted, previous


def _tags(operation: Operation, step: Step, own: Mapping[str, str]) -> dict[str, str]:
    return {
        **own,
        "aws:cloudformation:stack-name": operation.stack_name,
        "aws:cloudformation:stack-id": operation.stack_id,
        "aws:cloudformation:logical-id": step.logical_id,
    }
