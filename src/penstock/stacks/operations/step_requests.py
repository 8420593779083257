"""What a step's handler is told: the request, under a token that names the step.

The token belongs to (stack, operation, resource, what is done with it), so a call that is
repeated after a crash carries the same one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from penstock import ids
from penstock.aws.service import Principal
from penstock.stacks.handlers.handler import ResourceRequest
from penstock.stacks.operations.operation import Operation, Step, Work
from penstock.stacks.operations.walk import Phase
from penstock.stacks.planning.attempts import standing, standing_tags
from penstock.stacks.state import Attempt, DeployedResource


def token(operation: Operation, step: Step) -> str:
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


def request(
    operation: Operation, step: Step, principal: Principal, now: datetime, *, resumed: bool
) -> ResourceRequest:
    """Return the request of a step; its dynamic references are text still."""
    before = operation.before
    old_tags = _tags(operation, step, before.tags)
    new_tags = old_tags if operation.plan is None else _tags(operation, step, operation.plan.tags)
    if step.phase is Phase.REVERT:
        old_tags, new_tags = new_tags, old_tags
    wanted, previous = sides(step)
    attempts = _failed_attempts(step)
    if attempts and step.work is Work.UPDATE:
        old_tags = {**standing_tags(old_tags, attempts, new_tags), **_system_tags(operation, step)}
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
        client_request_token=token(operation, step),
        resumed=resumed,
        principal=principal,
        now=now,
        attributes=wanted.attributes if step.work is not Work.CREATE else {},
    )


def sides(step: Step) -> tuple[DeployedResource, DeployedResource | None]:
    """Return what a step's handler is asked for, and what it is asked to change: where updates
    failed before, whatever may be there."""
    wanted, previous = step.new, step.old
    if step.phase is Phase.REVERT:
        wanted, previous = previous, wanted
    if step.work is Work.DELETE:
        wanted, previous = step.old, None
    if step.work in {Work.CREATE, Work.REPLACE}:
        previous = None
    assert wanted is not None
    attempts = _failed_attempts(step)
    if previous is not None and attempts:
        tried = [text for each in attempts for text in each.unwritten]
        previous = msgspec.structs.replace(
            previous,
            properties=standing(previous.properties, attempts, wanted.properties),
            unwritten=(*previous.unwritten, *tried),
        )
    return wanted, previous


def _failed_attempts(step: Step) -> Sequence[Attempt]:
    """Return the updates of a step's resource that failed before, and were kept."""
    return [attempt for each in (step.old, step.new) if each for attempt in each.attempts]


def _tags(operation: Operation, step: Step, own: Mapping[str, str]) -> dict[str, str]:
    return {**own, **_system_tags(operation, step)}


def _system_tags(operation: Operation, step: Step) -> dict[str, str]:
    return {
        "aws:cloudformation:stack-name": operation.stack_name,
        "aws:cloudformation:stack-id": operation.stack_id,
        "aws:cloudformation:logical-id": step.logical_id,
    }
