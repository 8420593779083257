"""An action's result made durable, and what follows from it, in one unit of work."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

import sqlalchemy as sa

from penstock.pipelines.actions.provider import (
    ActionJob,
    ActionResult,
    ArtifactLocation,
    Failed,
    InProgress,
    SourceRevision,
    Succeeded,
)
from penstock.pipelines.apply import Effects, advance
from penstock.pipelines.states import ActionStatus
from penstock.storage import action_executions, pipeline_executions
from penstock.storage.action_executions import ActionRow
from penstock.storage.outbox import NewEvent, publish

_MOST_VARIABLE_BYTES = 122_880
"""AWS's limit on one action's output variables."""


def job_of(row: ActionRow, account_id: str) -> ActionJob:
    """Rebuild the job of a stored action execution: equal rows give equal jobs."""
    stored = row.input
    return ActionJob(
        pipeline_name=row.pipeline_name,
        pipeline_execution_id=row.execution_id,
        stage_name=row.stage_name,
        action_name=row.action_name,
        action_execution_id=row.id,
        configuration=dict(stored["resolvedConfiguration"]),
        input_artifacts=[ArtifactLocation(**place) for place in stored["inputArtifacts"]],
        output_artifacts=[ArtifactLocation(**place) for place in stored["outputArtifacts"]],
        role_arn=stored["roleArn"] or stored["pipelineRoleArn"],
        pipeline_role_arn=stored["pipelineRoleArn"],
        region=stored["region"],
        account_id=account_id,
        source_revision=stored["sourceRevision"],
        upstream_revisions=dict(stored["upstreamRevisions"]),
        timeout_minutes=stored.get("timeoutInMinutes"),
    )


def record(
    connection: sa.Connection, row: ActionRow, result: ActionResult, region: str, now: datetime
) -> Effects:
    """Store the result of the action of `row`, and let the pipeline go on.

    Nothing changes when the action has ended meanwhile: what else `row` says never changes
    but through here.
    """
    if isinstance(result, Succeeded):
        result = _within_limits(result)
    match result:
        case InProgress():
            action_executions.set_progress(
                connection, row.id, token=result.continuation_token,
                external_id=result.external_execution_id,
                external_url=result.external_execution_url, summary=result.summary, now=now,
            )  # fmt: skip
            if _tells_more(result, row):
                detail = {"pipeline": row.pipeline_name, "stage": row.stage_name,
                          "action": row.action_name, "execution-id": row.execution_id}  # fmt: skip
                publish(connection, "pipeline.ActionProgressed", row.pipeline_name, detail, now)
            return Effects()
        case Succeeded():
            status, cause = ActionStatus.SUCCEEDED, "its provider succeeded"
            values = {"output_variables": dict(result.output_variables), "summary": result.summary}
        case Failed():
            status, cause = ActionStatus.FAILED, f"{result.code}: {result.message}"
            values = {"error_code": result.code, "error_message": result.message[:5000]}
            values |= {"summary": result.summary} if result.summary else {}
        case _:
            assert_never(result)
    values |= _external(result, row)
    if not action_executions.finish(connection, row.id, status.value, now, **values):
        return Effects()
    if isinstance(result, Succeeded) and result.source_revision is not None:
        _add_revision(connection, row, result.source_revision, now)
    return advance(connection, row.pipeline_id, region, now, [_ended(row, status, cause, now)])


def _tells_more(result: InProgress, row: ActionRow) -> bool:
    """Tell whether an action that goes on has something new to show: its work's id, a summary."""
    work, summary = result.external_execution_id, result.summary
    return bool(work and work != row.external_execution_id) or bool(
        summary and summary != row.summary
    )


def _within_limits(result: Succeeded) -> Succeeded | Failed:
    size = len(json.dumps(dict(result.output_variables)).encode())
    if size <= _MOST_VARIABLE_BYTES:
        return result
    return Failed(
        "JobFailed",
        f"Expected at most {_MOST_VARIABLE_BYTES} bytes of output variables, found {size}. "
        "Export fewer or shorter variables.",
        result.external_execution_id,
        result.external_execution_url,
    )


def _external(result: Succeeded | Failed, row: ActionRow) -> Mapping[str, Any]:
    return {
        "external_execution_id": result.external_execution_id or row.external_execution_id,
        "external_execution_url": result.external_execution_url or row.external_execution_url,
    }


def _add_revision(
    connection: sa.Connection, row: ActionRow, revision: SourceRevision, now: datetime
) -> None:
    execution = pipeline_executions.get(connection, row.execution_id)
    if execution is None:
        return
    shown = {
        "revisionId": revision.revision_id,
        "revisionSummary": revision.revision_summary[:2048],
        "revisionUrl": revision.revision_url,
    }
    shown = {key: value for key, value in shown.items() if value}
    pipeline_executions.add_revision(
        connection,
        execution,
        {"actionName": revision.action_name, **shown},
        [
            {"name": place["name"], "created": now.isoformat(), **shown}
            for place in row.input["outputArtifacts"]
        ],
    )


def _ended(row: ActionRow, status: ActionStatus, cause: str, now: datetime) -> NewEvent:
    detail = {
        "pipeline": row.pipeline_name,
        "execution-id": row.execution_id,
        "stage": row.stage_name,
        "action": row.action_name,
        "state": status.value,
        "type": row.input["actionTypeId"],
        "cause": cause,
    }
    return NewEvent("pipeline.ActionStateChanged", row.pipeline_name, detail, now)
