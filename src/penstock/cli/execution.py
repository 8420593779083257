"""One execution of a pipeline as a person follows it: stages and actions with times and words.

Read through the CodePipeline API; the same values serve `status`, `logs` and `demo`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from penstock.arns import who
from penstock.pipelines.attempts import newest_attempts

ENDED = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}


@dataclass(frozen=True, slots=True)
class ActionView:
    """One action: the newest attempt of this execution, or `status` "" before any."""

    stage: str
    name: str
    provider: str
    status: str = ""
    started: datetime | None = None
    changed: datetime | None = None
    summary: str = ""
    external_execution_id: str = ""
    output_artifacts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Artifact name → bucket and key of what the action stored."""
    output_variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage and its actions, in the pipeline's order."""

    name: str
    actions: Sequence[ActionView]
    waits_for: str = ""
    """What keeps this execution before the stage; "" when nothing does."""

    @property
    def status(self) -> str:
        """What the actions amount to; "" when none has started."""
        found = [action.status for action in self.actions]
        for status in ("InProgress", "Failed", "Abandoned"):
            if status in found:
                return status
        if not any(found):
            return ""
        return "Succeeded" if all(found) else "InProgress"


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """One execution of a pipeline; `status` "" means that the pipeline has never run."""

    pipeline: str
    execution_id: str
    status: str
    started: datetime | None
    changed: datetime | None
    trigger: str
    stages: Sequence[StageView]

    @property
    def actions(self) -> list[ActionView]:
        """Every action of every stage."""
        return [action for stage in self.stages for action in stage.actions]

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED


def read_latest(codepipeline: Any, pipeline: str) -> ExecutionView:
    """Read the pipeline's newest execution through a boto3 client."""
    structure = codepipeline.get_pipeline(name=pipeline)["pipeline"]
    found = codepipeline.list_pipeline_executions(pipelineName=pipeline, maxResults=1)
    summaries = found["pipelineExecutionSummaries"]
    if not summaries:
        return view(structure, {}, [])
    details = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline,
        filter={"pipelineExecutionId": summaries[0]["pipelineExecutionId"]},
    )
    return view(
        structure,
        summaries[0],
        [d for p in details for d in p["actionExecutionDetails"]],
        codepipeline.get_pipeline_state(name=pipeline)["stageStates"],
    )


def view(
    structure: Mapping[str, Any],
    summary: Mapping[str, Any],
    details: Sequence[Mapping[str, Any]],
    stage_states: Sequence[Mapping[str, Any]] = (),
) -> ExecutionView:
    """Combine a pipeline's structure with an execution's summary, action details and states."""
    execution_id = summary.get("pipelineExecutionId", "")
    waits = {state["stageName"]: _waits_for(state, execution_id) for state in stage_states}
    newest = newest_attempts(structure, details)
    revisions = {r["actionName"]: r for r in summary.get("sourceRevisions", [])}
    asked = {
        latest.get("actionExecutionId")
        for state in stage_states
        for action in state.get("actionStates", ())
        if "token" in (latest := action.get("latestExecution", {}))
    }
    trigger = summary.get("trigger", {})
    return ExecutionView(
        pipeline=structure["name"],
        execution_id=execution_id,
        status=summary.get("status", ""),
        started=summary.get("startTime"),
        changed=summary.get("lastUpdateTime"),
        trigger=" ".join(
            trigger[key] for key in ("triggerType", "triggerDetail") if trigger.get(key)
        ),
        stages=[
            StageView(
                stage["name"],
                [
                    _action(
                        stage["name"],
                        action,
                        newest.get((stage["name"], action["name"])),
                        revisions.get(action["name"], {}),
                        asked,
                    )
                    for action in stage["actions"]
                ],
                waits.get(stage["name"], ""),
            )
            for stage in structure["stages"]
        ],
    )


def decision_words(status: str, by: str, comment: str) -> str:
    """Return `approved by ann: tested` of an approval's status, the ARN of who decided, and why."""
    told = "approved" if status == "Succeeded" else "rejected"
    if comment.endswith(f" by {by}"):  # what stands there without a comment
        comment = ""
    return f"{told} by {who(by)}{': ' if comment else ''}{comment}"


def _waits_for(state: Mapping[str, Any], execution_id: str) -> str:
    """Say what keeps the execution before a stage (of GetPipelineState); "" when nothing does."""
    inbound = [found["pipelineExecutionId"] for found in state.get("inboundExecutions", [])]
    if execution_id not in inbound:
        return ""
    transition = state.get("inboundTransitionState", {})
    if not transition.get("enabled", True):
        reason = transition.get("disabledReason", "")
        return "its transition to be enabled" + (f", disabled with: {reason}" if reason else "")
    latest = state.get("latestExecution", {})
    if not latest:
        return ""
    asked = any(
        "token" in action.get("latestExecution", {}) for action in state.get("actionStates", ())
    )
    what = "be approved or rejected" if asked else "leave the stage"
    return f"execution {latest['pipelineExecutionId']} to {what}"


def _action(
    stage: str,
    action: Mapping[str, Any],
    detail: Mapping[str, Any] | None,
    revision: Mapping[str, Any],
    asked: Collection[str],
) -> ActionView:
    """Return one action; `asked` are the action executions that may be approved now."""
    provider = action["actionTypeId"]["provider"]
    if detail is None:
        return ActionView(stage, action["name"], provider)
    output = detail.get("output", {})
    result = output.get("executionResult", {})
    return ActionView(
        stage=stage,
        name=action["name"],
        provider=provider,
        status=detail["status"],
        started=detail.get("startTime"),
        changed=detail.get("lastUpdateTime"),
        summary=(
            _approval_summary(detail, asked) if provider == "Manual" else _summary(result, revision)
        ),
        external_execution_id=result.get("externalExecutionId", ""),
        output_artifacts={
            artifact["name"]: (artifact["s3location"]["bucket"], artifact["s3location"]["key"])
            for artifact in output.get("outputArtifacts", [])
            if "s3location" in artifact
        },
        output_variables=output.get("outputVariables", {}),
    )


def _approval_summary(detail: Mapping[str, Any], asked: Collection[str]) -> str:
    """Say of an approval that it waits, who decided, or why nobody did."""
    if detail["status"] == "InProgress":
        if detail.get("actionExecutionId") in asked:
            return "waits for approval (penstock approve)"
        return "is about to ask for approval"
    result = detail.get("output", {}).get("executionResult", {})
    said = str(result.get("externalExecutionSummary") or _summary(result, {}))
    by = detail.get("updatedBy", "")
    decided = by and detail["status"] in {"Succeeded", "Failed"}
    return decision_words(detail["status"], by, said) if decided else said


def _summary(result: Mapping[str, Any], revision: Mapping[str, Any]) -> str:
    """Say the most useful thing known: why it failed, which revision it took, what it did."""
    error = result.get("errorDetails", {})
    if error.get("message"):
        return f"{error['code']}: {error['message']}" if error.get("code") else error["message"]
    if revision.get("revisionId"):
        subject = (revision.get("revisionSummary") or "").split("\n")[0]
        return f"{revision['revisionId'][:7]} {subject}".strip()
    return str(result.get("externalExecutionSummary", ""))
