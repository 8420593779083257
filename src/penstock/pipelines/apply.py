"""Decisions made durable. Runs inside one unit of work, together with the snapshot.

`advance` takes a snapshot, decides, applies, and repeats until only waiting is left. What
must then happen outside (start an action, give one up) is returned; the stored rows are the
record from which a restart would do the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

import sqlalchemy as sa

from penstock.ids import derived_uuid
from penstock.pipelines import artifacts, snapshot, variables
from penstock.pipelines.actions.provider import ArtifactLocation
from penstock.pipelines.decide import decide
from penstock.pipelines.decisions import (
    AbandonAction,
    ActionRun,
    ArriveAtStage,
    Decision,
    EndExecution,
    EnterStage,
    MoveStage,
    PipelineSnapshot,
    StartAction,
    Supersede,
    Wait,
    acts,
    after,
)
from penstock.pipelines.states import (
    ActionStatus,
    ExecutionStatus,
    StageStatus,
    sources_of_execution,
    sources_of_stage,
)
from penstock.pipelines.structure import ActionDeclaration, PipelineStructure
from penstock.storage import action_executions, outbox, pipeline_executions, pipelines
from penstock.storage.action_executions import ActionRow
from penstock.storage.outbox import NewEvent
from penstock.storage.pipeline_executions import ExecutionRow


class DecisionRefused(Exception):
    """A decision met a state in which it is not allowed: a bug, never a race, since snapshot
    and decision share one unit of work."""


@dataclass(slots=True)
class Effects:
    """What the engine does once the unit of work is durable."""

    started: list[ActionRow] = field(default_factory=list)
    """Action executions to start."""
    abandoned: list[str] = field(default_factory=list)
    """Action execution ids that were given up."""

    def add(self, other: "Effects") -> None:
        """Take over the effects of another unit of work."""
        self.started.extend(other.started)
        self.abandoned.extend(other.abandoned)


def advance(
    connection: sa.Connection,
    pipeline_id: str,
    region: str,
    now: datetime,
    happened: Sequence[NewEvent] = (),
) -> Effects:
    """Let the pipeline go on as far as it can; return the effects that follow.

    One snapshot is read; what each decision changes is followed in memory. The rows' updates are
    conditional, so the two cannot part unnoticed. `happened` is published before the decisions'
    own events, all in one statement.
    """
    effects = Effects()
    events = list(happened)
    taken = snapshot.take(connection, pipeline_id)
    if taken is not None:
        unit = _Unit(connection, taken.pipeline_name, region, now, effects)
        view = taken.snapshot
        while acts(decisions := decide(view)):
            for decision in decisions:
                if not isinstance(decision, Wait):
                    run = _apply(unit, taken.executions[decision.execution_id], view, decision)
                    view = after(view, decision, run)
                    events.extend(_events(unit, decision))
    outbox.publish_all(connection, events)
    return effects


@dataclass(frozen=True, slots=True)
class _Unit:
    """The unit of work that decisions are applied in."""

    connection: sa.Connection
    pipeline_name: str
    region: str
    now: datetime
    effects: Effects


def _apply(
    unit: _Unit, execution: ExecutionRow, view: PipelineSnapshot, decision: Decision
) -> ActionRun | None:
    """Store one decision; return the action that StartAction made."""
    connection, now, done, run = unit.connection, unit.now, True, None
    match decision:
        case Wait():
            return None
        case ArriveAtStage():
            pipeline_executions.arrive(connection, execution, decision.stage, now)
        case EnterStage():
            done = _enter(connection, execution, decision, now)
        case StartAction():
            structure = next(one.structure for one in view.executions if one.id == execution.id)
            run = _start_action(unit, structure, execution, decision)
        case AbandonAction():
            done = action_executions.finish(
                connection, decision.action_execution_id, ActionStatus.ABANDONED.value, now
            )
            unit.effects.abandoned.append(decision.action_execution_id)
        case MoveStage():
            done = pipeline_executions.move_stage(
                connection, execution.id, decision.stage, sources_of_stage(decision.status),
                decision.status.value, now,
            )  # fmt: skip
        case EndExecution():
            done = _end(connection, execution, decision.status, decision.cause, now)
        case Supersede():
            done = pipeline_executions.move_stage(
                connection, execution.id, decision.stage,
                [StageStatus.INBOUND.value], StageStatus.CANCELLED.value, now,
            ) and _end(
                connection, execution, ExecutionStatus.SUPERSEDED, decision.cause, now
            )  # fmt: skip
        case _:
            assert_never(decision)
    if not done:
        raise DecisionRefused(f"{decision}: the state does not allow it")
    return run


def _events(unit: _Unit, decision: Decision) -> Iterator[NewEvent]:
    """Yield the event that a decision is, with its cause."""
    detail: dict[str, Any] = {"pipeline": unit.pipeline_name, "execution-id": decision.execution_id}
    match decision:
        case ArriveAtStage() | Wait():
            return
        case EnterStage():
            kind = "pipeline.StageStateChanged"
            detail |= {"stage": decision.stage, "state": StageStatus.IN_PROGRESS.value}
        case MoveStage():
            kind = "pipeline.StageStateChanged"
            detail |= {"stage": decision.stage, "state": decision.status.value}
        case StartAction() | AbandonAction():
            kind = "pipeline.ActionStateChanged"
            status = (
                ActionStatus.IN_PROGRESS
                if isinstance(decision, StartAction)
                else ActionStatus.ABANDONED
            )
            detail |= {
                "stage": decision.stage, "action": decision.action, "state": status.value,
            }  # fmt: skip
        case EndExecution():
            kind = "pipeline.ExecutionStateChanged"
            detail |= {"state": decision.status.value}
        case Supersede():
            kind = "pipeline.ExecutionStateChanged"
            detail |= {
                "state": ExecutionStatus.SUPERSEDED.value,
                "superseded-by": decision.by_execution_id,
            }
        case _:
            assert_never(decision)
    yield NewEvent(kind, unit.pipeline_name, {**detail, "cause": decision.cause}, unit.now)


def _enter(
    connection: sa.Connection, execution: ExecutionRow, decision: EnterStage, now: datetime
) -> bool:
    pipelines.set_entered(
        connection, execution.pipeline_id, decision.stage, execution.number, execution.id
    )
    return pipeline_executions.move_stage(
        connection, execution.id, decision.stage, [StageStatus.INBOUND.value],
        StageStatus.IN_PROGRESS.value, now, entered_at=now,
    )  # fmt: skip


def _end(
    connection: sa.Connection,
    execution: ExecutionRow,
    status: ExecutionStatus,
    cause: str,
    now: datetime,
) -> bool:
    return pipeline_executions.move(
        connection, execution.id, sources_of_execution(status), status.value, cause, now
    )


def _start_action(
    unit: _Unit, structure: PipelineStructure, execution: ExecutionRow, decision: StartAction
) -> ActionRun:
    """Store the action's record with its variables resolved; without a value for one, it fails."""
    stage = structure.stage(decision.stage)
    assert stage is not None
    action = next(one for one in stage.actions if one.name == decision.action)
    action_id = derived_uuid(
        "action", execution.id, decision.stage, decision.action, str(decision.attempt)
    )
    unresolved: variables.UnresolvedVariables | None = None
    resolved = dict(action.configuration)
    if any(variables.refers(value) for value in resolved.values()):
        try:
            resolved = variables.resolve(resolved, _namespaces(unit.connection, execution))
        except variables.UnresolvedVariables as error:
            unresolved = error
    row = action_executions.insert(
        unit.connection,
        id=action_id,
        pipeline_id=execution.pipeline_id,
        pipeline_name=unit.pipeline_name,
        execution_id=execution.id,
        pipeline_version=execution.pipeline_version,
        stage_name=decision.stage,
        action_name=decision.action,
        attempt=decision.attempt,
        started_at=unit.now,
        updated_at=unit.now,
        input=_input(structure, execution, action, resolved, action.region or unit.region),
    )
    if unresolved is None:
        unit.effects.started.append(row)
        return ActionRun(action_id, ActionStatus.IN_PROGRESS)
    action_executions.finish(
        unit.connection, action_id, ActionStatus.FAILED.value, unit.now,
        error_code="ConfigurationError",
        error_message=f"No value for the variables that this action refers to: {unresolved}. "
        "The action that produces the namespace must export them.",
    )  # fmt: skip
    return ActionRun(action_id, ActionStatus.FAILED)


def _input(
    structure: PipelineStructure,
    execution: ExecutionRow,
    action: ActionDeclaration,
    resolved: Mapping[str, str],
    region: str,
) -> dict[str, Any]:
    """Return all that the action is started with, so that a restart starts it with the same."""
    inputs, outputs = artifacts.locations(
        structure, execution.pipeline_id, execution.id, action, region
    )
    type_id = action.action_type_id
    return {
        "actionTypeId": {
            "category": type_id.category,
            "owner": type_id.owner,
            "provider": type_id.provider,
            "version": type_id.version,
        },
        "configuration": dict(action.configuration),
        "resolvedConfiguration": dict(resolved),
        "roleArn": action.role_arn,
        "pipelineRoleArn": structure.role_arn,
        "region": region,
        "namespace": action.namespace,
        "inputArtifacts": [_location(one) for one in inputs],
        "outputArtifacts": [_location(one) for one in outputs],
        "sourceRevision": execution.source_overrides.get(action.name),
        "timeoutInMinutes": action.timeout_minutes,
        "upstreamRevisions": {
            revision["name"]: revision["revisionId"] for revision in execution.artifact_revisions
        },
    }


def _location(location: ArtifactLocation) -> dict[str, str]:
    return {"name": location.name, "bucket": location.bucket, "key": location.key}


def _namespaces(connection: sa.Connection, execution: ExecutionRow) -> dict[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {
        variables.PIPELINE_NAMESPACE: {"PipelineExecutionId": execution.id},
        variables.VARIABLES_NAMESPACE: execution.variables,
    }
    for row in action_executions.counting(connection, [execution.id]):
        if row.input["namespace"] and row.status == ActionStatus.SUCCEEDED:
            found[row.input["namespace"]] = row.output_variables
    return found
