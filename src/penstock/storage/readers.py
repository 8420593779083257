"""Reads beside the writer: threads with a connection each, which take what waits together.

To hand a read to a thread and its result back costs several times what finding a row does. So
when there are many more reads than threads, a thread takes its share and answers it at once.
"""

import queue
import threading

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
                outcomes = [attempt(connection, unit, savepoint=False) for unit in batch]
        except BaseException as error:
            abandon(connection)
            deliver([Outcome(unit.future, error=error) for unit in batch])
            return None
        deliver(outcomes)
        return connection
