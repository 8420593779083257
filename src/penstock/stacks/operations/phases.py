"""What each step of an operation stores and tells: statuses, resources, events, in AWS's words.

Nothing here calls or waits; everything is added to a `Changes`, which the ledger stores at once.
Source of the texts: events of AWS's stacks, docs "Stack failure options" and "Understanding
update rollback"; NOT_DELETED: rvedotrc/aws-cloudformation-stack-states#2.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from penstock.stacks.events import stack_events
from penstock.stacks.events.stack_events import StackEvent
from penstock.stacks.handlers import failure as handler_failure
from penstock.stacks.handlers.handler import Failed, Succeeded, Support
from penstock.stacks.operations import removals
from penstock.stacks.operations.ledger import Changes, Run
from penstock.stacks.operations.operation import (
    GONE,
    Operation,
    OutputValue,
    StackDocument,
    Step,
    Work,
    apply_steps,
    delete_steps,
    made_by,
    replaced_by,
    revert_steps,
)
from penstock.stacks.operations.removals import cleanup, deletion, kept_on_rollback, left_behind
from penstock.stacks.operations.turn import Turn
from penstock.stacks.operations.walk import NodeStatus, Phase
from penstock.stacks.planning.imports import Imports
from penstock.stacks.policies import stack_policy
from penstock.stacks.policies.stack_policy import UpdateAction
from penstock.stacks.state import DeployedResource
from penstock.stacks.template import evaluate, graph

CANCELLED = {"CREATE": "Resource creation cancelled", "UPDATE": "Resource update cancelled"}
NOT_DELETED = "Update successful. One or more resources could not be deleted."

STATUS: Mapping[Phase, str] = {
    Phase.CREATE: "CREATE_IN_PROGRESS",
    Phase.UPDATE: "UPDATE_IN_PROGRESS",
    Phase.CLEANUP: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    Phase.REVERT: "UPDATE_ROLLBACK_IN_PROGRESS",
    Phase.REVERT_CLEANUP: "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    Phase.ROLLBACK: "ROLLBACK_IN_PROGRESS",
    Phase.DELETE: "DELETE_IN_PROGRESS",
}
_SUMMED_UP = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
_LOST = frozenset({NodeStatus.FAILED, NodeStatus.CANCELLED})


def status_of(step: Step, suffix: str) -> str:
    """Return a resource's status: CREATE_IN_PROGRESS, UPDATE_COMPLETE and so on."""
    return f"{_verb(step)}_{suffix}"


def document_of(operation: Operation, outputs: Sequence[OutputValue]) -> StackDocument:
    """Return what the stack's row keeps while and after the operation's plan is carried out."""
    plan = operation.plan
    assert plan is not None
    return StackDocument(
        template_body=plan.template_body,
        original_body=plan.original_body,
        parameters=plan.parameters,
        tags=plan.tags,
        capabilities=plan.capabilities,
        role_arn=plan.role_arn,
        notification_arns=plan.notification_arns,
        monitoring_minutes=plan.monitoring_minutes,
        description=plan.description,
        disable_rollback=operation.on_failure == "DO_NOTHING",
        does_nothing_on_failure=operation.does_nothing_on_failure,
        timeout_minutes=operation.timeout_minutes,
        outputs=outputs,
        leftovers=operation.leftovers,
        change_set_id=plan.extra.get("ChangeSetId"),
    )


def first_steps(phase: Phase, turn: Turn) -> list[Step]:
    """Return the steps of a phase that makes resources. Raises ServiceError for the whole."""
    scope = turn.scope()
    needed = graph.dependencies(turn.template, evaluate.conditions(scope))
    before = turn.operation.before
    removed = [
        each
        for name, each in sorted(before.resources.items())
        if name not in needed and each.status not in GONE
    ]
    return [*apply_steps(phase, needed, before), *_denied(phase, removed, turn.operation)]


def _denied(
    phase: Phase, removed: Iterable[DeployedResource], operation: Operation
) -> Iterator[Step]:
    """Return a step that fails for each removal that the stack's policy refuses: the update fails
    before anything is deleted, since deletions come last."""
    for each in removed:
        name = each.logical_resource_id
        reason = stack_policy.refusal(
            operation.stack_policy, UpdateAction.DELETE, name, each.resource_type
        )
        if reason is not None:
            physical_id = each.physical_resource_id or None
            yield Step(
                phase, name, name, Work.DENIED, old=each, physical_id=physical_id, reason=reason
            )


def imports_of(turn: Turn) -> frozenset[str]:
    """Return the exports of other stacks that the template uses, as far as it can be told yet.

    Raises ServiceError for an export that does not exist, and for what no resource will change.
    """
    imports = Imports(turn.exports)
    scope = dataclasses.replace(turn, exports=imports, deployed={}).scope()
    for name in evaluate.active_resources(scope):
        evaluate.properties(scope, name)
    return frozenset(imports.used)


def results(turn: Turn) -> tuple[list[OutputValue], frozenset[str]]:
    """Return the outputs, and the exports of other stacks that the whole template uses.

    Raises ServiceError for an output that cannot be evaluated.
    """
    imports = Imports(turn.exports)
    scope = dataclasses.replace(turn, exports=imports).scope()
    for name in evaluate.active_resources(scope):
        evaluate.properties(scope, name)
    outputs = [
        OutputValue(one.name, str(one.value), one.description, _text(one.export_name))
        for one in evaluate.outputs(scope)
    ]
    return outputs, frozenset(imports.used)


def begin(run: Run, phase: Phase, changes: Changes) -> None:
    """Add the steps of the phase that follows, and the stack's status and event."""
    changes.phase = phase
    changes.status = STATUS[phase]
    operation = run.operation
    applied = list(run.steps.get(run.phase, {}).values())
    reason: str | None = None
    match phase:
        case Phase.CLEANUP:
            assert changes.outputs is not None
            document = document_of(operation, changes.outputs)
            changes.document = dataclasses.replace(document, leftovers=())
            changes.stack_policy = operation.next_stack_policy
            changes.steps += cleanup(operation, applied)
        case Phase.REVERT:
            if run.phase is Phase.CLEANUP:  # a nested stack whose parent goes back
                applied = list(run.steps.get(Phase.UPDATE, {}).values())
                changes.outputs, changes.given_back = operation.before_document.outputs, True
            reason = _summary(run, applied, "")
            changes.document = operation.before_document
            changes.imports = frozenset(operation.before_imports)
            changes.steps += revert_steps(applied)
            _put_back(run, applied, changes)
        case Phase.REVERT_CLEANUP:
            reverted = applied
            applied = list(run.steps.get(Phase.UPDATE, {}).values())
            made = [*made_by(applied, operation.before), *replaced_by(reverted)]
            kept = [each for each in made if kept_on_rollback(each, operation)]
            names = [each.logical_resource_id for each in kept]
            changes.steps += delete_steps(phase, made, names)
        case Phase.ROLLBACK:
            reason = _summary(run, applied, "Rollback requested by user.")
            made = made_by(applied, operation.before)
            kept = [each for each in made if kept_on_rollback(each, operation)]
            names = [each.logical_resource_id for each in kept]
            changes.imports = frozenset()
            changes.steps += delete_steps(phase, made, names)
        case _:
            reason = _summary(run, applied, "Delete requested by user.")
            changes.steps += deletion(
                run.resources.values(), operation, asked_for=run.delete_requested
            )
    changes.reason = reason
    changes.events.append(
        stack_events.of_stack(operation.stack_id, operation.stack_name, changes.status, reason)
    )


def finish(run: Run, status: str, changes: Changes) -> None:
    """Add the operation's end: the stack's last status and event."""
    operation = run.operation
    changes.finished = True
    changes.status = status
    steps = list(run.current.values())
    changes.reason = _last_reason(run, status, steps)
    if changes.outputs is not None:
        changes.document = document_of(operation, changes.outputs)
    if status == "UPDATE_FAILED":
        document = document_of(operation, operation.before_document.outputs)
        left = (*operation.leftovers, *left_behind(steps))
        changes.document = dataclasses.replace(document, leftovers=left)
    changes.events.append(
        stack_events.of_stack(operation.stack_id, operation.stack_name, status, changes.reason)
    )


def apply(step: Step, turn: Turn, changes: Changes) -> None:
    """Add the beginning of a step whose work has just been decided."""
    assert step.new is not None
    physical = step.old.physical_resource_id if step.old else ""
    if step.work is Work.NOTHING:
        changes.steps.append(dataclasses.replace(step, status=NodeStatus.SUCCEEDED))
        assert step.old is not None
        same = dataclasses.replace(step.new, status=step.old.status)
        if same != step.old:
            changes.resources.append((same, None))
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
        changes.resources.append((dataclasses.replace(step.new, status=status), step.reason))
    else:
        changes.resources.append((dataclasses.replace(step.old, status=status), step.reason))


def start(run: Run, step: Step, shown: Mapping[str, Any] | None, changes: Changes) -> None:
    """Add the beginning of a step that takes back or deletes; some are done with that."""
    resource = step.old
    assert resource is not None
    physical = step.physical_id or ""
    if step.work is Work.RESTORE:
        back = dataclasses.replace(resource, status="UPDATE_COMPLETE")
        changes.steps.append(dataclasses.replace(step, status=NodeStatus.SUCCEEDED))
        changes.resources.append((back, None))
        changes.events.append(event_of(step, physical, "UPDATE_COMPLETE", None, shown))
    elif step.work is Work.RETAIN:
        changes.steps.append(dataclasses.replace(step, status=NodeStatus.SUCCEEDED))
        changes.events.append(event_of(step, physical, "DELETE_SKIPPED", None, shown))
        _leave(run, step, "DELETE_SKIPPED", changes)
    elif step.work is Work.DENIED:
        changes.steps.append(dataclasses.replace(step, status=NodeStatus.FAILED))
        status = status_of(step, "FAILED")
        changes.events.append(event_of(step, physical, status, step.reason))
    elif step.work is Work.DELETE and not physical:
        changes.steps.append(dataclasses.replace(step, status=NodeStatus.SUCCEEDED))
        changes.events.append(event_of(step, physical, "DELETE_COMPLETE", None, shown))
        _leave(run, step, "DELETE_COMPLETE", changes)
    else:
        changes.steps.append(dataclasses.replace(step, status=NodeStatus.RUNNING))
        status = status_of(step, "IN_PROGRESS")
        changes.events.append(event_of(step, physical, status, None, shown))
        if _is_of_stack(run, step):
            changes.resources.append((dataclasses.replace(resource, status=status), None))


def named(run: Run, step: Step, changes: Changes) -> None:
    """Add the physical id of a resource that is being created."""
    if step.work is Work.CREATE:
        assert step.new is not None
        status = status_of(step, "IN_PROGRESS")
        known = dataclasses.replace(
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
        dataclasses.replace(
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
    done = dataclasses.replace(
        resource,
        status=status,
        physical_resource_id=physical,
        attributes=attributes,
        ref=result.ref,
        no_echo=result.no_echo,
        source=result.source,
    )
    reason = _recorded(step, resource)
    changes.resources.append((done, reason))
    changes.events.append(event_of(step, physical, status, reason, shown))


def _recorded(step: Step, resource: DeployedResource) -> str | None:
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
        return dataclasses.replace(step, replaced_id=step.physical_id)
    return dataclasses.replace(step, work=Work.REPLACE)


def failed(
    run: Run,
    step: Step,
    failure: Failed,
    token: str,
    shown: Mapping[str, Any] | None,
    changes: Changes,
) -> None:
    """Add a step's failure."""
    named_now = dataclasses.replace(
        step, physical_id=failure.physical_resource_id or step.physical_id
    )
    reason = handler_failure.reason(failure, token)
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
        dataclasses.replace(step, status=NodeStatus.SUCCEEDED, context=None, reason=reason)
    )
    changes.events.append(event_of(step, physical, "DELETE_FAILED", reason, shown))
    changes.events.append(event_of(step, physical, "DELETE_SKIPPED", None, shown))
    _leave(run, step, "DELETE_SKIPPED", changes)


def cancelled(run: Run, step: Step, shown: Mapping[str, Any] | None, changes: Changes) -> None:
    """Add the end of a step that another's failure cancelled."""
    _lose(run, step, NodeStatus.CANCELLED, CANCELLED[_verb(step)], shown, changes)


def _lose(
    run: Run,
    step: Step,
    node_status: NodeStatus,
    reason: str,
    shown: Mapping[str, Any] | None,
    changes: Changes,
) -> None:
    status = status_of(step, "FAILED")
    changes.steps.append(dataclasses.replace(step, status=node_status, context=None, reason=reason))
    physical = step.physical_id or (step.old.physical_resource_id if step.old else "")
    changes.events.append(event_of(step, physical, status, reason, shown))
    if not _is_of_stack(run, step):
        return
    resource = step.new if step.work is Work.CREATE else step.old
    assert resource is not None
    known = dataclasses.replace(resource, status=status)
    if step.work is Work.CREATE:
        known = dataclasses.replace(known, physical_resource_id=step.physical_id or "")
    elif step.work is Work.UPDATE and step.physical_id:
        known = dataclasses.replace(known, physical_resource_id=step.physical_id)
    changes.resources.append((known, reason))


def _verb(step: Step) -> str:
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
        changes.resources.append((dataclasses.replace(step.old, status=status), None))
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


def _put_back(run: Run, applied: Sequence[Step], changes: Changes) -> None:
    """Give back what changed without a call: policies, metadata, and statuses of failures."""
    for step in applied:
        if step.work in {Work.UPDATE, Work.REPLACE, Work.DENIED}:
            continue
        before = run.operation.before.resources.get(step.logical_id)
        if before is not None and run.resources.get(step.logical_id) != before:
            changes.resources.append((before, None))
        elif before is None and step.work is Work.APPLY and step.logical_id in run.resources:
            changes.gone.append(step.logical_id)


def _summary(run: Run, steps: Iterable[Step], ending: str) -> str:
    """Return why the stack goes back: `The following resource(s) failed to create: [A]. …`."""
    if run.stop is not None:
        return run.stop
    lost = [step for step in steps if step.status in _LOST]
    parts = []
    for verb, word in (("CREATE", "create"), ("UPDATE", "update"), ("DELETE", "delete")):
        names = sorted(step.logical_id for step in lost if _verb(step) == verb)
        if names:
            parts.append(f"The following resource(s) failed to {word}: [{', '.join(names)}].")
    if ending:
        parts.append(ending)
    return " ".join(parts) + ("" if ending else " ")


def _last_reason(run: Run, status: str, steps: Sequence[Step]) -> str | None:
    lost = any(step.status in _LOST for step in steps)
    if status == "UPDATE_COMPLETE" and lost:
        return NOT_DELETED
    if status in _SUMMED_UP:
        return stack_events.summary(
            each for each in run.resources.values() if each.status not in GONE
        )
    if status.endswith("_FAILED"):
        return _summary(run, steps, "").strip() or None
    return None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
