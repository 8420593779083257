"""Tasks between their rows and their records, and the event that goes with every change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from penstock.storage import ecs_tasks, outbox
from penstock.storage.ecs_tasks import TaskRow
from penstock.workloads.task_records import ContainerRecord, HealthStatus, TaskRecord, TaskStatus

STATE_CHANGED = "ecs.TaskStateChanged"
"""Subject: the task's ARN. Detail: clusterArn, group, lastStatus, desiredStatus, healthStatus."""

_SAME = (
    "arn", "cluster_arn", "task_definition_arn", "started_by", "launch_type", "network_mode",
    "overrides", "tags", "private_ipv4", "stop_code", "stopped_reason", "created_at",
    "pull_started_at", "pull_stopped_at", "started_at", "stopping_at", "execution_stopped_at",
    "stopped_at", "version",
)  # fmt: skip


def record(row: TaskRow) -> TaskRecord:
    """Return a stored task as a value."""
    return TaskRecord(
        task_id=row.id,
        group=row.task_group,
        last_status=TaskStatus(row.last_status),
        desired_status=TaskStatus(row.desired_status),
        health_status=HealthStatus(row.health_status),
        containers=tuple(msgspec.convert(each, ContainerRecord) for each in row.containers),
        **{name: getattr(row, name) for name in _SAME},
    )


def row(task: TaskRecord) -> TaskRow:
    """Return a task as it is stored."""
    return TaskRow(id=task.task_id, **_values(task))


def insert(connection: sa.Connection, task: TaskRecord) -> bool:
    """Store a new task and publish it; return False when there is one with its id."""
    if not ecs_tasks.insert(connection, row(task)):
        return False
    _publish(connection, task, task.created_at)
    return True


def change(connection: sa.Connection, before: TaskRecord, after: TaskRecord, now: datetime) -> bool:
    """Store `after` in place of `before` and publish it; False when the task has moved on."""
    values = _values(after)
    del values["version"]
    if not ecs_tasks.update(connection, before.task_id, before.version, **values):
        return False
    if _shown(before) != _shown(after):
        _publish(connection, after, now)
    return True


def _values(task: TaskRecord) -> dict[str, Any]:
    return {
        "task_group": task.group,
        "last_status": str(task.last_status),
        "desired_status": str(task.desired_status),
        "health_status": str(task.health_status),
        "containers": [msgspec.to_builtins(each) for each in task.containers],
        **{name: getattr(task, name) for name in _SAME},
    }


def _publish(connection: sa.Connection, task: TaskRecord, now: datetime) -> None:
    outbox.publish(connection, STATE_CHANGED, task.arn, _shown(task), now)


def _shown(task: TaskRecord) -> Mapping[str, str]:
    return {
        "clusterArn": task.cluster_arn,
        "group": task.group,
        "lastStatus": str(task.last_status),
        "desiredStatus": str(task.desired_status),
        "healthStatus": str(task.health_status),
    }
