"""CodePipeline's operations on how a pipeline stands: its state and its transitions.

Source: https://docs.aws.amazon.com/codepipeline/latest/APIReference/
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from penstock.aws.service import Call, Request, Response
from penstock.pipelines.approvals import Standing, is_approval, standing
from penstock.pipelines.pipelines import Pipelines
from penstock.pipelines.state import ActionState, StageState, Transition
from penstock.pipelines.states import ActionStatus, StageStatus
from penstock.storage.action_executions import ActionRow
from penstock.storage.pipeline_executions import StageRunRow


async def get_pipeline_state(domain: Pipelines, call: Call, request: Request) -> Response:
    """Describe each stage: who waits, who was in it last, and its actions' newest results."""
    state = await domain.state(request["name"])
    return {
        "pipelineName": state.pipeline.name,
        "pipelineVersion": state.pipeline.version,
        "stageStates": [_stage(stage, call.now) for stage in state.stages],
        "created": state.pipeline.created_at,
        "updated": state.pipeline.updated_at,
    }


async def disable_stage_transition(domain: Pipelines, call: Call, request: Request) -> Response:
    """Keep executions out of a stage, or inside it."""
    await domain.set_transition(
        request["pipelineName"],
        request["stageName"],
        request["transitionType"],
        disabled_reason=request["reason"],
        changed_by=call.principal.arn,
    )
    return {}


async def enable_stage_transition(domain: Pipelines, call: Call, request: Request) -> Response:
    """Let executions go on; the newest one that waits enters."""
    await domain.set_transition(
        request["pipelineName"],
        request["stageName"],
        request["transitionType"],
        disabled_reason=None,
        changed_by=call.principal.arn,
    )
    return {}


def _stage(state: StageState, now: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "stageName": state.declaration.name,
        "inboundExecutions": [_run(run) for run in state.inbound],
        "inboundTransitionState": _transition(state.transition),
        "actionStates": [_action(action, now) for action in state.actions],
    }
    if state.inbound:
        shown["inboundExecution"] = _run(state.inbound[-1])
    if state.latest is not None:
        shown["latestExecution"] = _run(state.latest)
        if state.latest.attempt > 1:
            shown["retryStageMetadata"] = {
                "manualStageRetryAttempt": state.latest.attempt - 1,
                "latestRetryTrigger": "ManualStageRetry",
            }
    return shown


def _run(run: StageRunRow) -> dict[str, str]:
    """Shape a stage execution; one that waits in front of the stage is InProgress to AWS."""
    status = StageStatus.IN_PROGRESS if run.status == StageStatus.INBOUND else run.status
    return {"pipelineExecutionId": run.execution_id, "status": str(status), "type": "STANDARD"}


def _transition(transition: Transition) -> dict[str, Any]:
    shown: dict[str, Any] = {"enabled": transition.disabled_reason is None}
    if transition.changed_by is not None:
        shown |= {
            "lastChangedBy": transition.changed_by,
            "lastChangedAt": transition.changed_at,
        }
    if transition.disabled_reason is not None:
        shown["disabledReason"] = transition.disabled_reason
    return shown


def _action(state: ActionState, now: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {"actionName": state.declaration.name}
    if is_approval(state.declaration) and (link := _entity_link(state)):
        shown["entityUrl"] = link
    row = state.latest
    if row is None:
        return shown
    shown["latestExecution"] = _execution(row)
    if is_approval(state.declaration):
        shown["latestExecution"] = _approval(state, shown["latestExecution"], now)
    is_source = state.declaration.action_type_id.category == "Source"
    if is_source and row.status == "Succeeded" and row.external_execution_id:
        shown["currentRevision"] = {
            "revisionId": row.external_execution_id,
            "revisionChangeId": row.external_execution_id,
            "created": row.updated_at,
        }
        if row.external_execution_url:
            shown["revisionUrl"] = row.external_execution_url
    return shown


def _entity_link(state: ActionState) -> str:
    """Return what the approver is to look at: as last resolved, else as declared."""
    if state.latest is not None:
        return str(state.latest.input["resolvedConfiguration"].get("ExternalEntityLink", ""))
    return state.declaration.configuration.get("ExternalEntityLink", "")


def _approval(state: ActionState, shown: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Shape an approval's execution as AWS does: no external id, and the token while it waits."""
    execution = {key: value for key, value in shown.items() if key != "externalExecutionId"}
    request, row = state.approval, state.latest
    if request is None or row is None:
        return execution
    if standing(request, row.status, outdated=state.outdated, now=now) is Standing.OPEN:
        execution["token"] = request.token
    if request.decided_by is not None:
        execution["lastUpdatedBy"] = request.decided_by
        execution.pop("errorDetails", None)  # a rejection is no error
    elif row.status == ActionStatus.ABANDONED:
        execution["summary"] = "The approval action has been canceled."
    return execution


def _execution(row: ActionRow) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "actionExecutionId": row.id,
        "status": row.status,
        "lastStatusChange": row.updated_at,
    }
    if row.summary:
        shown["summary"] = row.summary[:2048]
    if row.external_execution_id:
        shown["externalExecutionId"] = row.external_execution_id
    if row.external_execution_url:
        shown["externalExecutionUrl"] = row.external_execution_url
    if row.error_code is not None:
        shown["errorDetails"] = {"code": row.error_code, "message": row.error_message}
    return shown
