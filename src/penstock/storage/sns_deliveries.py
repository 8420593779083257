"""Queries on messages that SNS has accepted and not yet brought everywhere.

A message stands there while at least one delivery of it does: nothing else reads it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.database import announce
from penstock.storage.tables.sns_deliveries import sns_deliveries, sns_messages

ACCEPTED = "sns-deliveries"
"""What `insert` announces: deliveries are due."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One message's way to one subscription. `attempts` are those that were made."""

    ordinal: int
    message_id: str
    subscription_arn: str
    attempts: int
    accepted_at: datetime
    due_at: datetime

    @property
    def key(self) -> int:
        """What tells the delivery from all others."""
        return self.ordinal

    @property
    def receiver(self) -> str:
        """The subscription's ARN."""
        return self.subscription_arn


def insert(
    connection: sa.Connection,
    message_id: str,
    document: Mapping[str, Any],
    subscription_arns: Sequence[str],
    now: datetime,
) -> None:
    """Store a message and its deliveries, due at once; without subscriptions nothing."""
    if not subscription_arns:
        return
    connection.execute(sns_messages.insert().values(message_id=message_id, document=dict(document)))
    connection.execute(
        sns_deliveries.insert(),
        [
            {
                "message_id": message_id,
                "subscription_arn": subscription_arn,
                "attempts": 0,
                "accepted_at": now,
                "due_at": now,
            }
            for subscription_arn in subscription_arns
        ],
    )
    announce(connection, ACCEPTED)


def due(
    connection: sa.Connection,
    now: datetime,
    *,
    limit: int,
    under_way: Collection[int],
    full: Collection[str],
) -> list[DeliveryRow]:
    """Return at most `limit` deliveries that are due, the longest waiting first.

    Those `under_way`, by ordinal, and those to subscriptions that are `full` are left out.
    """
    rows = connection.execute(
        sns_deliveries.select()
        .where(
            sns_deliveries.c.due_at <= now,
            sns_deliveries.c.ordinal.not_in(under_way),
            sns_deliveries.c.subscription_arn.not_in(full),
        )
        .order_by(sns_deliveries.c.due_at, sns_deliveries.c.ordinal)
        .limit(limit)
    )
    return [DeliveryRow(**row._mapping) for row in rows]


def next_due_at(connection: sa.Connection, after: datetime) -> datetime | None:
    """Return when the first delivery becomes due that is not due at `after`; None for none."""
    found: datetime | None = connection.execute(
        sa.select(sa.func.min(sns_deliveries.c.due_at)).where(sns_deliveries.c.due_at > after)
    ).scalar()
    return found


def message(connection: sa.Connection, message_id: str) -> Mapping[str, Any] | None:
    """Return a message's document, None once it was brought everywhere."""
    found: Mapping[str, Any] | None = connection.execute(
        sa.select(sns_messages.c.document).where(sns_messages.c.message_id == message_id)
    ).scalar()
    return found


def postpone(connection: sa.Connection, row: DeliveryRow, due_at: datetime) -> bool:
    """Note one more attempt and when the next is due; False when another noted it before."""
    result = connection.execute(
        sns_deliveries.update()
        .where(sns_deliveries.c.ordinal == row.ordinal, sns_deliveries.c.attempts == row.attempts)
        .values(attempts=row.attempts + 1, due_at=due_at)
    )
    return result.rowcount == 1


def finish(connection: sa.Connection, row: DeliveryRow) -> None:
    """Remove a delivery, and its message with the last of them. Repeating is safe."""
    connection.execute(sns_deliveries.delete().where(sns_deliveries.c.ordinal == row.ordinal))
    remaining = connection.execute(
        sa.select(sa.func.count()).where(sns_deliveries.c.message_id == row.message_id)
    ).scalar()
    if not remaining:
        connection.execute(sns_messages.delete().where(sns_messages.c.message_id == row.message_id))
