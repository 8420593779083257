"""Queries on action executions. A row that ended never changes again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.tables.pipelines import action_executions

_IN_PROGRESS = action_executions.c.status == sa.literal_column("'InProgress'")
"""A literal, not a parameter: SQLite uses the partial index only when it sees it."""

# Statements of the engine's path are built once: building one costs more than running it.
_INSERT = action_executions.insert()
_BY_ID = action_executions.select().where(action_executions.c.id == sa.bindparam("action_id"))
_RUNNING_EXTERNALLY = sa.select(action_executions.c.id).where(
    action_executions.c.external_execution_id == sa.bindparam("external_id"), _IN_PROGRESS
)
_UPDATE_IN_PROGRESS = action_executions.update().where(
    action_executions.c.id == sa.bindparam("action_id"), _IN_PROGRESS
)
_STATUSES = (
    sa.select(
        action_executions.c.execution_id,
        action_executions.c.stage_name,
        action_executions.c.action_name,
        action_executions.c.id,
        action_executions.c.status,
    )
    .where(
        action_executions.c.execution_id.in_(sa.bindparam("execution_ids", expanding=True)),
        action_executions.c.counts.is_(True),
    )
    .order_by(action_executions.c.sequence)
)


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action execution. `counts` is False once a retry has replaced it.

    `input` holds what the action was started with: actionTypeId, configuration,
    resolvedConfiguration, roleArn, region, namespace, inputArtifacts and outputArtifacts
    (each name, bucket, key), sourceRevision, upstreamRevisions.
    """

    sequence: int
    id: str
    pipeline_id: str
    pipeline_name: str
    execution_id: str
    pipeline_version: int
    stage_name: str
    action_name: str
    attempt: int
    counts: bool
    status: str
    input: Mapping[str, Any]
    output_variables: Mapping[str, str]
    continuation_token: str | None
    external_execution_id: str
    external_execution_url: str
    summary: str
    error_code: str | None
    error_message: str | None
    started_at: datetime
    updated_at: datetime


def insert(connection: sa.Connection, **values: Any) -> ActionRow:
    """Store a new action execution, InProgress, and return it (without its sequence)."""
    fixed = {
        "status": "InProgress",
        "counts": True,
        "output_variables": {},
        "external_execution_id": "",
        "external_execution_url": "",
        "summary": "",
    }
    connection.execute(_INSERT, {**fixed, **values})
    absent = {"sequence": 0, "continuation_token": None, "error_code": None, "error_message": None}
    return ActionRow(**{**absent, **fixed, **values})


def get(connection: sa.Connection, action_id: str) -> ActionRow | None:
    """Return the action execution, or None."""
    row = connection.execute(_BY_ID, {"action_id": action_id}).first()
    return ActionRow(**row._mapping) if row else None


def of_ids(connection: sa.Connection, action_ids: Collection[str]) -> dict[str, ActionRow]:
    """Return those of these action executions that exist, by their id."""
    rows = connection.execute(
        action_executions.select().where(action_executions.c.id.in_(action_ids))
    )
    return {row.id: ActionRow(**row._mapping) for row in rows}


def running(connection: sa.Connection) -> list[ActionRow]:
    """Return every action execution in progress, oldest first."""
    running_now = sa.select(action_executions.c.sequence).where(_IN_PROGRESS)
    rows = connection.execute(
        action_executions.select()
        .where(action_executions.c.sequence.in_(running_now))
        .order_by(action_executions.c.sequence)
    )
    return [ActionRow(**row._mapping) for row in rows]


def running_externally(connection: sa.Connection, external_execution_id: str) -> list[str]:
    """Return the ids of actions in progress whose provider works under this id."""
    rows = connection.execute(_RUNNING_EXTERNALLY, {"external_id": external_execution_id})
    return [row[0] for row in rows]


def counting(connection: sa.Connection, execution_ids: Sequence[str]) -> list[ActionRow]:
    """Return the action executions of these executions that no retry has replaced."""
    rows = connection.execute(
        action_executions.select()
        .where(
            action_executions.c.execution_id.in_(execution_ids),
            action_executions.c.counts.is_(True),
        )
        .order_by(action_executions.c.sequence)
    )
    return [ActionRow(**row._mapping) for row in rows]


def statuses(
    connection: sa.Connection, execution_ids: Sequence[str]
) -> list[tuple[str, str, str, str, str]]:
    """Return (execution, stage, action, id, status) of what `counting` returns."""
    rows = connection.execute(_STATUSES, {"execution_ids": execution_ids})
    return [tuple(row) for row in rows]


def set_progress(
    connection: sa.Connection,
    action_id: str,
    *,
    token: str,
    external_id: str,
    external_url: str,
    summary: str,
    now: datetime,
) -> bool:
    """Store the provider's continuation token of an action in progress."""
    values = {
        "continuation_token": token,
        "external_execution_id": external_id,
        "external_execution_url": external_url,
        "summary": summary,
        "updated_at": now,
    }
    result = connection.execute(_UPDATE_IN_PROGRESS, {"action_id": action_id, **values})
    return result.rowcount == 1


def finish(
    connection: sa.Connection, action_id: str, status: str, now: datetime, **values: Any
) -> bool:
    """End an action execution that is in progress; `values` are set with its status."""
    parameters = {"action_id": action_id, "status": status, "updated_at": now, **values}
    return connection.execute(_UPDATE_IN_PROGRESS, parameters).rowcount == 1


def discount(
    connection: sa.Connection, execution_id: str, stage: str, names: Collection[str]
) -> int:
    """Let what the stage's actions of these names did count no more; return how many did."""
    result = connection.execute(
        action_executions.update()
        .where(
            action_executions.c.execution_id == execution_id,
            action_executions.c.stage_name == stage,
            action_executions.c.action_name.in_(list(names)),
            action_executions.c.counts.is_(True),
            action_executions.c.status != "InProgress",
        )
        .values(counts=False)
    )
    return result.rowcount


def latest(
    connection: sa.Connection, pipeline_id: str, stage: str, action: str
) -> ActionRow | None:
    """Return the newest execution of one action of a pipeline, or None."""
    row = connection.execute(
        action_executions.select()
        .where(
            action_executions.c.pipeline_id == pipeline_id,
            action_executions.c.stage_name == stage,
            action_executions.c.action_name == action,
        )
        .order_by(action_executions.c.sequence.desc())
        .limit(1)
    ).first()
    return ActionRow(**row._mapping) if row else None


def scan(
    connection: sa.Connection,
    pipeline_id: str,
    before: int | None,
    limit: int,
    execution_id: str | None = None,
) -> list[ActionRow]:
    """Return at most `limit` action executions with sequences below `before`, newest first."""
    table = action_executions.c
    query = action_executions.select().where(table.pipeline_id == pipeline_id)
    if execution_id is not None:
        query = query.where(table.execution_id == execution_id)
    if before is not None:
        query = query.where(table.sequence < before)
    rows = connection.execute(query.order_by(table.sequence.desc()).limit(limit))
    return [ActionRow(**row._mapping) for row in rows]
