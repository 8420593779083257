"""Queries on the events of ECS services; of each service the newest hundred are kept, as on AWS."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock import ids
from penstock.storage.tables.ecs_service_events import ecs_service_events as table

KEPT = 100


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """One event, as DescribeServices shows it."""

    id: str
    message: str
    created_at: datetime


def append(
    connection: sa.Connection, service_arn: str, messages: Sequence[str], now: datetime
) -> None:
    """Add events in their order and let go of the oldest ones."""
    if not messages:
        return
    connection.execute(
        table.insert(),
        [
            {"id": ids.new_uuid(), "service_arn": service_arn, "message": text, "created_at": now}
            for text in messages
        ],
    )
    oldest = connection.execute(
        sa.select(table.c.position)
        .where(table.c.service_arn == service_arn)
        .order_by(table.c.position.desc())
        .offset(KEPT)
        .limit(1)
    ).scalar()
    if oldest is not None:
        connection.execute(
            table.delete().where(table.c.service_arn == service_arn, table.c.position <= oldest)
        )


def newest(connection: sa.Connection, service_arn: str) -> list[ServiceEvent]:
    """Return a service's events, the newest first."""
    rows = connection.execute(
        sa.select(table.c.id, table.c.message, table.c.created_at)
        .where(table.c.service_arn == service_arn)
        .order_by(table.c.position.desc())
    )
    return [ServiceEvent(*row) for row in rows]


def forget(connection: sa.Connection, service_arn: str) -> None:
    """Remove a service's events: another service takes its name."""
    connection.execute(table.delete().where(table.c.service_arn == service_arn))
