"""What a caller asks of an execution: start, stop, retry, hold back; inside one unit of work.

Each publishes the event that makes the engine look again, so that a request whose caller went
away right after the commit is still carried out. Error codes are the model's; the texts of
this module are unverified unless a source is named. That of a second stop was recorded from AWS in
github.com/radkawar/stackd testdata/aws/codepipeline/lifecycle_native.json.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.ids import new_uuid
from penstock.pipelines import approved_change_sets, retries, snapshot, triggers
from penstock.pipelines.states import ActionStatus, ExecutionStatus, StageStatus
from penstock.pipelines.structure import ExecutionMode, PipelineStructure, StageDeclaration
from penstock.pipelines.triggers import TriggerType
from penstock.storage import action_executions, outbox, pipeline_executions, pipelines
from penstock.storage.action_executions import ActionRow
from penstock.storage.pipeline_executions import ExecutionRow, StageRunRow
from penstock.storage.pipelines import PipelineRow

MOST_QUEUED = 50
"""AWS's limit on unfinished executions in QUEUED mode."""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """StartPipelineExecution's parameters; `source_revisions` as in the API."""

    variables: Mapping[str, str]
    source_revisions: Sequence[Mapping[str, str]]
    request_token: str | None
    caller_arn: str


def start(
    connection: sa.Connection, pipeline: PipelineRow, request: StartRequest, now: datetime
) -> str:
    """Start an execution, or find the one that the same request token started."""
    if request.request_token is not None:
        found = pipeline_executions.get_by_token(connection, pipeline.id, request.request_token)
        if found is not None:
            return found.id
    structure = snapshot.parsed(pipeline.document)
    _check_variables(structure, request.variables)
    overrides = _source_overrides(structure, request.source_revisions)
    if structure.execution_mode is ExecutionMode.QUEUED:
        unfinished = len(pipeline_executions.active(connection, pipeline.id))
        if unfinished >= MOST_QUEUED:
            raise ServiceError(
                "ConcurrentPipelineExecutionsLimitExceededException",
                f"Pipeline {pipeline.name} has {unfinished} unfinished executions, the most that "
                "mode QUEUED allows. Wait for one to end, or stop one.",
            )
    execution = triggers.start(
        connection,
        pipeline,
        new_uuid(),
        TriggerType.START_PIPELINE_EXECUTION,
        now,
        detail=request.caller_arn,
        variables=request.variables,
        source_overrides=overrides,
        request_token=request.request_token,
    )
    return execution.id


def _check_variables(structure: PipelineStructure, given: Mapping[str, str]) -> None:
    declared = {variable.name: variable for variable in structure.variables}
    for name in given:
        if name not in declared:
            raise ServiceError(
                "ValidationException",
                f"Pipeline {structure.name} declares no variable {name}. "
                f"Declared variables: {', '.join(declared) or 'none'}",
                status=400,
            )
    for name, variable in declared.items():
        if variable.default_value is None and name not in given:
            raise ServiceError(
                "ValidationException",
                f"Variable {name} of pipeline {structure.name} has no default value: give one",
                status=400,
            )


def _source_overrides(
    structure: PipelineStructure, revisions: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    sources = {
        action.name: action.action_type_id.provider for action in structure.stages[0].actions
    }
    overrides: dict[str, str] = {}
    for revision in revisions:
        name, kind = revision["actionName"], revision["revisionType"]
        if name not in sources:
            raise ServiceError(
                "ValidationException",
                f"Expected a source action of pipeline {structure.name} "
                f"({', '.join(sorted(sources))}), found {name}",
                status=400,
            )
        wanted = "S3_OBJECT_VERSION_ID" if sources[name] == "S3" else "COMMIT_ID"
        if kind != wanted:
            raise ServiceError(
                "ValidationException",
                f"Source action {name} takes a revision of type {wanted}, found {kind}",
                status=400,
            )
        overrides[name] = revision["revisionValue"]
    return overrides


def stop(
    connection: sa.Connection,
    pipeline: PipelineRow,
    execution_id: str,
    *,
    reason: str,
    abandon: bool,
    now: datetime,
) -> None:
    """Ask an execution to stop, once running actions are done or at once."""
    execution = pipeline_executions.get(connection, execution_id)
    if (
        execution is None
        or execution.pipeline_id != pipeline.id
        or execution.status not in (ExecutionStatus.IN_PROGRESS, ExecutionStatus.STOPPING)
    ):
        status = "unknown" if execution is None else execution.status
        raise ServiceError(
            "PipelineExecutionNotStoppableException",
            f"Unable to stop execution {execution_id} of pipeline {pipeline.name}: expected one "
            f"that is InProgress, found it {status}",
        )
    if execution.status == ExecutionStatus.STOPPING and (execution.abandon or not abandon):
        raise ServiceError(
            "DuplicatedStopRequestException",
            f"The execution with ID {execution_id} in {pipeline.name} is already in a stopping "
            "state. If you already chose to stop and wait, you cannot make that request again. You "
            "can choose to stop and abandon now, but be aware that this option can lead to failed "
            "actions. If you already chose to stop and abandon, you cannot make that request "
            "again.",
        )
    pipeline_executions.request_stop(
        connection, execution_id, reason=reason, abandon=abandon, now=now
    )
    detail = {"execution-id": execution_id, "state": "Stopping", "cause": reason or "stopped"}
    _publish(connection, "pipeline.StopRequested", pipeline, detail, now)


def retry(
    connection: sa.Connection,
    pipeline: PipelineRow,
    execution_id: str,
    stage: str,
    *,
    all_actions: bool,
    now: datetime,
) -> None:
    """Let a stage that failed or was stopped run again, in the same execution.

    FAILED_ACTIONS runs more than those where an approved change set has become void
    (`retries.runs_again`).
    """
    declared = snapshot.parsed(pipeline.document).stage(stage)
    if declared is None:
        raise stage_not_found(pipeline.name, stage)
    execution, run = _retryable(connection, pipeline, execution_id, stage)
    rows = {
        row.action_name: row
        for row in action_executions.counting(connection, [execution_id])
        if row.stage_name == stage
    }
    statuses = {name: ActionStatus(row.status) for name, row in rows.items()}
    running = [name for name, status in statuses.items() if status is ActionStatus.IN_PROGRESS]
    broken = {ActionStatus.FAILED, ActionStatus.ABANDONED} & set(statuses.values())
    ended = run.status in (StageStatus.FAILED, StageStatus.STOPPED)
    if not ended and not (run.status == StageStatus.IN_PROGRESS and broken):
        raise _not_retryable(
            stage, f"expected it to have failed or been stopped, found {run.status}"
        )
    if all_actions and running:
        raise _not_retryable(stage, f"action {', '.join(running)} is still running")
    again = set(rows) if all_actions else _failed_again(connection, declared, rows, statuses)
    action_executions.discount(connection, execution_id, stage, again)
    pipeline_executions.move_stage(
        connection, execution_id, stage, [run.status], StageStatus.IN_PROGRESS.value, now,
        attempt=run.attempt + 1,
    )  # fmt: skip
    pipeline_executions.resume(connection, execution.id, now)
    mode = "all actions" if all_actions else "failed actions"
    detail = {"execution-id": execution_id, "stage": stage, "cause": f"retry of {mode}"}
    _publish(connection, "pipeline.RetryRequested", pipeline, detail, now)


def _failed_again(
    connection: sa.Connection,
    stage: StageDeclaration,
    rows: Mapping[str, ActionRow],
    statuses: Mapping[str, ActionStatus],
) -> set[str]:
    makers = {release.replace.name for release in retries.releases(stage)}
    executable = {
        name: approved_change_sets.is_executable(connection, rows[name])
        for name in sorted(makers & set(rows))
    }
    try:
        return retries.runs_again(stage, statuses, executable)
    except retries.StillRunning as running:
        raise _not_retryable(stage.name, f"action {running} is still running") from running


def _retryable(
    connection: sa.Connection, pipeline: PipelineRow, execution_id: str, stage: str
) -> tuple[ExecutionRow, StageRunRow]:
    execution = pipeline_executions.get(connection, execution_id)
    run = pipeline_executions.stage_run(connection, execution_id, stage)
    row = pipelines.stages(connection, pipeline.id).get(stage)
    if execution is None or run is None or row is None or execution.pipeline_id != pipeline.id:
        raise _not_latest(execution_id, stage, "it has not been in this stage")
    if row.last_entered != execution.number:
        raise _not_latest(execution_id, stage, "a later execution has been in this stage")
    if execution.pipeline_version != pipeline.version:
        raise _not_retryable(stage, "the pipeline was updated since")
    if run.entered_at is None:
        raise _not_retryable(stage, "the execution was stopped before it entered the stage")
    if execution.status == ExecutionStatus.STOPPING:
        raise ServiceError(
            "ConflictException",
            f"Execution {execution_id} is Stopping. Try again when it has ended.",
        )
    return execution, run


def _not_latest(execution_id: str, stage: str, reason: str) -> ServiceError:
    return ServiceError(
        "NotLatestPipelineExecutionException",
        f"Execution {execution_id} is not the latest in stage {stage}: {reason}",
    )


def _not_retryable(stage: str, reason: str) -> ServiceError:
    return ServiceError("StageNotRetryableException", f"Unable to retry stage {stage}: {reason}")


def stage_not_found(pipeline: str, stage: str) -> ServiceError:
    """Return AWS's error for a stage that a pipeline does not have."""
    return ServiceError(
        "StageNotFoundException", f"Pipeline '{pipeline}' does not have a stage named '{stage}'"
    )


def set_transition(
    connection: sa.Connection,
    pipeline: PipelineRow,
    stage: str,
    direction: str,
    *,
    disabled_reason: str | None,
    changed_by: str,
    now: datetime,
) -> None:
    """Disable (with a reason) or enable (None) a stage's Inbound or Outbound transition."""
    if snapshot.parsed(pipeline.document).stage(stage) is None:
        raise stage_not_found(pipeline.name, stage)
    pipelines.set_transition(
        connection, pipeline.id, stage, direction.lower(), disabled_reason, changed_by, now
    )
    state = "enabled" if disabled_reason is None else f"disabled: {disabled_reason}"
    detail = {"stage": stage, "cause": f"{direction} transition {state} by {changed_by}"}
    _publish(connection, "pipeline.TransitionChanged", pipeline, detail, now)


def _publish(
    connection: sa.Connection,
    kind: str,
    pipeline: PipelineRow,
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    named = {"pipeline": pipeline.name, "pipeline-id": pipeline.id}
    outbox.publish(connection, kind, pipeline.name, {**named, **detail}, now)
