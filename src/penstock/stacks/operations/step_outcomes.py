"""What a step's beginning, its success or failure come to: statuses, resources, events, in AWS's
words.

Nothing here calls or waits; everything is added to a `Changes`, which the ledger stores at once.
Source of the texts: events of AWS's stacks.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.stacks.events import stack_events
from penstock.stacks.events.stack_events import StackEvent
from penstock.stacks.handlers import failure as handler_failure
from penstock.stacks.handlers.handler import Failed, Succeeded, Support
from penstock.stacks.operations import quoted_secrets, removals
from penstock.stacks.operations.operation import Step, Work
from penstock.stacks.operations.run import Changes, Run
from penstock.stacks.operations.turn import Turn
from penstock.stacks.operations.walk import NodeStatus, Phase
from penstock.stacks.planning.attempts import with_attempt
from penstock.stacks.state import Attempt, DeployedResource

CANCELLED = {"CREATE": "Resource creation cancelled", "UPDATE": "Resource update cancelled"}


def status_of(step: Step, suffix: str) -> str:
    """Return a resource's status: CREATE_IN_PROGRESS, UPDATE_COMPLETE and so on."""
    return f"{verb_of(step)}_{suffix}"


def apply(step: Step, turn: Turn, changes: Changes) -> None:
    """Add the beginning of a step whose work has just been decided."""
    assert step.new is not None
    physical = step.old.physical_resource_id if step.old else ""
    if step.work is Work.NOTHING:
        changes.steps.append(msgspec.structs.replace(step, status=NodeStatus.SUCCEEDED))
        assert step.old is not None
        same = msgspec.structs.replace(step.new, status=step.old.status)
        if same != step.old:
            changes.resources.append((same, recorded(step, same)))
        return
    changes.steps.append(step)
    shown = turn.shown(step.logical_id)
    reason = stack_events.REPLACING if step.work is Work.REPLACE else None
    status = status_of(step, "IN_PROGRESS")
    if reason is not None and step.conditional:  # recorded: the handler was asked first
        changes.events.append(event_of(step, physical, status, None, shown))
    if step.work is not Work.DENIED:
        changes.events.append(event_of(step, physical, status, reason, shown))
    if step.status is NodeStatus.FAILED:
        status = status_of(step, "FAILED")
        changes.events.append(event_of(step, physical, status, step.reason, shown))
    if step.old is None:
        changes.resources.append((msgspec.structs.replace(step.new, status=status), step.reason))
    else:
        changes.resources.append((msgspec.structs.replace(step.old, status=status), step.reason))


def start(run: Run, step: Step, shown: Mapping[str, Any] | None, changes: Changes) -> None:
    """Add the beginning of a step that takes back or deletes; some are done with that."""
    resource = step.old
    assert resource is not None
    physical = step.physical_id or ""
    if step.work is Work.RESTORE:
        back = msgspec.structs.replace(resource, status="UPDATE_COMPLETE")
        changes.steps.append(msgspec.structs.replace(step, status=NodeStatus.SUCCEEDED))
        changes.resources.append((back, None))
        changes.events.append(event_of(step, physical, "UPDATE_COMPLETE", None, shown))
    elif step.work is Work.RETAIN:
        changes.steps.append(msgspec.structs.replace(step, status=NodeStatus.SUCCEEDED))
        changes.events.append(event_of(step, physical, "DELETE_SKIPPED", None, shown))
        _leave(run, step, "DELETE_SKIPPED", changes)
    elif step.work is Work.DENIED:
        changes.steps.append(msgspec.structs.replace(step, status=NodeStatus.FAILED))
        status = status_of(step, "FAILED")
        changes.events.append(event_of(step, physical, status, step.reason))
    elif step.work is Work.DELETE and not physical:
        changes.steps.append(msgspec.structs.replace(step, status=NodeStatus.SUCCEEDED))
        changes.events.append(event_of(step, physical, "DELETE_COMPLETE", None, shown))
        _leave(run, step, "DELETE_COMPLETE", changes)
    else:
        changes.steps.append(msgspec.structs.replace(step, status=NodeStatus.RUNNING))
        status = status_of(step, "IN_PROGRESS")
        changes.events.append(event_of(step, physical, status, None, shown))
        if _is_of_stack(run, step):
            changes.resources.append((msgspec.structs.replace(resource, status=status), None))


def named(run: Run, step: Step, changes: Changes) -> None:
    """Add the physical id of a resource that is being created."""
    if step.work is Work.CREATE:
        assert step.new is not None
        status = status_of(step, "IN_PROGRESS")
        known = msgspec.structs.replace(
            step.new, status=status, physical_resource_id=step.physical_id or ""
        )
        changes.resources.append((known, stack_events.CREATION_INITIATED))


def succeeded(
    run: Run,
    step: Step,
    result: Succeeded,
    shown: Mapping[str, Any] | None,
    changes: Changes,
) -> None:
    """Add a step's success."""
    status = status_of(step, "COMPLETE")
    physical = result.physical_resource_id
    if step.work is Work.UPDATE and result.source is not None and physical != step.physical_id:
        step = _replaced(step, physical, changes)
    changes.steps.append(
        msgspec.structs.replace(
            step, status=NodeStatus.SUCCEEDED, physical_id=physical, context=None, reason=None
        )
    )
    if step.work is Work.DELETE:
        reason = removals.without_snapshot(step)
        changes.events.append(event_of(step, step.physical_id or physical, status, reason, shown))
        _leave(run, step, status, changes)
        return
    resource = step.old if step.phase is Phase.REVERT else step.new
    assert resource is not None
    attributes = result.attributes
    if result.source is None:
        attributes = attributes or resource.attributes
    done = msgspec.structs.replace(
        resource,
        status=status,
        physical_resource_id=physical,
        attributes=attributes,
        ref=result.ref,
        no_echo=result.no_echo,
        source=result.source,
        attempts=(),
    )
    reason = recorded(step, resource)
    changes.resources.append((done, reason))
    changes.events.append(event_of(step, physical, status, reason, shown))


def recorded(step: Step, resource: DeployedResource) -> str | None:
    """Return why a resource is as it says it is, where nothing stands behind it."""
    if resource.support != Support.RECORDED:
        return None
    undecided = step.conditional and step.work is Work.UPDATE and step.phase is Phase.UPDATE
    return stack_events.RECORDED_IN_PLACE if undecided else stack_events.RECORDED_ONLY


def _replaced(step: Step, physical_id: str, changes: Changes) -> Step:
    """Return a custom resource's update that was answered with another physical id: the one before
    is deleted afterwards, by the cleanup of this update or of its rollback."""
    status = status_of(step, "IN_PROGRESS")
    changes.events.append(event_of(step, physical_id, status, stack_events.PROVIDER_REPLACED))
    if step.phase is Phase.REVERT:
        return msgspec.structs.replace(step, replaced_id=step.physical_id)
    return msgspec.structs.replace(step, work=Work.REPLACE)


def failed(
    run: Run,
    step: Step,
    failure: Failed,
    token: str,
    shown: Mapping[str, Any] | None,
    changes: Changes,
) -> None:
    """Add a step's failure."""
    named_now = msgspec.structs.replace(
        step, physical_id=failure.physical_resource_id or step.physical_id
    )
    given = step.new or step.old
    said = quoted_secrets.masked(failure.message, given.properties, shown) if given else None
    reason = handler_failure.reason(
        failure if said is None else dataclasses.replace(failure, message=said), token
    )
    if step.phase is Phase.DELETE and run.operation.force:
        _leave_behind(run, named_now, reason, shown, changes)
        return
    _lose(run, named_now, NodeStatus.FAILED, reason, shown, changes)


def _leave_behind(
    run: Run, step: Step, reason: str, shown: Mapping[str, Any] | None, changes: Changes
) -> None:
    """Go on without a resource that a forced deletion of its stack cannot delete."""
    physical = step.physical_id or ""
    changes.steps.append(
        msgspec.structs.replace(step, status=NodeStatus.SUCCEEDED, context=None, reason=reason)
    )
    changes.events.append(event_of(step, physical, "DELETE_FAILED", reason, shown))
    changes.events.append(event_of(step, physical, "DELETE_SKIPPED", None, shown))
    _leave(run, step, "DELETE_SKIPPED", changes)


def cancelled(run: Run, step: Step, shown: Mapping[str, Any] | None, changes: Changes) -> None:
    """Add the end of a step that another's failure cancelled."""
    _lose(run, step, NodeStatus.CANCELLED, CANCELLED[verb_of(step)], shown, changes)


def _lose(
    run: Run,
    step: Step,
    node_status: NodeStatus,
    reason: str,
    shown: Mapping[str, Any] | None,
    changes: Changes,
) -> None:
    status = status_of(step, "FAILED")
    changes.steps.append(
        msgspec.structs.replace(step, status=node_status, context=None, reason=reason)
    )
    physical = step.physical_id or (step.old.physical_resource_id if step.old else "")
    changes.events.append(event_of(step, physical, status, reason, shown))
    if not _is_of_stack(run, step):
        return
    resource = step.new if step.work is Work.CREATE else step.old
    assert resource is not None
    known = msgspec.structs.replace(resource, status=status)
    if step.work is Work.CREATE:
        known = msgspec.structs.replace(known, physical_resource_id=step.physical_id or "")
    elif step.work is Work.UPDATE and step.physical_id:
        known = msgspec.structs.replace(known, physical_resource_id=step.physical_id)
    if step.work is Work.UPDATE and step.phase is Phase.UPDATE:
        known = msgspec.structs.replace(known, attempts=_attempts(run, step, known))
    changes.resources.append((known, reason))


def _attempts(run: Run, step: Step, deployed: DeployedResource) -> tuple[Attempt, ...]:
    """Return the failed updates of a resource, this one included."""
    operation, asked = run.operation, step.new
    assert asked is not None
    assert operation.plan is not None
    tags = {**operation.before.tags, **operation.plan.tags}
    return with_attempt(deployed, Attempt(asked.properties, asked.unwritten, tags))


def verb_of(step: Step) -> str:
    """Return what is done with a step's resource, as its statuses begin: CREATE and so on."""
    denied_removal = step.work is Work.DENIED and step.new is None
    if denied_removal or step.work in {Work.DELETE, Work.RETAIN}:
        return "DELETE"
    if step.work is Work.CREATE or (step.work is Work.APPLY and step.old is None):
        return "CREATE"
    return "UPDATE"


def event_of(
    step: Step,
    physical_id: str,
    status: str,
    reason: str | None,
    shown: Mapping[str, Any] | None = None,
) -> StackEvent:
    """Return an event of a step's resource; `shown` are properties that may be shown."""
    resource = step.new or step.old
    assert resource is not None
    return StackEvent(step.logical_id, physical_id, resource.resource_type, status, reason, shown)


def _leave(run: Run, step: Step, status: str, changes: Changes) -> None:
    """Take a deleted or retained resource out of the stack; a stack that goes shows it still."""
    if not _is_of_stack(run, step):
        return
    if step.phase in {Phase.DELETE, Phase.ROLLBACK}:
        assert step.old is not None
        changes.resources.append((msgspec.structs.replace(step.old, status=status), None))
    else:
        changes.gone.append(step.logical_id)


def _is_of_stack(run: Run, step: Step) -> bool:
    """Return whether the step is about what the stack has under its logical id, and not about
    what was, or would have been, replaced."""
    if step.key != step.logical_id:
        return False
    if step.phase is Phase.REVERT_CLEANUP:
        return step.logical_id not in run.operation.before.resources
    if step.phase is Phase.CLEANUP:
        applied = run.steps.get(Phase.UPDATE, {})
        return step.logical_id not in applied
    return True
