"""Manual approvals: which requests are open, and what an answer to one does.

A request is open while its action waits for it and its time is not over; where a topic is to be
told, from the moment it was. The answer and the event that lets the pipeline go on are one
unit of work.

Texts recorded from AWS (September 2026) in github.com/radkawar/stackd testdata/aws/codepipeline/
approval_notification_native_complete.json (completed), lifecycle_update_start_visibility_failure_
native.json (updated) and approval_summary_requirements_complete_native.json (summary); that of a
wrong token as users report it. The others are unverified.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.pipelines import snapshot
from penstock.pipelines.executions import stage_not_found
from penstock.pipelines.states import ActionStatus
from penstock.pipelines.structure import ActionDeclaration
from penstock.storage import action_executions, approvals, outbox
from penstock.storage.action_executions import ActionRow
from penstock.storage.approvals import ApprovalRow
from penstock.storage.pipelines import PipelineRow

DECIDED = "pipeline.ApprovalDecided"
"""The event of an answer; its subject is the action execution's id."""

CATEGORY = "Approval"


class Decision(StrEnum):
    """What an approver may answer."""

    APPROVED = "Approved"
    REJECTED = "Rejected"


class Standing(StrEnum):
    """How a request stands."""

    UNTOLD = "Untold"
    """Its topic was not told yet: nobody can know of it, and whether it can be told is open."""
    OPEN = "Open"
    OUTDATED = "Outdated"
    """The pipeline was updated since."""
    OVER = "Over"
    """Answered, expired, stopped, or its action failed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """PutApprovalResult's parameters; `decided_by` is the ARN of who answers."""

    stage: str
    action: str
    token: str
    decision: Decision
    comment: str
    decided_by: str


def standing(
    request: ApprovalRow, action_status: str, *, outdated: bool, now: datetime
) -> Standing:
    """Say how a request stands; `outdated` says whether the pipeline was updated since."""
    ended_by_update = action_status in (ActionStatus.IN_PROGRESS, ActionStatus.ABANDONED)
    if request.decision is None and outdated and ended_by_update:
        return Standing.OUTDATED
    if (
        request.decision is not None
        or action_status != ActionStatus.IN_PROGRESS
        or now >= request.expires_at
    ):
        return Standing.OVER
    if request.notification_arn is not None and request.notified_at is None:
        return Standing.UNTOLD
    return Standing.OPEN


def said(decision: Decision | str, decided_by: str, comment: str) -> str:
    """Return an answer's summary: the comment, or AWS's sentence where there is none."""
    return comment if comment.strip() else f"{decision} by {decided_by}"


def answer(
    connection: sa.Connection, pipeline: PipelineRow, given: Answer, now: datetime
) -> datetime:
    """Store the answer to an open request and let the engine know; return when it was given."""
    _check_declared(pipeline, given)
    request = approvals.by_token(connection, given.token)
    place = (pipeline.id, given.stage, given.action)
    if request is None or place != (request.pipeline_id, request.stage_name, request.action_name):
        raise _wrong_token(given)
    action = action_executions.get(connection, request.action_execution_id)
    if action is None:
        raise _wrong_token(given)
    outdated = action.pipeline_version != pipeline.version
    _check_open(pipeline, given, standing(request, action.status, outdated=outdated, now=now))
    _check_summary(given, action)
    decided = approvals.decide(
        connection, action.id, decision=given.decision.value, decided_by=given.decided_by,
        comment=given.comment, now=now,
    )  # fmt: skip
    if not decided:
        raise _completed()
    outbox.publish(
        connection,
        DECIDED,
        action.id,
        {
            "pipeline": pipeline.name,
            "pipeline-id": pipeline.id,
            "execution-id": request.execution_id,
            "stage": given.stage,
            "action": given.action,
            "decision": given.decision.value,
            "decided-by": given.decided_by,
            "cause": f"{given.decision.value} by {given.decided_by}",
        },
        now,
    )
    return now


def _check_declared(pipeline: PipelineRow, given: Answer) -> None:
    stage = snapshot.parsed(pipeline.document).stage(given.stage)
    if stage is None:
        raise stage_not_found(pipeline.name, given.stage)
    if not any(is_approval(one) and one.name == given.action for one in stage.actions):
        raise ServiceError(
            "ActionNotFoundException",
            f"Pipeline '{pipeline.name}' does not have an approval action named '{given.action}' "
            f"in stage '{given.stage}'",
        )


def is_approval(action: ActionDeclaration) -> bool:
    """Tell whether an action waits for somebody's answer."""
    return action.action_type_id.category == CATEGORY


def _check_open(pipeline: PipelineRow, given: Answer, found: Standing) -> None:
    if found is Standing.OUTDATED:
        raise ServiceError(
            "InvalidApprovalTokenException",
            f"The pipeline {pipeline.name} has been updated, and the approval request you "
            "responded to is now out of date.",
        )
    if found is Standing.OVER:
        raise _completed()
    if found is Standing.UNTOLD:
        raise _wrong_token(given)


def _check_summary(given: Answer, action: ActionRow) -> None:
    required = action.input["resolvedConfiguration"].get("IsSummaryRequired") == "true"
    if required and not given.comment.strip():
        raise ServiceError(
            "InvalidApprovalTokenException",
            f"Action '{given.action}' in stage '{given.stage}' requires a summary. Provide a "
            "summary in the approval result and try again.",
        )


def _completed() -> ServiceError:
    return ServiceError(
        "ApprovalAlreadyCompletedException",
        "The approval request that you responded to is already complete or has expired. Review "
        "the latest revisions in the pipeline, and then try again.",
    )


def _wrong_token(given: Answer) -> ServiceError:
    return ServiceError(
        "InvalidApprovalTokenException",
        f"Approval token '{given.token}' either does not exist or is not the correct token for "
        f"the action or {given.stage} stage.",
    )
