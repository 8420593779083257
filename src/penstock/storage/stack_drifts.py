"""Queries on detections of drift and their results."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.storage.tables.stack_drifts import stack_drift_detections, stack_resource_drifts

IN_PROGRESS = "DETECTION_IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class DetectionRow:
    """One detection on a stack of that serial; `sealed` holds what was asked for."""

    id: str
    stack_id: str
    serial: int
    status: str
    drift_status: str | None
    reason: str | None
    drifted: int | None
    started_at: datetime
    sealed: str


@dataclass(frozen=True, slots=True)
class ResourceDriftRow:
    """What was last found of one resource; `sealed` holds the properties and differences."""

    stack_id: str
    logical_id: str
    type: str
    physical_id: str
    status: str
    reason: str | None
    sealed: str
    checked_at: datetime


# Built once: every description of a stack asks this.
_ENDED = (
    stack_drift_detections.select()
    .where(
        stack_drift_detections.c.stack_id.in_(sa.bindparam("its_stack_ids", expanding=True)),
        stack_drift_detections.c.status != IN_PROGRESS,
    )
    .order_by(stack_drift_detections.c.started_at, stack_drift_detections.c.id)
)


def begin(connection: sa.Connection, row: DetectionRow) -> bool:
    """Store a new detection; False when another is in progress on its stack."""
    running = connection.execute(
        sa.select(stack_drift_detections.c.id).where(
            stack_drift_detections.c.stack_id == row.stack_id,
            stack_drift_detections.c.status == IN_PROGRESS,
        )
    ).first()
    if running is not None:
        return False
    values = {name: getattr(row, name) for name in DetectionRow.__slots__}
    connection.execute(stack_drift_detections.insert().values(**values))
    return True


def end(
    connection: sa.Connection,
    detection_id: str,
    status: str,
    drift_status: str,
    reason: str | None,
    drifted: int,
) -> None:
    """Store the end of a detection that is in progress."""
    connection.execute(
        stack_drift_detections.update()
        .where(
            stack_drift_detections.c.id == detection_id,
            stack_drift_detections.c.status == IN_PROGRESS,
        )
        .values(status=status, drift_status=drift_status, reason=reason, drifted=drifted)
    )


def get(connection: sa.Connection, detection_id: str) -> DetectionRow | None:
    """Return the detection, or None."""
    row = connection.execute(
        stack_drift_detections.select().where(stack_drift_detections.c.id == detection_id)
    ).first()
    return DetectionRow(**row._mapping) if row else None


def unfinished(connection: sa.Connection) -> list[DetectionRow]:
    """Return the detections in progress, oldest first."""
    rows = connection.execute(
        stack_drift_detections.select()
        .where(stack_drift_detections.c.status == IN_PROGRESS)
        .order_by(stack_drift_detections.c.started_at, stack_drift_detections.c.id)
    )
    return [DetectionRow(**row._mapping) for row in rows]


def newest(connection: sa.Connection, stack_ids: Collection[str]) -> dict[str, DetectionRow]:
    """Return the newest detection that has ended of each of these stacks."""
    rows = connection.execute(_ENDED, {"its_stack_ids": list(stack_ids)})
    return {row.stack_id: DetectionRow(**row._mapping) for row in rows}


def put_resource(connection: sa.Connection, row: ResourceDriftRow) -> None:
    """Store what was found of a resource, in place of what was found before."""
    values = {name: getattr(row, name) for name in ResourceDriftRow.__slots__}
    connection.execute(
        stack_resource_drifts.delete().where(
            stack_resource_drifts.c.stack_id == row.stack_id,
            stack_resource_drifts.c.logical_id == row.logical_id,
        )
    )
    connection.execute(stack_resource_drifts.insert().values(**values))


def resources(connection: sa.Connection, stack_id: str) -> list[ResourceDriftRow]:
    """Return what was last found of a stack's resources, in order of logical id."""
    rows = connection.execute(
        stack_resource_drifts.select()
        .where(stack_resource_drifts.c.stack_id == stack_id)
        .order_by(stack_resource_drifts.c.logical_id)
    )
    return [ResourceDriftRow(**row._mapping) for row in rows]
