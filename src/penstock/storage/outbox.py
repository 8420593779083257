"""Events, in the order of their commits: the one list that loops and consoles follow.

`publish` is called inside a unit of work, so an event exists exactly when its cause does;
the position is assigned by the writer at commit. `Outbox.wait` wakes in-process followers
after each commit; after a restart a follower resumes from its own stored position.
"""

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from penstock.storage.database import Database, announce
from penstock.storage.prepared import Prepared
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

_TOPIC = "outbox"
_MOST_AT_ONCE = 500

# Built once: building a statement costs more than running it.
_INSERT = Prepared(events.insert(), ["kind", "subject", "detail", "occurred_at"])
_AFTER = (
    events.select()
    .where(events.c.position > sa.bindparam("after"))
    .order_by(events.c.position)
    .limit(sa.bindparam("most"))
)
_AFTER_OF_KINDS = _AFTER.where(events.c.kind.in_(sa.bindparam("kinds", expanding=True)))


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


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event before it has its position."""

    kind: str
    subject: str
    detail: Mapping[str, Any]
    occurred_at: datetime


def publish(
    connection: sa.Connection, kind: str, subject: str, detail: Mapping[str, Any], now: datetime
) -> None:
    """Record an event in the caller's unit of work, and wake followers once it is durable."""
    publish_all(connection, [NewEvent(kind, subject, detail, now)])


def publish_all(connection: sa.Connection, new: Sequence[NewEvent]) -> None:
    """As `publish`, several events in their order; none is harmless."""
    if not new:
        return
    _INSERT.execute_all(
        connection,
        [
            {
                "kind": event.kind,
                "subject": event.subject,
                "detail": dict(event.detail),
                "occurred_at": event.occurred_at,
            }
            for event in new
        ],
    )
    announce(connection, _TOPIC)
    for kind in {event.kind for event in new}:
        announce(connection, _topic_of(kind))


def _topic_of(kind: str) -> str:
    return f"{_TOPIC}:{kind}"


def read_after(
    connection: sa.Connection,
    position: int,
    limit: int = _MOST_AT_ONCE,
    kinds: Collection[str] | None = None,
) -> list[Event]:
    """Return at most `limit` events after `position`, oldest first; only of `kinds` if given."""
    place: dict[str, Any] = {"after": position, "most": limit}
    if kinds is None:
        rows = connection.execute(_AFTER, place)
    else:
        rows = connection.execute(_AFTER_OF_KINDS, {**place, "kinds": sorted(kinds)})
    return [Event(*row) for row in rows]


def last_position(connection: sa.Connection) -> int:
    """Return the newest event's position, 0 when there is none."""
    return connection.execute(sa.select(sa.func.max(events.c.position))).scalar() or 0


class Outbox:
    """Wakes followers when an event was committed. One per server, made in its event loop."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._loop = asyncio.get_running_loop()
        self._waiters: dict[asyncio.Future[None], frozenset[str]] = {}
        self._heard: dict[str, int] = {}

    async def next_after(
        self, position: int, limit: int = _MOST_AT_ONCE, kinds: Collection[str] | None = None
    ) -> list[Event]:
        """Return the events after `position`, waiting until there is at least one.

        With `kinds`, events of other kinds neither wake the caller nor are read.
        """
        topics = frozenset({_TOPIC} if kinds is None else map(_topic_of, kinds))
        self._listen(topics)
        while True:
            before = self._commits_with(topics)
            found = await self.database.read(lambda c: read_after(c, position, limit, kinds))
            if found:
                return found
            if before != self._commits_with(topics):
                continue
            waiter = self._loop.create_future()
            self._waiters[waiter] = topics
            try:
                await waiter
            finally:
                del self._waiters[waiter]

    def _listen(self, topics: frozenset[str]) -> None:
        for topic in topics - self._heard.keys():
            self._heard[topic] = 0
            self.database.after_commit(partial(self._notify_from_writer, topic), topic)

    def _commits_with(self, topics: frozenset[str]) -> int:
        return sum(self._heard[topic] for topic in topics)

    def _notify_from_writer(self, topic: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits
            self._loop.call_soon_threadsafe(self._notify, topic)

    def _notify(self, topic: str) -> None:
        self._heard[topic] += 1
        for waiter, topics in self._waiters.items():
            if topic in topics and not waiter.done():
                waiter.set_result(None)
