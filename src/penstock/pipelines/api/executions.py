"""CodePipeline's operations on executions: start, stop, retry, look at, list.

Source: https://docs.aws.amazon.com/codepipeline/latest/APIReference/
"""

from datetime import datetime
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import decode_token, encode_token
from penstock.aws.service import Call, Request, Response
from penstock.pipelines.executions import StartRequest
from penstock.pipelines.pipelines import Pipelines
from penstock.pipelines.secret_configuration import shown_configuration
from penstock.storage.action_executions import ActionRow
from penstock.storage.approvals import ApprovalRow
from penstock.storage.pipeline_executions import ExecutionRow

_MOST_IN_PAGE = 100


async def start_pipeline_execution(domain: Pipelines, call: Call, request: Request) -> Response:
    """Start an execution."""
    execution_id = await domain.start_execution(
        request["name"],
        StartRequest(
            variables={one["name"]: one["value"] for one in request.get("variables", [])},
            source_revisions=request.get("sourceRevisions", []),
            request_token=request.get("clientRequestToken"),
            caller_arn=call.principal.arn,
        ),
    )
    return {"pipelineExecutionId": execution_id}


async def stop_pipeline_execution(domain: Pipelines, call: Call, request: Request) -> Response:
    """Stop an execution: wait for running actions, or abandon them."""
    execution_id = request["pipelineExecutionId"]
    await domain.stop_execution(
        request["pipelineName"],
        execution_id,
        reason=request.get("reason", ""),
        abandon=request.get("abandon", False),
    )
    return {"pipelineExecutionId": execution_id}


async def retry_stage_execution(domain: Pipelines, call: Call, request: Request) -> Response:
    """Run the failed actions of a stage, or all of them, again."""
    execution_id = request["pipelineExecutionId"]
    await domain.retry_stage(
        request["pipelineName"],
        execution_id,
        request["stageName"],
        all_actions=request["retryMode"] == "ALL_ACTIONS",
    )
    return {"pipelineExecutionId": execution_id}


async def get_pipeline_execution(domain: Pipelines, call: Call, request: Request) -> Response:
    """Describe one execution."""
    name = request["pipelineName"]
    row = await domain.execution(name, request["pipelineExecutionId"])
    return {
        "pipelineExecution": {
            "pipelineName": name,
            "pipelineVersion": row.pipeline_version,
            "pipelineExecutionId": row.id,
            "status": row.status,
            "statusSummary": row.status_summary,
            "artifactRevisions": [
                {**revision, "created": datetime.fromisoformat(revision["created"])}
                for revision in row.artifact_revisions
            ],
            "variables": [
                {"name": key, "resolvedValue": value} for key, value in row.variables.items()
            ],
            "trigger": _trigger(row),
            "executionMode": row.execution_mode,
            "executionType": "STANDARD",
        }
    }


async def list_pipeline_executions(domain: Pipelines, call: Call, request: Request) -> Response:
    """List a pipeline's executions, newest first."""
    limit = request.get("maxResults", _MOST_IN_PAGE)
    stage = request.get("filter", {}).get("succeededInStage", {}).get("stageName")
    rows = await domain.executions(
        request["pipelineName"], _before(request), limit + 1, succeeded_in_stage=stage
    )
    response: dict[str, Any] = {
        "pipelineExecutionSummaries": [_summary(row) for row in rows[:limit]]
    }
    if len(rows) > limit:
        response["nextToken"] = encode_token(rows[limit - 1].number)
    return response


async def list_action_executions(domain: Pipelines, call: Call, request: Request) -> Response:
    """List action executions, newest first, of a pipeline or of one execution."""
    limit = request.get("maxResults", _MOST_IN_PAGE)
    wanted = request.get("filter", {})
    execution_id = wanted.get("pipelineExecutionId")
    latest = wanted.get("latestInPipelineExecution")
    if latest is not None:
        if execution_id is not None:
            raise ServiceError(
                "ValidationException",
                "Expected one of pipelineExecutionId and latestInPipelineExecution in the filter, "
                "found both",
                status=400,
            )
        execution_id = latest["pipelineExecutionId"]
    rows = await domain.actions(request["pipelineName"], _before(request), limit + 1, execution_id)
    shown = rows[:limit]
    if latest is not None and latest["startTimeRange"] == "Latest":
        shown = [row for row in shown if row.counts]
    asked = await domain.approvals_of(shown)
    response: dict[str, Any] = {
        "actionExecutionDetails": [_action(row, asked.get(row.id)) for row in shown]
    }
    if len(rows) > limit:
        response["nextToken"] = encode_token(rows[limit - 1].sequence)
    return response


def _before(request: Request) -> int | None:
    if "nextToken" not in request:
        return None
    [position] = decode_token(request["nextToken"], form="n")
    return int(position)


def _trigger(row: ExecutionRow) -> dict[str, str]:
    return {"triggerType": row.trigger_type, "triggerDetail": row.trigger_detail}


def _summary(row: ExecutionRow) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "pipelineExecutionId": row.id,
        "status": row.status,
        "statusSummary": row.status_summary,
        "startTime": row.started_at,
        "lastUpdateTime": row.updated_at,
        "sourceRevisions": row.source_revisions,
        "trigger": _trigger(row),
        "executionMode": row.execution_mode,
        "executionType": "STANDARD",
    }
    if row.stop_reason is not None:
        summary["stopTrigger"] = {"reason": row.stop_reason}
    return summary


def _action(row: ActionRow, request: ApprovalRow | None) -> dict[str, Any]:
    stored = row.input
    shown: dict[str, Any] = {
        "actionTypeId": stored["actionTypeId"],
        "configuration": shown_configuration(stored["configuration"]),
        "resolvedConfiguration": shown_configuration(stored["resolvedConfiguration"]),
        "region": stored["region"],
        "inputArtifacts": _artifacts(stored["inputArtifacts"]),
    }
    for member in ("roleArn", "namespace"):
        if stored[member]:
            shown[member] = stored[member]
    result: dict[str, Any] = {}
    answered_by = None if request is None else request.decided_by
    if row.external_execution_id and (request is None or row.status != "InProgress"):
        result["externalExecutionId"] = row.external_execution_id
    if row.summary:
        result["externalExecutionSummary"] = row.summary
    if row.external_execution_url:
        result["externalExecutionUrl"] = row.external_execution_url
    if row.error_code is not None and answered_by is None:  # a rejection is no error
        result["errorDetails"] = {"code": row.error_code, "message": row.error_message}
    written = stored["outputArtifacts"] if row.status == "Succeeded" else []
    return {
        "pipelineExecutionId": row.execution_id,
        "actionExecutionId": row.id,
        "pipelineVersion": row.pipeline_version,
        "stageName": row.stage_name,
        "actionName": row.action_name,
        "startTime": row.started_at,
        "lastUpdateTime": row.updated_at,
        **({} if answered_by is None else {"updatedBy": answered_by}),
        "status": row.status,
        "input": shown,
        "output": {
            "outputArtifacts": _artifacts(written),
            "executionResult": result,
            "outputVariables": row.output_variables,
        },
    }


def _artifacts(places: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [
        {"name": one["name"], "s3location": {"bucket": one["bucket"], "key": one["key"]}}
        for one in places
    ]
