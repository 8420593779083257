"""Units of work on a connection: taken from a queue, carried out, and answered together."""

import asyncio
import contextlib
import inspect
import queue
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from penstock.errors import EngineError

T = TypeVar("T")
Work = Callable[[sa.Connection], T]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of work and the future that its caller waits on, in a thread or in a loop."""

    work: Work[Any]
    future: Future[Any] | asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a unit's future will say at the end of the transaction: a result, or its error."""

    future: Future[Any] | asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def resolve(self) -> None:
        """Tell the caller, unless it was cancelled."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


UnitQueue = queue.SimpleQueue[Unit | None]


def next_batch(waiting: UnitQueue, most: Callable[[], int]) -> tuple[list[Unit], bool]:
    """Wait for a unit, take those queued behind it; True when it is time to end (None came).

    `most()`, asked when the first is there, says how many to take.
    """
    batch: list[Unit] = []
    unit = waiting.get()
    limit = most()
    while unit is not None:
        batch.append(unit)
        if len(batch) >= limit:
            return batch, False
        try:
            unit = waiting.get_nowait()
        except queue.Empty:
            return batch, False
    return batch, True


def attempt(connection: sa.Connection, unit: Unit, *, savepoint: bool) -> Outcome:
    """Run one unit; raise only when the whole transaction is lost."""
    if savepoint:  # by the driver: Connection.begin_nested costs more than most units
        _driver_sql(connection, "SAVEPOINT penstock_unit")
    try:
        outcome = Outcome(unit.future, result=call(unit.work, connection))
    except BaseException as error:
        outcome = Outcome(unit.future, error=error)
    # SQLite ends the transaction by itself on some errors (disk full, I/O): then the savepoints
    # before this one are gone too, and a COMMIT now would silently acknowledge nothing.
    if not getattr(connection.connection.dbapi_connection, "in_transaction", True):
        raise EngineError(
            f"the transaction was lost: {outcome.error}", retryable=True
        ) from outcome.error
    if savepoint:
        if outcome.error is not None:
            _driver_sql(connection, "ROLLBACK TO SAVEPOINT penstock_unit")
        _driver_sql(connection, "RELEASE SAVEPOINT penstock_unit")
    return outcome


def _driver_sql(connection: sa.Connection, text: str) -> None:
    """Carry out a statement that SQLAlchemy need not know of; a tenth of what it costs there."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(text)
    finally:
        cursor.close()


def deliver(outcomes: list[Outcome]) -> None:
    """Resolve the futures, those of one loop in one wake-up of that loop; empty the list.

    What an error came through forgets what it held: results still open, which keep a snapshot of
    the database, and this list, in which the error is, so that only the garbage collector
    would find it and the request that it refused.
    """
    for outcome in outcomes:
        if outcome.error is not None:
            _forget_locals(outcome.error)
    of_loops: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for outcome in outcomes:
        if isinstance(outcome.future, asyncio.Future):
            of_loops.setdefault(outcome.future.get_loop(), []).append(outcome)
        else:
            outcome.resolve()
    outcomes.clear()
    for loop, theirs in of_loops.items():
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits
            loop.call_soon_threadsafe(_resolve, theirs)


def _resolve(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        outcome.resolve()


def _forget_locals(error: BaseException) -> None:
    """Clear the frames that an error and those behind it came through, but not a coroutine's: to
    clear a suspended one would end it."""
    for each in _behind(error):
        for frame, _ in traceback.walk_tb(each.__traceback__):
            if not frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
                with contextlib.suppress(RuntimeError):  # it still runs
                    frame.clear()


def _behind(error: BaseException) -> Iterator[BaseException]:
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            waiting += [one for one in (each.__cause__, each.__context__) if one is not None]
            yield each


def abandon(connection: sa.Connection | None) -> None:
    """Close a connection of unknown state, and never use its like again."""
    if connection is not None:
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            connection.invalidate()
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            connection.close()


def call(work: Work[T], connection: sa.Connection) -> T:
    """Run `work`; StopIteration, which no future can carry, becomes RuntimeError."""
    try:
        return work(connection)
    except StopIteration as error:
        raise RuntimeError("a unit of work raised StopIteration") from error
