"""The database: one writer with group commit, separate readers.

All writes go through one thread that opens `BEGIN IMMEDIATE`, runs every waiting unit of
work in a savepoint of its own, and commits once; callers' futures resolve after that
commit, so what was acknowledged is on disk. A unit that raises is rolled back alone.
Readers use connections of their own and never wait for the writer (WAL).
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from penstock.errors import EngineError
from penstock.storage.readers import Readers
from penstock.storage.sqlite import sqlite_engine
from penstock.storage.units import (
    Outcome,
    T,
    Unit,
    UnitQueue,
    Work,
    abandon,
    attempt,
    deliver,
    next_batch,
)

__all__ = ["AfterCommit", "Database", "Work", "announce"]

AfterCommit = Callable[[], None]

_MOST_IN_ONE_COMMIT = 256
_TOPICS = "penstock_topics"
_logger = logging.getLogger(__name__)


def announce(connection: sa.Connection, topic: str) -> None:
    """Have the `after_commit` callbacks of `topic` called once this unit of work is durable."""
    connection.info.setdefault(_TOPICS, set()).add(topic)


class Database:
    """Open with `Database.open(path)`, end with `close()`. Methods are safe from any task."""

    def __init__(self, engine: sa.Engine, reader_threads: int = 4) -> None:
        self._engine = engine
        self._queue: UnitQueue = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._readers = Readers(engine, reader_threads)
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
        self._put(Unit(work, future))
        try:
            return await future
        finally:
            del future  # it holds the error that goes through here

    def submit(self, work: Work[T]) -> "Future[T]":
        """Queue `work` and return at once; the future resolves after the commit."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # from here on it cannot be cancelled
        self._put(Unit(work, future))
        return future

    def _put(self, unit: Unit) -> None:
        with self._closing:
            self._refuse_when_closed()
            self._queue.put(unit)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise EngineError("the database is closed: the server is stopping", retryable=False)

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a reader's connection, seeing one snapshot of committed data.

        The connection refuses to write.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._closing:
            self._refuse_when_closed()
            self._readers.put(Unit(work, future))
        try:
            return await future
        finally:
            del future  # it holds the error that goes through here

    def read_now(self, work: Work[T]) -> T:
        """As `read`, in the calling thread; for start-up and tests."""
        return self._readers.read_now(work)

    def close(self) -> None:
        """Finish queued writes, then close every connection; repeating it does nothing."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self._readers.close()
        self._engine.dispose()

    def _write_loop(self) -> None:
        connection: sa.Connection | None = None
        closing = False
        while not closing:
            batch, closing = next_batch(self._queue, lambda: _MOST_IN_ONE_COMMIT)
            if batch:
                connection = self._commit(connection, batch)
            batch.clear()  # before the next one comes, which may be long
        if connection is not None:
            connection.close()

    def _commit(self, connection: sa.Connection | None, batch: list[Unit]) -> sa.Connection | None:
        """Run and commit `batch`, resolve its futures; return the connection while it is sound."""
        try:
            if connection is None:
                connection = self._engine.connect()
            connection.info.pop(_TOPICS, None)
            with connection.begin() as transaction:
                alone = len(batch) == 1  # then the transaction itself can be rolled back
                outcomes = list(map(partial(attempt, connection, savepoint=not alone), batch))
                if alone and outcomes[0].error is not None:
                    transaction.rollback()
        except BaseException as error:
            abandon(connection)
            deliver([Outcome(unit.future, error=_nothing_written(error)) for unit in batch])
            return None
        deliver(outcomes)
        self._call_back(connection.info.pop(_TOPICS, set()))
        return connection

    def _call_back(self, topics: set[str]) -> None:
        for callback, topic in self._after_commit:
            if topic is None or topic in topics:
                try:
                    callback()
                except Exception:
                    _logger.exception("a callback after a commit failed; the commit stands")


def _nothing_written(error: BaseException) -> EngineError:
    failure = EngineError(
        f"the database could not commit, and nothing was written: {error}", retryable=True
    )
    failure.__cause__ = error
    return failure
