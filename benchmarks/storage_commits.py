"""Durable commits through the storage layer, beside raw sqlite3 on the same disk, in one run.

    python -m benchmarks.storage_commits [--seconds 3] [--directory DIR]

Each writer inserts one row and waits until it is durable. `raw` is sqlite3 with the same
settings (WAL, synchronous FULL, BEGIN IMMEDIATE) in one thread; `storage` is
`Database.write`, first from one task, then from 64 at once (group commit). Rounds
alternate, so that a change of the machine's pace meets all of them.
"""

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from penstock.storage.database import Database

_ROUNDS = 5
_CONCURRENT = 64
_TABLE = sa.Table(
    "steps",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("detail", sa.String),
)
_DETAIL = "x" * 200


def raw(path: Path, seconds: float) -> float:
    """Return commits per second of sqlite3 alone, one row each."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE steps (id INTEGER PRIMARY KEY, detail VARCHAR)")
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO steps (detail) VALUES (?)", (_DETAIL,))
        connection.execute("COMMIT")
        done += 1
    elapsed = time.perf_counter() - start
    connection.close()
    return done / elapsed


def storage(path: Path, seconds: float, tasks: int) -> float:
    """Return rows per second made durable by `tasks` writers through the storage layer."""
    database = Database.open(path)
    _TABLE.metadata.create_all(database.engine)
    try:
        return asyncio.run(_storage(database, seconds, tasks))
    finally:
        database.close()


async def _storage(database: Database, seconds: float, tasks: int) -> float:
    start = time.perf_counter()

    async def write() -> int:
        done = 0
        while time.perf_counter() - start < seconds:
            await database.write(lambda c: c.execute(_TABLE.insert().values(detail=_DETAIL)))
            done += 1
        return done

    done = sum(await asyncio.gather(*(write() for _ in range(tasks))))
    return done / (time.perf_counter() - start)


def main() -> None:
    """Measure and print a row per way, with its ratio to raw sqlite3."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each of the rounds")
    parser.add_argument("--directory", type=Path, help="where to write; a temporary one")
    arguments = parser.parse_args()
    ways: dict[str, Callable[[Path], float]] = {
        "raw sqlite3, one writer": lambda path: raw(path, arguments.seconds),
        "storage, one writer": lambda path: storage(path, arguments.seconds, 1),
        f"storage, {_CONCURRENT} writers at once": lambda path: storage(
            path, arguments.seconds, _CONCURRENT
        ),
    }
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
                measured[name].append(way(Path(directory) / "bench.db"))
    reference = statistics.median(measured["raw sqlite3, one writer"])
    print(f"| Way | Durable rows/s, median of {_ROUNDS} | Range | To raw |\n|---|---|---|---|")
    for name, rates in measured.items():
        rate = statistics.median(rates)
        print(
            f"| {name} | {rate:.0f} | {min(rates):.0f}-{max(rates):.0f} | {rate / reference:.2f} |"
        )


if __name__ == "__main__":
    main()
