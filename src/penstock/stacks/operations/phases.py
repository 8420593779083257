"""How the phases of an operation begin and end: their steps, the stack's statuses and reasons, in
AWS's words. What becomes of each step is in `step_outcomes.py`.

Nothing here calls or waits; everything is added to a `Changes`, which the ledger stores at once.
Source of the texts: events of AWS's stacks, docs "Stack failure options" and "Understanding
update rollback"; NOT_DELETED: rvedotrc/aws-cloudformation-stack-states#2.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from penstock.stacks.events import stack_events
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
from penstock.stacks.operations.run import Changes, Run
from penstock.stacks.operations.step_outcomes import recorded, verb_of
from penstock.stacks.operations.turn import Turn
from penstock.stacks.operations.walk import NodeStatus, Phase
from penstock.stacks.policies import stack_policy
from penstock.stacks.policies.stack_policy import UpdateAction
from penstock.stacks.state import DeployedResource
from penstock.stacks.template import evaluate, graph

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


def begin(run: Run, phase: Phase, changes: Changes) -> None:
    """Add the steps of the phase that follows, and the stack's status and event."""
    changes.phase = phase
    changes.status = STATUS[phase]
    changes.reason = _BEGINNINGS[phase](run, _steps(run, run.phase), changes)
    operation = run.operation
    changes.events.append(
        stack_events.of_stack(
            operation.stack_id, operation.stack_name, changes.status, changes.reason
        )
    )


def _clean_up(run: Run, applied: Sequence[Step], changes: Changes) -> None:
    operation = run.operation
    assert changes.outputs is not None
    document = document_of(operation, changes.outputs)
    changes.document = dataclasses.replace(document, leftovers=())
    changes.stack_policy = operation.next_stack_policy
    changes.steps += cleanup(operation, applied)


def _revert(run: Run, applied: Sequence[Step], changes: Changes) -> str:
    operation = run.operation
    if run.phase is Phase.CLEANUP:  # a nested stack whose parent goes back
        applied = _steps(run, Phase.UPDATE)
        changes.outputs, changes.given_back = operation.before_document.outputs, True
    changes.document = operation.before_document
    changes.imports = frozenset(operation.before_imports)
    changes.steps += revert_steps(applied)
    _put_back(run, applied, changes)
    return _summary(run, applied, "")


def _clean_up_reverted(run: Run, reverted: Sequence[Step], changes: Changes) -> None:
    applied = _steps(run, Phase.UPDATE)
    made = [*made_by(applied, run.operation.before), *replaced_by(reverted)]
    changes.steps += _taken_back(Phase.REVERT_CLEANUP, made, run.operation)


def _roll_back(run: Run, applied: Sequence[Step], changes: Changes) -> str:
    made = made_by(applied, run.operation.before)
    changes.imports = frozenset()
    changes.steps += _taken_back(Phase.ROLLBACK, made, run.operation)
    return _summary(run, applied, "Rollback requested by user.")


def _delete(run: Run, applied: Sequence[Step], changes: Changes) -> str:
    changes.steps += deletion(run.resources.values(), run.operation, asked_for=run.delete_requested)
    return _summary(run, applied, "Delete requested by user.")


_BEGINNINGS: Mapping[Phase, Callable[[Run, Sequence[Step], Changes], str | None]] = {
    Phase.CLEANUP: _clean_up,
    Phase.REVERT: _revert,
    Phase.REVERT_CLEANUP: _clean_up_reverted,
    Phase.ROLLBACK: _roll_back,
    Phase.DELETE: _delete,
}
"""What follows a phase, made of what that one did; returns the reason that the stack tells."""


def _steps(run: Run, phase: Phase) -> list[Step]:
    return list(run.steps.get(phase, {}).values())


def _taken_back(phase: Phase, made: Sequence[DeployedResource], operation: Operation) -> list[Step]:
    kept = [each.logical_resource_id for each in made if kept_on_rollback(each, operation)]
    return delete_steps(phase, made, kept)


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
        left = (*operation.leftovers, *left_behind(operation, steps))
        changes.document = dataclasses.replace(document, leftovers=left)
    changes.events.append(
        stack_events.of_stack(operation.stack_id, operation.stack_name, status, changes.reason)
    )


def _put_back(run: Run, applied: Sequence[Step], changes: Changes) -> None:
    """Give back what changed without a call: policies, metadata, and statuses of failures."""
    for step in applied:
        if step.work in {Work.UPDATE, Work.REPLACE, Work.DENIED}:
            continue
        before = run.operation.before.resources.get(step.logical_id)
        if before is not None and run.resources.get(step.logical_id) != before:
            changes.resources.append((before, recorded(step, before)))
        elif before is None and step.work is Work.APPLY and step.logical_id in run.resources:
            changes.gone.append(step.logical_id)


def _summary(run: Run, steps: Iterable[Step], ending: str) -> str:
    """Return why the stack goes back: `The following resource(s) failed to create: [A]. …`."""
    if run.stop is not None:
        return run.stop
    lost = [step for step in steps if step.status in _LOST]
    parts = []
    for verb, word in (("CREATE", "create"), ("UPDATE", "update"), ("DELETE", "delete")):
        names = sorted(step.logical_id for step in lost if verb_of(step) == verb)
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
