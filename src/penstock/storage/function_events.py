"""Queries on events that functions were invoked with: at least once, until they end."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.storage.database import announce
from penstock.storage.tables.function_events import function_events

ACCEPTED = "function-events"
"""What `insert` announces: an event is due."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of a function, which `function_generation` tells from others of its name; `sealed`
    is its payload, encrypted, `attempts` those that failed."""

    request_id: str
    function_name: str
    function_generation: str
    sealed: str
    attempts: int
    accepted_at: datetime
    due_at: datetime

    @property
    def key(self) -> str:
        """What tells the event from all others."""
        return self.request_id

    @property
    def receiver(self) -> str:
        """The function's name."""
        return self.function_name


def insert(connection: sa.Connection, row: EventRow) -> None:
    """Store an event."""
    values = {name: getattr(row, name) for name in EventRow.__slots__}
    connection.execute(function_events.insert().values(**values))
    announce(connection, ACCEPTED)


def due(
    connection: sa.Connection,
    now: datetime,
    *,
    limit: int,
    under_way: Collection[str],
    full: Collection[str],
) -> list[EventRow]:
    """Return at most `limit` events that are due, the longest waiting first.

    Those `under_way`, by request id, and those of functions whose name is in `full` are left out.
    """
    rows = connection.execute(
        function_events.select()
        .where(
            function_events.c.due_at <= now,
            function_events.c.request_id.not_in(under_way),
            function_events.c.function_name.not_in(full),
        )
        .order_by(function_events.c.due_at, function_events.c.request_id)
        .limit(limit)
    )
    return [EventRow(**row._mapping) for row in rows]


def next_due_at(connection: sa.Connection, after: datetime) -> datetime | None:
    """Return when the first event becomes due that is not due at `after`; None for none."""
    found: datetime | None = connection.execute(
        sa.select(sa.func.min(function_events.c.due_at)).where(function_events.c.due_at > after)
    ).scalar()
    return found


def postpone(connection: sa.Connection, row: EventRow, due_at: datetime, *, attempts: int) -> bool:
    """Note how many attempts have failed and when the next is due; False when another did."""
    result = connection.execute(
        function_events.update()
        .where(
            function_events.c.request_id == row.request_id,
            function_events.c.attempts == row.attempts,
        )
        .values(attempts=attempts, due_at=due_at)
    )
    return result.rowcount == 1


def finish(connection: sa.Connection, request_id: str) -> None:
    """Remove an event. Repeating is safe."""
    connection.execute(function_events.delete().where(function_events.c.request_id == request_id))


def remove_of(connection: sa.Connection, function_name: str) -> None:
    """Remove the events of a function. Repeating is safe."""
    connection.execute(
        function_events.delete().where(function_events.c.function_name == function_name)
    )
