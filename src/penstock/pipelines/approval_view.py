"""An approval as people see it: what was asked and shown, and what has become of it.

The console, the command line and `/_penstock/approvals/…` all show this. Nobody sees a review who
may not read its pipeline and every change set in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Authorize, Principal
from penstock.clock import Clock
from penstock.pipelines import approvals as rules
from penstock.pipelines import review
from penstock.pipelines.review import Review
from penstock.storage import action_executions, approvals, pipelines
from penstock.storage.action_executions import ActionRow
from penstock.storage.approvals import ApprovalRow
from penstock.storage.database import Database

READ_PIPELINE = "codepipeline:GetPipelineState"
READ_CHANGE_SET = "cloudformation:DescribeChangeSet"


class Status(StrEnum):
    """What has become of a request for approval."""

    WAITING = "Waiting"
    APPROVED = "Approved"
    REJECTED = "Rejected"
    TIMED_OUT = "TimedOut"
    VOIDED = "Voided"
    """Its pipeline was edited, stopped or deleted, or its action failed, before a decision."""


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """One approval. `action` is None once its pipeline was deleted.

    `token` answers it with PutApprovalResult: None unless somebody may still decide.
    """

    row: ApprovalRow
    action: ActionRow | None
    review: Review
    status: Status
    token: str | None


@dataclass(frozen=True, slots=True)
class ListedApproval:
    """One approval among others; its row is without the review."""

    row: ApprovalRow
    status: Status


class ApprovalViews:
    """The approvals of one server, for those who may see them."""

    def __init__(
        self,
        database: Database,
        authorize: Authorize,
        clock: Clock,
        *,
        region: str,
        account_id: str,
    ) -> None:
        self._database = database
        self._authorize = authorize
        self._clock = clock
        self._place = (region, account_id)

    async def of(self, principal: Principal, action_execution_id: str) -> ApprovalView:
        """Return the approval of an action execution to somebody who may see all of it.

        Raises ServiceError ApprovalNotFound, or AccessDeniedException in AWS's words.
        """
        now = self._clock()
        found = await self._database.read(lambda c: read(c, action_execution_id, now))
        if found is None:
            raise ServiceError(
                "ApprovalNotFound", f"Approval {action_execution_id} does not exist", status=404
            )
        pipeline = arn("codepipeline", *self._place, found.row.pipeline_name)
        await self._authorize(principal, READ_PIPELINE, pipeline)
        for stack_id in dict.fromkeys(each.stack_id for each in found.review.change_sets):
            await self._authorize(principal, READ_CHANGE_SET, stack_id)
        return found


def read(connection: sa.Connection, action_execution_id: str, now: datetime) -> ApprovalView | None:
    """Return the approval as it is, None where there is none. Asks for nobody's permission."""
    row = approvals.get(connection, action_execution_id)
    if row is None:
        return None
    action = action_executions.get(connection, action_execution_id)
    current = pipelines.current_versions(connection, [row.pipeline_id])
    status = _status(row, action, current.get(row.pipeline_id), now)
    told = row.notification_arn is None or row.notified_at is not None
    token = row.token if status is Status.WAITING and told else None
    return ApprovalView(row, action, review.decode(row.review), status, token)


def listed(connection: sa.Connection, limit: int, now: datetime) -> list[ListedApproval]:
    """Return the newest approvals, at most `limit`, and then those older ones that wait."""
    found = [*approvals.newest(connection, limit), *approvals.waiting(connection)]
    rows = {row.action_execution_id: row for row in found}
    actions = action_executions.of_ids(connection, list(rows))
    current = pipelines.current_versions(connection, {row.pipeline_id for row in found})
    return [
        ListedApproval(row, _status(row, actions.get(id_), current.get(row.pipeline_id), now))
        for id_, row in rows.items()
    ]


def described(view: ApprovalView) -> dict[str, Any]:
    """Return the approval for JSON: names in snake case, times in ISO 8601."""
    row, action = view.row, view.action
    given: Mapping[str, str] = action.input["resolvedConfiguration"] if action else {}
    return {
        "action_execution_id": row.action_execution_id,
        "pipeline": row.pipeline_name,
        "execution_id": row.execution_id,
        "stage": row.stage_name,
        "action": row.action_name,
        "status": str(view.status),
        "token": view.token,
        "digest": row.digest,
        "custom_data": row.custom_data,
        "link": row.external_entity_link,
        "summary_required": given.get("IsSummaryRequired") == "true",
        "created_at": row.created_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
        "decided_by": row.decided_by,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
        "comment": row.comment,
        "error": action.error_message if action else None,
        "review": msgspec.to_builtins(view.review),
    }


def _status(
    row: ApprovalRow, action: ActionRow | None, current_version: int | None, now: datetime
) -> Status:
    """Say what has become of a request; `current_version` is its pipeline's, None when gone."""
    if row.decision is not None:
        return Status(row.decision)
    if action is None:
        return Status.VOIDED
    outdated = action.pipeline_version != current_version
    standing = rules.standing(row, action.status, outdated=outdated, now=now)
    if standing in {rules.Standing.OPEN, rules.Standing.UNTOLD}:
        return Status.WAITING
    ended_at = now if action.status == "InProgress" else action.updated_at
    expired = action.status in {"InProgress", "Failed"} and ended_at >= row.expires_at
    return Status.TIMED_OUT if expired else Status.VOIDED
