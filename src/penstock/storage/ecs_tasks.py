"""Queries on ECS tasks. A change is conditional on the version that it was decided on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.tables.ecs_tasks import ecs_log_positions, ecs_tasks

STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One stored task. `containers` hold the shape that `workloads/ecs/task_state.py` describes,
    `overrides` the API's TaskOverride."""

    id: str
    arn: str
    cluster_arn: str
    task_definition_arn: str
    task_group: str
    launch_type: str
    network_mode: str
    last_status: str
    desired_status: str
    health_status: str
    created_at: datetime
    containers: Sequence[Mapping[str, Any]] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    started_by: str | None = None
    private_ipv4: str | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    pull_started_at: datetime | None = None
    pull_stopped_at: datetime | None = None
    started_at: datetime | None = None
    stopping_at: datetime | None = None
    execution_stopped_at: datetime | None = None
    stopped_at: datetime | None = None
    version: int = 1
    ordinal: int = 0


_COLUMNS = tuple(name for name in TaskRow.__slots__ if name != "ordinal")


def _row(row: sa.Row[Any]) -> TaskRow:
    return TaskRow(**row._mapping)


def insert(connection: sa.Connection, task: TaskRow) -> bool:
    """Store a new task; return False when there is one with its id already."""
    if get(connection, task.id) is not None:
        return False
    values = {name: getattr(task, name) for name in _COLUMNS}
    values["containers"] = [dict(container) for container in task.containers]
    connection.execute(ecs_tasks.insert().values(**values))
    return True


def get(connection: sa.Connection, task_id: str) -> TaskRow | None:
    """Return the task, or None."""
    row = connection.execute(ecs_tasks.select().where(ecs_tasks.c.id == task_id)).first()
    return _row(row) if row else None


def unfinished(connection: sa.Connection) -> list[TaskRow]:
    """Return every task that is not STOPPED, oldest first."""
    rows = connection.execute(
        ecs_tasks.select().where(ecs_tasks.c.last_status != STOPPED).order_by(ecs_tasks.c.ordinal)
    )
    return [_row(row) for row in rows]


def of_cluster(
    connection: sa.Connection,
    cluster_arn: str,
    *,
    group: str | None = None,
    stopped_after: datetime | None = None,
) -> list[TaskRow]:
    """Return a cluster's tasks, oldest first: those not STOPPED, and the STOPPED ones that
    ended after the moment, if one is given."""
    alive = ecs_tasks.c.last_status != STOPPED
    if stopped_after is not None:
        alive = sa.or_(alive, ecs_tasks.c.stopped_at > stopped_after)
    query = ecs_tasks.select().where(ecs_tasks.c.cluster_arn == cluster_arn, alive)
    if group is not None:
        query = query.where(ecs_tasks.c.task_group == group)
    return [_row(row) for row in connection.execute(query.order_by(ecs_tasks.c.ordinal))]


def update(connection: sa.Connection, task_id: str, version: int, /, **values: Any) -> bool:
    """Change a task that is still in `version`; return False when it has moved on."""
    result = connection.execute(
        ecs_tasks.update()
        .where(ecs_tasks.c.id == task_id, ecs_tasks.c.version == version)
        .values(version=version + 1, **values)
    )
    return result.rowcount == 1


def delete_stopped(connection: sa.Connection, before: datetime) -> None:
    """Forget the tasks that stopped before the moment."""
    connection.execute(
        ecs_tasks.delete().where(
            ecs_tasks.c.last_status == STOPPED, ecs_tasks.c.stopped_at < before
        )
    )


@dataclass(frozen=True, slots=True)
class LogPosition:
    """How far a container's output is stored: from the moment `since_ns` on, `skip` of the
    engine's lines are, none of them later than `last_ns` (nanoseconds since the epoch); the next
    goes to `offset` of the log stream."""

    task_id: str
    container: str
    since_ns: int
    skip: int
    last_ns: int
    offset: int


def log_position(connection: sa.Connection, task_id: str, container: str) -> LogPosition | None:
    """Return how far a container's output is stored; None before its first line."""
    row = connection.execute(
        ecs_log_positions.select().where(
            ecs_log_positions.c.task_id == task_id, ecs_log_positions.c.container == container
        )
    ).first()
    return LogPosition(**row._mapping) if row else None


def put_log_position(connection: sa.Connection, position: LogPosition) -> None:
    """Store a position in place of the former one."""
    connection.execute(
        ecs_log_positions.delete().where(
            ecs_log_positions.c.task_id == position.task_id,
            ecs_log_positions.c.container == position.container,
        )
    )
    values = {name: getattr(position, name) for name in LogPosition.__slots__}
    connection.execute(ecs_log_positions.insert().values(**values))


def delete_log_positions(connection: sa.Connection, task_id: str) -> None:
    """Forget the positions of a task that has ended. Safe to repeat."""
    connection.execute(ecs_log_positions.delete().where(ecs_log_positions.c.task_id == task_id))
