"""Values read from the database and kept in memory until the next change.

One process writes the database (the data directory's lock), so a change seen here is every
change. Replacing the whole dictionary makes a slow reader's stale answer land in the old one.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from penstock.storage.database import Database, Work

T = TypeVar("T")
R = TypeVar("R")
_MOST_KEPT = 10_000


class KeptValues(Generic[T]):
    """Answers by key. Only what exists is kept: nobody fills the memory with guesses."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, T] = {}

    async def get(self, key: str, load: Callable[[sa.Connection, str], T | None]) -> T | None:
        """Return the kept value, or what `load` reads."""
        kept = self._kept
        found = kept.get(key)
        if found is None:
            found = await self._database.read(lambda connection: load(connection, key))
            if found is not None and len(kept) < _MOST_KEPT:
                kept[key] = found
        return found

    def forget(self) -> None:
        """Drop everything kept; safe from any thread."""
        self._kept = {}


async def write_and_forget(database: Database, work: Work[R], *readings: KeptValues[Any]) -> R:
    """Run a unit of work; its caller goes on once `readings` have forgotten what they kept.

    They forget in the writer thread, so also when the caller is cancelled meanwhile.
    """
    future = database.submit(work)

    def forget(_: object) -> None:
        for reading in readings:
            reading.forget()

    future.add_done_callback(forget)
    return await asyncio.shield(asyncio.wrap_future(future))
