"""Queries on manual approvals. A decision is written once: its update is conditional."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.storage.tables.approvals import approvals, reviewed_change_sets
from penstock.storage.tables.pipelines import action_executions

_IN_PROGRESS = action_executions.c.status == sa.literal_column("'InProgress'")
"""A literal, not a parameter: SQLite uses the partial index only when it sees it."""


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """What one execution of an approval action asked, and what was decided.

    `review` is the JSON of a `pipelines.review.Review`: what the approver is shown, fixed when
    the approval began. `digest` names it, None where nothing is to be executed. `decision` is
    Approved or Rejected; whether a request without one is still open, its action's status says.
    """

    action_execution_id: str
    pipeline_id: str
    pipeline_name: str
    execution_id: str
    stage_name: str
    action_name: str
    token: str
    review: str
    created_at: datetime
    expires_at: datetime
    digest: str | None = None
    custom_data: str | None = None
    external_entity_link: str | None = None
    notification_arn: str | None = None
    notified_at: datetime | None = None
    decision: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    comment: str | None = None
    ordinal: int = 0


_COLUMNS = tuple(name for name in ApprovalRow.__slots__ if name != "ordinal")
_LISTED = tuple(column for column in approvals.c if column.name != "review")


def insert(connection: sa.Connection, row: ApprovalRow, change_set_arns: Iterable[str]) -> bool:
    """Store a request for approval; False when this action's stands already.

    `change_set_arns` are those that its review shows.
    """
    if get(connection, row.action_execution_id) is not None:
        return False
    connection.execute(approvals.insert().values(**{name: getattr(row, name) for name in _COLUMNS}))
    shown = [
        {"change_set_arn": arn, "action_execution_id": row.action_execution_id}
        for arn in dict.fromkeys(change_set_arns)
    ]
    if shown:
        connection.execute(reviewed_change_sets.insert(), shown)
    return True


def get(connection: sa.Connection, action_execution_id: str) -> ApprovalRow | None:
    """Return the approval of an action execution, or None."""
    return _first(connection, approvals.c.action_execution_id == action_execution_id)


def by_token(connection: sa.Connection, token: str) -> ApprovalRow | None:
    """Return the request of that token, or None."""
    return _first(connection, approvals.c.token == token)


def of_actions(
    connection: sa.Connection, action_execution_ids: Sequence[str]
) -> dict[str, ApprovalRow]:
    """Return the approvals among these action executions, by the action execution's id.

    Their reviews, which may be long, are left out: here they are "".
    """
    rows = connection.execute(
        sa.select(*_LISTED).where(approvals.c.action_execution_id.in_(action_execution_ids))
    )
    return {row.action_execution_id: ApprovalRow(review="", **row._mapping) for row in rows}


def of_execution(connection: sa.Connection, execution_id: str) -> list[ApprovalRow]:
    """Return the approvals that an execution asked for, oldest first; retried ones included."""
    rows = connection.execute(
        approvals.select()
        .where(approvals.c.execution_id == execution_id)
        .order_by(approvals.c.ordinal)
    )
    return [ApprovalRow(**row._mapping) for row in rows]


def waiting(connection: sa.Connection) -> list[ApprovalRow]:
    """Return the requests that somebody may still decide on, oldest first, without reviews."""
    rows = connection.execute(
        sa.select(*_LISTED)
        .join(action_executions, action_executions.c.id == approvals.c.action_execution_id)
        .where(_IN_PROGRESS, approvals.c.decision.is_(None))
        .order_by(approvals.c.ordinal)
    )
    return [ApprovalRow(review="", **row._mapping) for row in rows]


def newest(connection: sa.Connection, limit: int) -> list[ApprovalRow]:
    """Return at most `limit` approvals of all pipelines, newest first, without reviews."""
    rows = connection.execute(sa.select(*_LISTED).order_by(approvals.c.ordinal.desc()).limit(limit))
    return [ApprovalRow(review="", **row._mapping) for row in rows]


def reviewing(connection: sa.Connection, change_set_arn: str) -> ApprovalRow | None:
    """Return the newest approval whose review shows this change set, or None."""
    shown_by = sa.select(reviewed_change_sets.c.action_execution_id).where(
        reviewed_change_sets.c.change_set_arn == change_set_arn
    )
    row = connection.execute(
        approvals.select()
        .where(approvals.c.action_execution_id.in_(shown_by))
        .order_by(approvals.c.ordinal.desc())
        .limit(1)
    ).first()
    return None if row is None else ApprovalRow(**row._mapping)


def decide(
    connection: sa.Connection,
    action_execution_id: str,
    *,
    decision: str,
    decided_by: str,
    comment: str,
    now: datetime,
) -> bool:
    """Write the decision; False when there is one already."""
    result = connection.execute(
        approvals.update()
        .where(
            approvals.c.action_execution_id == action_execution_id,
            approvals.c.decision.is_(None),
        )
        .values(decision=decision, decided_by=decided_by, comment=comment, decided_at=now)
    )
    return result.rowcount == 1


def set_notified(connection: sa.Connection, action_execution_id: str, now: datetime) -> bool:
    """Note that the message went to its topic; False when that was noted before."""
    result = connection.execute(
        approvals.update()
        .where(
            approvals.c.action_execution_id == action_execution_id,
            approvals.c.notified_at.is_(None),
        )
        .values(notified_at=now)
    )
    return result.rowcount == 1


def _first(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> ApprovalRow | None:
    row = connection.execute(approvals.select().where(condition)).first()
    return None if row is None else ApprovalRow(**row._mapping)
