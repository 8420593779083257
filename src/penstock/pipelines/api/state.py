"""CodePipeline's operations on how a pipeline stands: its state and its transitions.

Source: https://docs.aws.amazon.com/codepipeline/latest/APIReference/
"""

from typing import Any

from penstock.aws.service import Call, Request, Response
from penstock.pipelines.pipelines import Pipelines
from penstock.pipelines.state import ActionState, StageState, Transition
from penstock.pipelines.states import StageStatus
from penstock.storage.action_executions import ActionRow
from penstock.storage.pipeline_executions import StageRunRow


async def get_pipeline_state(domain: Pipelines, call: Call, request: Request) -> Response:
    """Describe each stage: who waits, who was in it last, and its actions' newest results."""
    state = await domain.state(request["name"])
    return {
        "pipelineName": state.pipeline.name,
        "pipelineVersion": state.pipeline.version,
        "stageStates": [_stage(stage) for stage in state.stages],
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


def _stage(state: StageState) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "stageName": state.declaration.name,
        "inboundExecutions": [_run(run) for run in state.inbound],
        "inboundTransitionState": _transition(state.transition),
        "actionStates": [_action(action) for action in state.actions],
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


def _action(state: ActionState) -> dict[str, Any]:
    shown: dict[str, Any] = {"actionName": state.declaration.name}
    row = state.latest
    if row is None:
        return shown
    shown["latestExecution"] = _execution(row)
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
