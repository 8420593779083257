"""Reads beside the writer: threads with a connection each, which take what waits together.

To hand a read to a thread and its result back costs several times what finding a row does. So
when there are many more reads than threads, a thread takes its share and answers it at once.
"""

import queue
import threading
from functools import partial

import sqlalchemy as sa

from penstock.storage.sqlite import readers_of
from penstock.storage.units import (
    Outcome,
    T,
    Unit,
    UnitQueue,
    Work,
    abandon,
    attempt,
    call,
    deliver,
    next_batch,
)

_MOST_TOGETHER = 16
"""So many wait for a slow one at most."""


class Readers:
    """Threads that answer reads, on connections that refuse to write."""

    def __init__(self, engine: sa.Engine, threads: int) -> None:
        self._engine = readers_of(engine)
        self._queue: UnitQueue = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._read_loop, name=f"penstock-reader-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, unit: Unit) -> None:
        """Queue a read; it sees all that was committed by now."""
        self._queue.put(unit)

    def read_now(self, work: Work[T]) -> T:
        """Read in the calling thread."""
        with self._engine.connect() as connection:
            return call(work, connection)

    def close(self) -> None:
        """Answer what is queued, then close the connections; put nothing after that."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._engine.dispose()

    def _read_loop(self) -> None:
        connection: sa.Connection | None = None
        closing = False
        while not closing:
            batch, closing = next_batch(self._queue, self._share)
            if batch:
                connection = self._answer(connection, batch)
            batch.clear()  # before the next one comes, which may be long
        if connection is not None:
            connection.close()

    def _share(self) -> int:
        return min(_MOST_TOGETHER, max(1, self._queue.qsize() // len(self._threads)))

    def _answer(self, connection: sa.Connection | None, batch: list[Unit]) -> sa.Connection | None:
        """Answer all from one snapshot; return the connection while it is sound.

        The snapshot is taken after all of them were asked, so it has what each must see.
        """
        try:
            if connection is None:
                connection = self._engine.connect()
            with connection.begin():
                wanted = (unit for unit in batch if not unit.future.cancelled())
                outcomes = list(map(partial(attempt, connection, savepoint=False), wanted))
        except BaseException as error:
            abandon(connection)
            if len(batch) > 1:
                return self._answer_each(batch)
            deliver([Outcome(unit.future, error=error) for unit in batch])
            return None
        deliver(outcomes)
        return connection

    def _answer_each(self, batch: list[Unit]) -> sa.Connection | None:
        """Answer each from a snapshot of its own: one of them lost the one of all."""
        connection: sa.Connection | None = None
        for unit in batch:
            connection = self._answer(connection, [unit])
        return connection
