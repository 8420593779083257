"""The database: one writer with group commit, separate readers.

All writes go through one thread that opens `BEGIN IMMEDIATE`, runs every waiting unit of
work in a savepoint of its own, and commits once; callers' futures resolve after that
commit, so what was acknowledged is on disk. A unit that raises is rolled back alone.
Readers use connections of their own and never wait for the writer (WAL).
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")
Work = Callable[[sa.Connection], T]
AfterCommit = Callable[[], None]

_MOST_IN_ONE_COMMIT = 256


class Database:
    """Open with `Database.open(path)`, end with `close()`. Methods are safe from any task."""

    def __init__(self, engine: sa.Engine, reader_threads: int = 4) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(reader_threads, thread_name_prefix="penstock-reader")
        self._after_commit: list[AfterCommit] = []
        self._writer = threading.Thread(target=self._write_loop, name="penstock-writer")
        self._writer.start()

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open the SQLite file at `path` (made when absent); migrations are `migrate`'s."""
        return cls(sqlite_engine(path))

    @property
    def engine(self) -> sa.Engine:
        """The engine, for migrations and tests."""
        return self._engine

    def after_commit(self, callback: AfterCommit) -> None:
        """Call `callback` in the writer thread after every commit; it must not block."""
        self._after_commit.append(callback)

    async def write(self, work: Work[T]) -> T:
        """Run `work` in the writer and return its result once it is durable.

        `work` runs in the writer thread and must do nothing but use its connection. What it
        raises reaches the caller, and its changes are undone. Cancelling the caller does
        not undo the write.
        """
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    def submit(self, work: Work[T]) -> "Future[T]":
        """Queue `work` and return at once; the future resolves after the commit."""
        future: Future[T] = Future()
        self._queue.put((work, future))
        return future

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a reader's connection, seeing one snapshot of committed data."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._run_reader, work)

    def read_now(self, work: Work[T]) -> T:
        """As `read`, in the calling thread; for start-up and tests."""
        return self._run_reader(work)

    def close(self) -> None:
        """Finish queued writes, then close every connection."""
        self._queue.put(None)
        self._writer.join()
        self._readers.shutdown(wait=True)
        self._engine.dispose()

    def _run_reader(self, work: Work[T]) -> T:
        with self._engine.connect() as connection:
            try:
                return work(connection)
            finally:
                connection.rollback()

    def _write_loop(self) -> None:
        connection = self._engine.connect().execution_options(penstock_writer=True)
        try:
            while True:
                batch, closing = self._next_batch()
                if batch:
                    self._commit(connection, batch)
                if closing:
                    return
        finally:
            connection.close()

    def _next_batch(self) -> tuple[list[tuple[Work[Any], Future[Any]]], bool]:
        batch: list[tuple[Work[Any], Future[Any]]] = []
        item = self._queue.get()
        while True:
            if item is None:
                return batch, True
            batch.append(item)
            if len(batch) >= _MOST_IN_ONE_COMMIT:
                return batch, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False

    def _commit(
        self, connection: sa.Connection, batch: list[tuple[Work[Any], Future[Any]]]
    ) -> None:
        done: list[tuple[Future[Any], Any]] = []
        try:
            with connection.begin():
                for work, future in batch:
                    try:
                        with connection.begin_nested():
                            done.append((future, work(connection)))
                    except Exception as error:  # its caller's, and its alone
                        future.set_exception(error)
        except Exception as error:  # the commit itself failed: nobody's work is durable
            for future, _ in done:
                future.set_exception(error)
            return
        for future, result in done:
            future.set_result(result)
        for callback in self._after_commit:
            with contextlib.suppress(RuntimeError):  # an event loop that has closed
                callback()


def sqlite_engine(path: Path) -> sa.Engine:
    """An engine with WAL, synchronous FULL, foreign keys and `BEGIN IMMEDIATE` for the writer."""
    engine = sa.create_engine(
        f"sqlite:///{path}", connect_args={"check_same_thread": False, "timeout": 30}
    )

    @sa.event.listens_for(engine, "connect")
    def on_connect(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # SQLAlchemy's events say BEGIN, not sqlite3
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        writer = connection.get_execution_options().get("penstock_writer")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine
