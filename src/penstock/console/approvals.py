"""The pages of manual approvals: those that wait, and the one page that a person decides on.

Nobody approves unseen: without the permission to read the pipeline and every change set that a
review lists there is no form, and a decision sent anyway is refused. What was shown and decided
stays to be read, also when the pipeline is gone.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from penstock.aws.errors import ServiceError
from penstock.console import pipeline_view
from penstock.console.change_view import change_set_view
from penstock.console.permissions import authorize, pipeline_arn, refusal
from penstock.console.pipelines import shown_action
from penstock.console.visit import Visit
from penstock.pipelines import approval_view
from penstock.pipelines.approval_view import (
    READ_CHANGE_SET,
    READ_PIPELINE,
    ApprovalView,
    ApprovalViews,
    Status,
)
from penstock.pipelines.review import Review
from penstock.pipelines.review_words import unusable_words
from penstock.storage.approvals import ApprovalRow

_MOST_LISTED = 50
_FEW_COMMITS = 6
"""Of a source; the others are folded, so that the change sets stay near."""
_DECIDE = "codepipeline:PutApprovalResult"


async def index(visit: Visit) -> Response:
    """List the approvals that wait, and the newest of those that do not any more."""
    position = await visit.position()
    now = visit.site.clock()

    readable: dict[str, bool] = {}
    shown = []
    for one in await visit.site.outbox.database.read(
        lambda c: approval_view.listed(c, _MOST_LISTED, now)
    ):
        name = one.row.pipeline_name
        if name not in readable:
            readable[name] = not await refusal(visit, READ_PIPELINE, pipeline_arn(visit, name))
        if readable[name]:
            shown.append(one)
    return visit.page(
        "approvals.html",
        live=("pipelines", position),
        waiting=[one for one in shown if one.status is Status.WAITING],
        decided=[one for one in shown if one.status is not Status.WAITING],
        shown_at_most=_MOST_LISTED,
    )


async def show(visit: Visit) -> Response:
    """Show one approval: what is asked, what would change, the form; or what was decided."""
    position = await visit.position()
    view = await _load(visit)
    row, action = view.row, view.action
    missing = await _missing(visit, view.review)
    execution = await _execution(visit, row)
    return visit.page(
        "approval.html",
        live=(f"pipeline:{row.pipeline_name}", position),
        approval=row,
        here=pipeline_view.approval_path(row.action_execution_id),
        standing=view.status,
        token=view.token,
        reason=action.error_message if action else None,
        review=view.review,
        few_commits=_FEW_COMMITS,
        views=[change_set_view(each) for each in view.review.change_sets],
        missing=missing,
        stale=await _stale(visit, view.review) if view.token and not missing else (),
        refused=await refusal(visit, _DECIDE, _action_arn(visit, row)),
        needs_comment=action is not None
        and action.input["resolvedConfiguration"].get("IsSummaryRequired") == "true",
        execution=execution,
        trigger=_trigger(execution),
        following=await _following(visit, row),
    )


async def decide(visit: Visit) -> Response:
    """Approve or reject, as the visitor: IAM and the token that the form carried decide."""
    row = (await _seen(visit)).row
    try:
        await visit.call(
            "codepipeline",
            "PutApprovalResult",
            {
                "pipelineName": row.pipeline_name,
                "stageName": row.stage_name,
                "actionName": row.action_name,
                "token": visit.form.get("token", ""),
                "result": {
                    "status": visit.form.get("decision", ""),
                    "summary": visit.form.get("summary", "").replace("\r\n", "\n").strip(),
                },
            },
        )
    except ServiceError as error:
        if error.code not in {"ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"}:
            raise
        return visit.message(
            HTTPStatus.CONFLICT, "Your answer changed nothing", error.message, error.code
        )
    return visit.go(pipeline_view.approval_path(row.action_execution_id))


async def _load(visit: Visit) -> ApprovalView:
    """Return the approval to somebody who may read its pipeline; raises ServiceError."""
    wanted, now = visit.label("action_execution_id"), visit.site.clock()
    found = await visit.site.outbox.database.read(lambda c: approval_view.read(c, wanted, now))
    if found is None:
        raise ServiceError("ApprovalNotFound", f"Approval {wanted} does not exist", status=404)
    await authorize(visit, READ_PIPELINE, pipeline_arn(visit, found.row.pipeline_name))
    return found


async def _seen(visit: Visit) -> ApprovalView:
    """Return the approval to somebody who may see all of it; raises ServiceError."""
    assert visit.principal is not None, "this page needs a login"
    site, place = visit.site, visit.site.in_process
    views = ApprovalViews(
        site.outbox.database,
        place.authorize,
        site.clock,
        region=place.region,
        account_id=place.account_id,
    )
    return await views.of(visit.principal, visit.label("action_execution_id"))


async def _missing(visit: Visit, shown: Review) -> Sequence[str]:
    """Return why the visitor may not see this review's change sets, a sentence for each stack."""
    stacks = dict.fromkeys(each.stack_id for each in shown.change_sets)
    refusals = [await refusal(visit, READ_CHANGE_SET, stack) for stack in stacks]
    return [text for text in refusals if text]


async def _stale(visit: Visit, shown: Review) -> Sequence[str]:
    """Return a sentence for each change set that could not be executed any more."""
    found = []
    for each in shown.change_sets:
        if each.empty:
            continue
        try:
            now = await visit.call(
                "cloudformation",
                "DescribeChangeSet",
                {"ChangeSetName": each.arn, "StackName": each.stack_id},
            )
        except ServiceError as error:
            reason = error.message
        else:
            if now["ExecutionStatus"] == "AVAILABLE":
                continue
            reason = f"{now['ExecutionStatus']}. {now.get('StatusReason', '')}".strip()
        found.append(unusable_words(each.name, reason))
    return found


def _action_arn(visit: Visit, row: ApprovalRow) -> str:
    return pipeline_arn(visit, f"{row.pipeline_name}/{row.stage_name}/{row.action_name}")


async def _execution(visit: Visit, row: ApprovalRow) -> Mapping[str, Any] | None:
    """Return the pipeline's execution; None when it is gone, or not for this visitor."""
    try:
        found = await visit.call(
            "codepipeline",
            "GetPipelineExecution",
            {"pipelineName": row.pipeline_name, "pipelineExecutionId": row.execution_id},
        )
    except ServiceError:
        return None
    execution: Mapping[str, Any] = found["pipelineExecution"]
    return execution


def _trigger(execution: Mapping[str, Any] | None) -> str:
    trigger = execution.get("trigger", {}) if execution else {}
    return pipeline_view.trigger_words(
        trigger.get("triggerType", ""), trigger.get("triggerDetail", "")
    )


async def _following(visit: Visit, row: ApprovalRow) -> Sequence[Mapping[str, Any]]:
    """Return the actions that the execution began after the decision, oldest first."""
    if row.decided_at is None:
        return ()
    wanted = {"pipelineExecutionId": row.execution_id}
    try:
        found = await visit.call(
            "codepipeline",
            "ListActionExecutions",
            {"pipelineName": row.pipeline_name, "filter": wanted},
        )
    except ServiceError:
        return ()
    return [
        shown_action(one)
        for one in reversed(found["actionExecutionDetails"])
        if one["startTime"] >= row.decided_at
    ]
