"""The page of one change set, made by a pipeline or by anybody; and a stack's list of them.

A change set that is gone (CHANGE_SET_REPLACE deletes the one before) is shown as the newest
approval that asked about it showed it: what somebody decided on can be read for ever.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from penstock.aws.errors import ServiceError
from penstock.console import pipeline_view
from penstock.console.change_view import change_set_view
from penstock.console.permissions import authorize, pipeline_arn, refusal
from penstock.console.visit import Visit
from penstock.pipelines import review
from penstock.pipelines.approval_view import READ_CHANGE_SET, READ_PIPELINE
from penstock.pipelines.review import ReviewedChangeSet
from penstock.storage import approvals, change_sets
from penstock.storage.approvals import ApprovalRow
from penstock.storage.change_sets import ChangeSetRow, ExecutedRow


async def show(visit: Visit) -> Response:
    """Show the change set that `arn` names."""
    position = await visit.position()
    wanted = visit.request.query_params.get("arn", "")

    def read(connection: sa.Connection) -> tuple[ChangeSetRow | None, ApprovalRow | None]:
        return change_sets.get(connection, wanted), approvals.reviewing(connection, wanted)

    row, asked = await visit.site.outbox.database.read(read)
    described: Mapping[str, Any] | None = None
    if row is not None:
        request = {"ChangeSetName": wanted, "StackName": row.stack_id}
        described = await visit.call("cloudformation", "DescribeChangeSet", request)
        found = await visit.site.reviewed(wanted)
    else:
        found = _as_reviewed(asked, wanted)
        await authorize(visit, READ_CHANGE_SET, found.stack_id)
    if asked is not None and await refusal(
        visit, READ_PIPELINE, pipeline_arn(visit, asked.pipeline_name)
    ):
        asked = None
    return visit.page(
        "change_set.html",
        live=(f"stack:{found.stack_name}", position),
        view=change_set_view(found),
        described=described,
        asked=asked,
        asked_path=pipeline_view.approval_path(asked.action_execution_id) if asked else "",
    )


def _as_reviewed(asked: ApprovalRow | None, arn: str) -> ReviewedChangeSet:
    """Return the change set as an approval has it; raises ServiceError where none does."""
    shown = review.decode(asked.review).change_sets if asked else ()
    found = next((each for each in shown if each.arn == arn), None)
    if found is None:
        raise ServiceError("ChangeSetNotFoundException", f"ChangeSet [{arn}] does not exist")
    return found


async def of_stack(visit: Visit, stack_id: str) -> Sequence[Mapping[str, Any]]:
    """Return the stack's change sets, newest first, as ListChangeSets has them, and those that
    were executed, which it leaves out.

    Each has its plan's `Digest` ("" without a plan) and its page's `path` besides. None for those
    who may not list them, and of a stack that is deleted.
    """
    found: list[dict[str, Any]] = []
    request: dict[str, Any] = {"StackName": stack_id}
    while True:
        try:
            answer = await visit.call("cloudformation", "ListChangeSets", request)
        except ServiceError:
            return ()
        found += answer["Summaries"]
        if not answer.get("NextToken"):
            break
        request["NextToken"] = answer["NextToken"]

    def read(connection: sa.Connection) -> tuple[list[ExecutedRow], Mapping[str, str | None]]:
        executed = change_sets.executed(connection, stack_id)
        return executed, change_sets.digests(connection, stack_id)

    executed, digests = await visit.site.outbox.database.read(read)
    found += map(_summary, executed)
    found.sort(key=lambda each: each["CreationTime"])
    return [
        {
            **each,
            "Digest": digests.get(each["ChangeSetId"]) or "",
            "path": pipeline_view.change_set_path(each["ChangeSetId"]),
        }
        for each in reversed(found)
    ]


def _summary(row: ExecutedRow) -> dict[str, Any]:
    """Return what ListChangeSets would tell of a change set that was executed."""
    return {
        "ChangeSetId": row.arn,
        "ChangeSetName": row.name,
        "Status": row.status,
        "StatusReason": row.status_reason or "",
        "ExecutionStatus": row.execution_status,
        "CreationTime": row.created_at,
    }
