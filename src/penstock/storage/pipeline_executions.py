"""Queries on pipeline executions and their stage runs. Status changes are conditional: they
return False when the row was not in a status from which the change is allowed."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.tables.pipelines import pipeline_executions, pipelines, stage_runs

_UNFINISHED = ("InProgress", "Stopping")

# Statements of the engine's path are built once: building one costs more than running it.
# One equality per column: for `status IN (...)`, or to sort by number, SQLite would walk the
# pipeline's whole history instead.
_ACTIVE_OF_PIPELINE = sa.union_all(
    *(
        pipeline_executions.select().where(
            pipeline_executions.c.pipeline_id == sa.bindparam("pipeline_id"),
            pipeline_executions.c.status == status,
        )
        for status in _UNFINISHED
    )
)
_RUNS_OF_EXECUTIONS = stage_runs.select().where(
    stage_runs.c.execution_id.in_(sa.bindparam("execution_ids", expanding=True))
)
_PROGRESS = _RUNS_OF_EXECUTIONS.with_only_columns(
    stage_runs.c.execution_id, stage_runs.c.stage_name, stage_runs.c.status, stage_runs.c.attempt
)
_BY_ID = pipeline_executions.select().where(pipeline_executions.c.id == sa.bindparam("of_id"))
_UPDATE = pipeline_executions.update().where(pipeline_executions.c.id == sa.bindparam("of_id"))
_INSERT = pipeline_executions.insert()
_NEXT_NUMBER = (
    pipelines.update()
    .where(pipelines.c.id == sa.bindparam("of_id"))
    .values(executions=pipelines.c.executions + 1)
    .returning(pipelines.c.executions)
)
_ARRIVE = stage_runs.insert()


@functools.cache
def _move(statuses: int) -> sa.Update:
    """Return the update of an execution in one of so many statuses; parameters are its values."""
    return _UPDATE.where(pipeline_executions.c.status.in_(_allowed(statuses)))


@functools.cache
def _move_stage(statuses: int) -> sa.Update:
    """Return the update of a stage run in one of so many statuses; parameters are its values."""
    return stage_runs.update().where(
        stage_runs.c.execution_id == sa.bindparam("of_execution"),
        stage_runs.c.stage_name == sa.bindparam("of_stage"),
        stage_runs.c.status.in_(_allowed(statuses)),
    )


def _allowed(statuses: int) -> list[sa.BindParameter[str]]:
    return [sa.bindparam(f"allowed_{index}", type_=sa.String) for index in range(statuses)]


def _allowing(statuses: Sequence[str]) -> dict[str, Any]:
    return {f"allowed_{index}": status for index, status in enumerate(statuses)}


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """One execution. `number` counts a pipeline's executions from 1."""

    id: str
    pipeline_id: str
    number: int
    pipeline_version: int
    execution_mode: str
    status: str
    status_summary: str
    trigger_type: str
    trigger_detail: str
    variables: Mapping[str, str]
    source_overrides: Mapping[str, str]
    """Source action → the revision that it must take."""
    source_revisions: Sequence[Mapping[str, Any]]
    """As the API's SourceRevision."""
    artifact_revisions: Sequence[Mapping[str, Any]]
    """As the API's ArtifactRevision, `created` in ISO 8601."""
    stop_reason: str | None
    abandon: bool
    request_token: str | None
    started_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StageRunRow:
    """One execution's passage through one stage."""

    execution_id: str
    stage_name: str
    pipeline_id: str
    number: int
    status: str
    attempt: int
    arrived_at: datetime
    entered_at: datetime | None
    updated_at: datetime


def next_number(connection: sa.Connection, pipeline_id: str) -> int:
    """Take the pipeline's next execution number."""
    number: int = connection.execute(_NEXT_NUMBER, {"of_id": pipeline_id}).scalar_one()
    return number


def insert(connection: sa.Connection, row: ExecutionRow) -> None:
    """Store a new execution."""
    values = {name: getattr(row, name) for name in ExecutionRow.__slots__}
    for name in ("variables", "source_overrides"):
        values[name] = dict(values[name])
    for name in ("source_revisions", "artifact_revisions"):
        values[name] = list(values[name])
    connection.execute(_INSERT, values)


def get(connection: sa.Connection, execution_id: str) -> ExecutionRow | None:
    """Return the execution, or None."""
    row = connection.execute(_BY_ID, {"of_id": execution_id}).first()
    return ExecutionRow(**row._mapping) if row else None


def get_by_token(connection: sa.Connection, pipeline_id: str, token: str) -> ExecutionRow | None:
    """Return the execution that a start with this client request token made, or None."""
    row = connection.execute(
        pipeline_executions.select().where(
            pipeline_executions.c.pipeline_id == pipeline_id,
            pipeline_executions.c.request_token == token,
        )
    ).first()
    return ExecutionRow(**row._mapping) if row else None


def newest(connection: sa.Connection, pipeline_id: str) -> ExecutionRow | None:
    """Return the pipeline's newest execution, or None."""
    row = connection.execute(
        pipeline_executions.select()
        .where(pipeline_executions.c.pipeline_id == pipeline_id)
        .order_by(pipeline_executions.c.number.desc())
        .limit(1)
    ).first()
    return ExecutionRow(**row._mapping) if row else None


def active(connection: sa.Connection, pipeline_id: str) -> list[ExecutionRow]:
    """Return the executions that have not ended, in order of number."""
    rows = connection.execute(_ACTIVE_OF_PIPELINE, {"pipeline_id": pipeline_id})
    found = [ExecutionRow(**row._mapping) for row in rows]
    return sorted(found, key=lambda row: row.number)


def active_pipelines(connection: sa.Connection) -> list[str]:
    """Return the ids of all pipelines with an execution that has not ended."""
    rows = connection.execute(
        sa.select(pipeline_executions.c.pipeline_id)
        .where(pipeline_executions.c.status.in_(_UNFINISHED))
        .distinct()
        .order_by(pipeline_executions.c.pipeline_id)
    )
    return [row[0] for row in rows]


def scan(
    connection: sa.Connection,
    pipeline_id: str,
    before: int | None,
    limit: int,
    succeeded_in_stage: str | None = None,
) -> list[ExecutionRow]:
    """Return at most `limit` executions with numbers below `before`, newest first."""
    query = pipeline_executions.select().where(pipeline_executions.c.pipeline_id == pipeline_id)
    order = pipeline_executions.c.number
    if succeeded_in_stage is not None:
        query = query.join(stage_runs, stage_runs.c.execution_id == pipeline_executions.c.id).where(
            stage_runs.c.pipeline_id == pipeline_id,
            stage_runs.c.stage_name == succeeded_in_stage,
            stage_runs.c.status == "Succeeded",
        )
        order = stage_runs.c.number
    if before is not None:
        query = query.where(order < before)
    rows = connection.execute(query.order_by(order.desc()).limit(limit))
    return [ExecutionRow(**row._mapping) for row in rows]


def move(
    connection: sa.Connection,
    execution_id: str,
    allowed: Sequence[str],
    status: str,
    summary: str,
    now: datetime,
) -> bool:
    """Give the execution another status if it is in one of `allowed`."""
    values = {"status": status, "status_summary": summary, "updated_at": now}
    parameters = {"of_id": execution_id, **_allowing(allowed), **values}
    return connection.execute(_move(len(allowed)), parameters).rowcount == 1


def request_stop(
    connection: sa.Connection, execution_id: str, *, reason: str, abandon: bool, now: datetime
) -> bool:
    """Mark the execution Stopping if it is in progress, or to be abandoned if it is Stopping."""
    result = connection.execute(
        pipeline_executions.update()
        .where(
            pipeline_executions.c.id == execution_id,
            pipeline_executions.c.status.in_(_UNFINISHED),
        )
        .values(status="Stopping", stop_reason=reason, abandon=abandon, updated_at=now)
    )
    return result.rowcount == 1


def resume(connection: sa.Connection, execution_id: str, now: datetime) -> bool:
    """Put an execution that failed or was stopped back in progress, for a retry."""
    result = connection.execute(
        pipeline_executions.update()
        .where(
            pipeline_executions.c.id == execution_id,
            pipeline_executions.c.status.in_(("Failed", "Stopped")),
        )
        .values(
            status="InProgress",
            status_summary="",
            stop_reason=None,
            abandon=False,
            updated_at=now,
        )
    )
    return result.rowcount == 1


def add_revision(
    connection: sa.Connection,
    execution: ExecutionRow,
    source: Mapping[str, Any],
    artifacts: Sequence[Mapping[str, Any]],
) -> None:
    """Record the revision that a source action took; it replaces the action's earlier one."""
    names = {artifact["name"] for artifact in artifacts}
    kept = [r for r in execution.source_revisions if r["actionName"] != source["actionName"]]
    others = [r for r in execution.artifact_revisions if r["name"] not in names]
    values = {"source_revisions": [*kept, source], "artifact_revisions": [*others, *artifacts]}
    connection.execute(_UPDATE, {"of_id": execution.id, **values})


def arrive(connection: sa.Connection, execution: ExecutionRow, stage: str, now: datetime) -> None:
    """Put the execution in front of the stage, for the first time."""
    connection.execute(
        _ARRIVE,
        {
            "execution_id": execution.id,
            "stage_name": stage,
            "pipeline_id": execution.pipeline_id,
            "number": execution.number,
            "status": "Inbound",
            "attempt": 1,
            "arrived_at": now,
            "entered_at": None,
            "updated_at": now,
        },
    )


def move_stage(
    connection: sa.Connection,
    execution_id: str,
    stage: str,
    allowed: Sequence[str],
    status: str,
    now: datetime,
    **values: Any,
) -> bool:
    """Give a stage run another status if it is in one of `allowed`; `values` are set with it."""
    place = {"of_execution": execution_id, "of_stage": stage, **_allowing(allowed)}
    parameters = {**place, "status": status, "updated_at": now, **values}
    return connection.execute(_move_stage(len(allowed)), parameters).rowcount == 1


def stage_run(connection: sa.Connection, execution_id: str, stage: str) -> StageRunRow | None:
    """Return an execution's passage through a stage, or None."""
    row = connection.execute(
        stage_runs.select().where(
            stage_runs.c.execution_id == execution_id, stage_runs.c.stage_name == stage
        )
    ).first()
    return StageRunRow(**row._mapping) if row else None


def stage_runs_of(connection: sa.Connection, execution_ids: Sequence[str]) -> list[StageRunRow]:
    """Return the passages of these executions."""
    rows = connection.execute(_RUNS_OF_EXECUTIONS, {"execution_ids": execution_ids})
    return [StageRunRow(**row._mapping) for row in rows]


def progress(
    connection: sa.Connection, execution_ids: Sequence[str]
) -> list[tuple[str, str, str, int]]:
    """Return (execution, stage, status, attempt) of these executions' passages."""
    rows = connection.execute(_PROGRESS, {"execution_ids": execution_ids})
    return [tuple(row) for row in rows]


def inbound(connection: sa.Connection, pipeline_id: str) -> dict[str, list[StageRunRow]]:
    """Return the executions waiting in front of each stage, oldest first."""
    ids = [row.id for row in active(connection, pipeline_id)]
    runs = [run for run in stage_runs_of(connection, ids) if run.status == "Inbound"]
    waiting: dict[str, list[StageRunRow]] = {}
    for run in sorted(runs, key=lambda run: run.number):
        waiting.setdefault(run.stage_name, []).append(run)
    return waiting
