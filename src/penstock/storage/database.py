"""The database: one writer with group commit, separate readers.

All writes go through one thread that opens `BEGIN IMMEDIATE`, runs every waiting unit of
work in a savepoint of its own, and commits once; callers' futures resolve after that
commit, so what was acknowledged is on disk. A unit that raises is rolled back alone.
Readers use connections of their own and never wait for the writer (WAL).
"""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from penstock.errors import EngineError
from penstock.storage.sqlite import readers_of, sqlite_engine

T = TypeVar("T")
Work = Callable[[sa.Connection], T]
AfterCommit = Callable[[], None]

_MOST_IN_ONE_COMMIT = 256
_TOPICS = "penstock_topics"
_logger = logging.getLogger(__name__)


def announce(connection: sa.Connection, topic: str) -> None:
    """Have the `after_commit` callbacks of `topic` called once this unit of work is durable."""
    connection.info.setdefault(_TOPICS, set()).add(topic)


@dataclass(frozen=True, slots=True)
class _Unit:
    """One unit of work and the future that its caller waits on, in a thread or in a loop."""

    work: Work[Any]
    future: Future[Any] | asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a unit's future will say after the commit: a result, or the error it raised."""

    future: Future[Any] | asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def resolve(self) -> None:
        if self.future.done():  # its caller was cancelled
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Database:
    """Open with `Database.open(path)`, end with `close()`. Methods are safe from any task."""

    def __init__(self, engine: sa.Engine, reader_threads: int = 4) -> None:
        self._engine = engine
        self._reading = readers_of(engine)
        self._queue: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._readers = ThreadPoolExecutor(reader_threads, thread_name_prefix="penstock-reader")
        self._after_commit: list[tuple[AfterCommit, str | None]] = []
        self._writer = threading.Thread(
            target=self._write_loop, name="penstock-writer", daemon=True
        )
        self._writer.start()

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open the SQLite file at `path` (made when absent); migrations are `migrate`'s."""
        return cls(sqlite_engine(path))

    @property
    def engine(self) -> sa.Engine:
        """The engine, for migrations and tests."""
        return self._engine

    def after_commit(self, callback: AfterCommit, topic: str | None = None) -> None:
        """Call `callback` in the writer thread after each commit, or after those with `topic`.

        It must not block. A topic is what a unit of work announced (`announce`).
        """
        self._after_commit.append((callback, topic))

    async def write(self, work: Work[T]) -> T:
        """Run `work` in the writer and return its result once it is durable.

        `work` runs in the writer thread and must do nothing but use its connection. What it
        raises reaches the caller, and its changes are undone. Raises EngineError when the
        database itself fails (disk full, locked by another program); nothing was written
        then. Cancelling the caller does not undo the write.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(_Unit(work, future))
        return await future

    def submit(self, work: Work[T]) -> "Future[T]":
        """Queue `work` and return at once; the future resolves after the commit."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # from here on it cannot be cancelled
        self._put(_Unit(work, future))
        return future

    def _put(self, unit: _Unit) -> None:
        with self._closing:
            if self._closed:
                raise EngineError("the database is closed: the server is stopping", retryable=False)
            self._queue.put(unit)

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a reader's connection, seeing one snapshot of committed data.

        The connection refuses to write.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Work[T]) -> T:
        """As `read`, in the calling thread; for start-up and tests."""
        with self._reading.connect() as connection:
            return _call(work, connection)

    def close(self) -> None:
        """Finish queued writes, then close every connection; repeating it does nothing."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self._readers.shutdown(wait=True)
        self._reading.dispose()
        self._engine.dispose()

    def _write_loop(self) -> None:
        connection: sa.Connection | None = None
        closing = False
        while not closing:
            batch, closing = self._next_batch()
            if batch:
                connection = self._commit(connection, batch)
        if connection is not None:
            connection.close()

    def _next_batch(self) -> tuple[list[_Unit], bool]:
        """Wait for a unit, take those queued behind it; True when it is time to end."""
        batch: list[_Unit] = []
        unit = self._queue.get()
        while unit is not None:
            batch.append(unit)
            if len(batch) >= _MOST_IN_ONE_COMMIT:
                return batch, False
            try:
                unit = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, connection: sa.Connection | None, batch: list[_Unit]) -> sa.Connection | None:
        """Run and commit `batch`, resolve its futures; return the connection while it is sound."""
        try:
            if connection is None:
                connection = self._engine.connect()
            connection.info.pop(_TOPICS, None)
            with connection.begin() as transaction:
                alone = len(batch) == 1  # then the transaction itself can be rolled back
                outcomes = [_attempt(connection, unit, savepoint=not alone) for unit in batch]
                if alone and outcomes[0].error is not None:
                    transaction.rollback()
        except BaseException as error:
            _abandon(connection)
            _deliver([_Outcome(unit.future, error=_nothing_written(error)) for unit in batch])
            return None
        _deliver(outcomes)
        self._call_back(connection.info.pop(_TOPICS, set()))
        return connection

    def _call_back(self, topics: set[str]) -> None:
        for callback, topic in self._after_commit:
            if topic is None or topic in topics:
                try:
                    callback()
                except Exception:
                    _logger.exception("a callback after a commit failed; the commit stands")


def _attempt(connection: sa.Connection, unit: _Unit, *, savepoint: bool) -> _Outcome:
    """Run one unit; raise only when the whole transaction is lost."""
    if savepoint:  # by the driver: Connection.begin_nested costs more than most units
        _driver_sql(connection, "SAVEPOINT penstock_unit")
    try:
        outcome = _Outcome(unit.future, result=_call(unit.work, connection))
    except BaseException as error:
        outcome = _Outcome(unit.future, error=error)
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


def _deliver(outcomes: Sequence[_Outcome]) -> None:
    """Resolve the futures; those of one loop in one wake-up of that loop."""
    of_loops: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
    for outcome in outcomes:
        if isinstance(outcome.future, asyncio.Future):
            of_loops.setdefault(outcome.future.get_loop(), []).append(outcome)
        else:
            outcome.resolve()
    for loop, theirs in of_loops.items():
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits
            loop.call_soon_threadsafe(_resolve, theirs)


def _resolve(outcomes: Sequence[_Outcome]) -> None:
    for outcome in outcomes:
        outcome.resolve()


def _nothing_written(error: BaseException) -> EngineError:
    failure = EngineError(
        f"the database could not commit, and nothing was written: {error}", retryable=True
    )
    failure.__cause__ = error
    return failure


def _abandon(connection: sa.Connection | None) -> None:
    """Close a connection of unknown state, and never use its like again."""
    if connection is not None:
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            connection.invalidate()
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            connection.close()


def _call(work: Work[T], connection: sa.Connection) -> T:
    """Run `work`; StopIteration, which no future can carry, becomes RuntimeError."""
    try:
        return work(connection)
    except StopIteration as error:
        raise RuntimeError("a unit of work raised StopIteration") from error
