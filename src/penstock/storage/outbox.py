"""Events, in the order of their commits: the one list that loops and consoles follow.

`publish` is called inside a unit of work, so an event exists exactly when its cause does;
the position is assigned by the writer at commit. `Outbox.wait` wakes in-process followers
after each commit; after a restart a follower resumes from its own stored position.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.database import Database, announce
from penstock.storage.schema import Timestamp, metadata

events = sa.Table(
    "events",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("occurred_at", Timestamp, nullable=False),
    sqlite_autoincrement=True,
)

_PUBLISHED = "outbox"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened.

    `kind` is `noun.PastParticiple` (`build.Completed`), `subject` an id or ARN.
    """

    position: int
    kind: str
    subject: str
    detail: Mapping[str, Any]
    occurred_at: datetime


def publish(
    connection: sa.Connection, kind: str, subject: str, detail: Mapping[str, Any], now: datetime
) -> None:
    """Record an event in the caller's unit of work, and wake followers once it is durable."""
    connection.execute(
        events.insert().values(kind=kind, subject=subject, detail=dict(detail), occurred_at=now)
    )
    announce(connection, _PUBLISHED)


def read_after(connection: sa.Connection, position: int, limit: int = 500) -> list[Event]:
    """Return at most `limit` events after `position`, oldest first."""
    rows = connection.execute(
        events.select().where(events.c.position > position).order_by(events.c.position).limit(limit)
    )
    return [Event(**row._mapping) for row in rows]


def last_position(connection: sa.Connection) -> int:
    """Return the newest event's position, 0 when there is none."""
    return connection.execute(sa.select(sa.func.max(events.c.position))).scalar() or 0


class Outbox:
    """Wakes followers when an event was committed. One per server, made in its event loop."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._loop = asyncio.get_running_loop()
        self._waiters: set[asyncio.Future[None]] = set()
        self._committed = 0
        database.after_commit(self._notify_from_writer, _PUBLISHED)

    def _notify_from_writer(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits
            self._loop.call_soon_threadsafe(self._notify)

    def _notify(self) -> None:
        self._committed += 1
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def next_after(self, position: int, limit: int = 500) -> list[Event]:
        """Return the events after `position`, waiting until there is at least one."""
        while True:
            seen = self._committed
            found = await self.database.read(lambda c: read_after(c, position, limit))
            if found:
                return found
            if seen != self._committed:
                continue
            waiter = self._loop.create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
