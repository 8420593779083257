"""Rows that are due at some time, and the loop that takes each of them up then.

At least once: a row stands until an attempt at it has removed it, so what a stop or a crash
interrupts is taken up again at the next start.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa

from penstock.background_work import BackgroundWork
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.storage.database import Database

_LONGEST_SLEEP_SECONDS = 60.0
_TROUBLE_SECONDS = 5.0


class DueRow(Protocol):
    """One row of a queue."""

    @property
    def key(self) -> Hashable:
        """What tells the row from all others."""
        ...

    @property
    def receiver(self) -> str:
        """For whom it is: receivers do not take each other's turns."""
        ...


Row = TypeVar("Row", bound=DueRow)
Row_co = TypeVar("Row_co", bound=DueRow, covariant=True)


class DueRows(Protocol[Row_co]):
    """A module of queries on such rows."""

    ACCEPTED: str
    """What is announced when a row was stored."""

    def due(
        self,
        connection: sa.Connection,
        now: datetime,
        *,
        limit: int,
        under_way: Collection[Any],
        full: Collection[str],
    ) -> Sequence[Row_co]:
        """Return at most `limit` rows that are due, the longest waiting first, but those
        `under_way` (keys) and those for receivers that are `full`."""
        ...

    def next_due_at(self, connection: sa.Connection, after: datetime) -> datetime | None:
        """Return when the first row becomes due that is not due at `after`; None for none."""
        ...


class DueQueue(Generic[Row]):
    """Takes up rows from `start` until `close`, each once at a time.

    A row is taken up when it is stored, when it becomes due, or when one before it has made room.
    """

    def __init__(
        self,
        database: Database,
        rows: DueRows[Row],
        attempt: Callable[[Row], Awaitable[None]],
        clock: Clock,
        *,
        what: str,
        log: logging.Logger,
        most_at_once: int,
        most_to_one: int,
    ) -> None:
        """`attempt` has to remove its row, or to make it due later; where it raises instead, the
        row is taken up again after a pause. `what` the rows are, the log says: a plural.

        `most_to_one` receiver: so that one which never ends holds up only its own. A turn goes to
        a receiver that has the fewest under way, so no backlog of others keeps it out.
        """
        self._database = database
        self._rows = rows
        self._attempt = attempt
        self._clock = clock
        self._what = what
        self._log = log
        self._most_at_once = most_at_once
        self._most_to_one = most_to_one
        self._under_way: dict[Hashable, str] = {}
        """Key to receiver."""
        self._work = BackgroundWork(
            log, f"one of the {what} met an internal error; it is tried again"
        )
        self._wake = asyncio.Event()
        self._heard = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Take up what is due, then what becomes due. Repeating it does nothing."""
        if self._task is not None:
            return
        self._loop = asyncio.get_running_loop()
        if not self._heard:
            self._heard = True
            self._database.after_commit(self._woken_by_writer, self._rows.ACCEPTED)
        self._task = asyncio.create_task(self._run(), name=f"penstock: {self._what}")

    async def close(self) -> None:
        """Stop, and cancel what is under way. Repeating it does nothing."""
        self._loop = None
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._work.close()

    def _woken_by_writer(self) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has closed meanwhile
                loop.call_soon_threadsafe(self._wake.set)

    async def _run(self) -> None:
        while True:
            self._wake.clear()  # before the look: what is stored after it wakes again
            try:
                seconds = await self._begin_due()
            except EngineError as error:
                self._log.warning("%s wait: %s", self._what, error)
                seconds = _TROUBLE_SECONDS
            except Exception:  # noqa: BLE001 (a boundary: without this loop nothing is taken up)
                self._log.exception("%s wait after an internal error", self._what)
                seconds = _TROUBLE_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()

    async def _begin_due(self) -> float:
        """Begin what is due, as far as there is room; return seconds until more may be."""
        now = self._clock()
        await self._begin_most(now, 1)
        for most_of_one in range(2, self._most_to_one + 1):
            if most_of_one - 1 in Counter(self._under_way.values()).values():
                await self._begin_most(now, most_of_one)
        due_at = await self._database.read(lambda c: self._rows.next_due_at(c, now))
        if due_at is None:
            return _LONGEST_SLEEP_SECONDS
        return min(max((due_at - now).total_seconds(), 0.0), _LONGEST_SLEEP_SECONDS)

    async def _begin_most(self, now: datetime, most_of_one: int) -> None:
        """Begin what is due, as far as there is room, until so many for each receiver run."""
        while (room := self._most_at_once - len(self._under_way)) > 0:
            to_one = Counter(self._under_way.values())
            rows = await self._due(now, room, to_one, most_of_one)
            if not rows:
                return
            for row in rows:
                if to_one[row.receiver] < most_of_one:
                    to_one[row.receiver] += 1
                    self._under_way[row.key] = row.receiver
                    self._work.spawn(self._take_up(row))

    async def _due(
        self, now: datetime, room: int, to_one: Counter[str], most_of_one: int
    ) -> Sequence[Row]:
        under_way = list(self._under_way)
        full = [receiver for receiver, count in to_one.items() if count >= most_of_one]
        return await self._database.read(
            lambda c: self._rows.due(c, now, limit=room, under_way=under_way, full=full)
        )

    async def _take_up(self, row: Row) -> None:
        try:
            await self._attempt(row)
        except EngineError as error:
            self._log.warning("one of the %s (%s) waits: %s", self._what, row.key, error)
            await asyncio.sleep(_TROUBLE_SECONDS)
        except Exception:
            await asyncio.sleep(_TROUBLE_SECONDS)  # it is still due: no loop without a pause
            raise
        finally:
            del self._under_way[row.key]
            self._wake.set()
