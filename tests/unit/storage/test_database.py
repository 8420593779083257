"""The writer's group commit, isolation of units, durability, and readers beside it."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from penstock.errors import EngineError
from penstock.storage.database import Database, announce
from penstock.storage.sqlite import sqlite_engine

_numbers = sa.Table("numbers", sa.MetaData(), sa.Column("number", sa.Integer, primary_key=True))

_ACKNOWLEDGER = """
import asyncio, pathlib, sys
import sqlalchemy as sa
from penstock.storage.database import Database

async def main():
    database = Database.open(pathlib.Path(sys.argv[1]))
    await database.write(lambda c: c.execute(sa.text("CREATE TABLE n (number INTEGER)")))

    async def count(first):
        number = first
        while True:
            await database.write(
                lambda c: c.execute(sa.text("INSERT INTO n VALUES (:n)"), {"n": number}))
            print(number, flush=True)
            number += 8

    await asyncio.gather(*(count(first) for first in range(8)))

asyncio.run(main())
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "test.db")
    _numbers.metadata.create_all(database.engine)
    yield database
    database.close()


def _insert(connection: sa.Connection, number: int) -> int:
    connection.execute(_numbers.insert().values(number=number))
    return number


def _all(connection: sa.Connection) -> list[int]:
    return list(connection.execute(_numbers.select().order_by("number")).scalars())


def _commits(database: Database) -> list[None]:
    commits: list[None] = []
    database.after_commit(lambda: commits.append(None))
    return commits


class _Gate:
    """A unit of work that keeps the writer busy until it is opened."""

    def __init__(self, database: Database) -> None:
        self._entered, self._opened = threading.Event(), threading.Event()
        self._done = database.submit(self._wait)
        self._entered.wait(5)

    def _wait(self, _: sa.Connection) -> None:
        self._entered.set()
        self._opened.wait(5)

    def open(self) -> None:
        self._opened.set()
        self._done.result(5)


async def test_a_write_returns_its_result_and_a_read_sees_it(database: Database) -> None:
    assert await database.write(lambda c: _insert(c, 7)) == 7
    assert await database.read(_all) == [7]


async def test_a_unit_that_raises_is_rolled_back_alone(database: Database) -> None:
    def failing(connection: sa.Connection) -> None:
        _insert(connection, 100)
        raise LookupError("no such thing")

    gate = _Gate(database)
    commits = _commits(database)
    before, bad, after = (
        database.submit(lambda c: _insert(c, 1)),
        database.submit(failing),
        database.submit(lambda c: _insert(c, 2)),
    )
    gate.open()
    assert (before.result(5), after.result(5)) == (1, 2)
    with pytest.raises(LookupError, match="no such thing"):
        bad.result(5)
    assert await database.read(_all) == [1, 2]
    assert len(commits) <= 2  # the gate's own and the batch's: it was one commit for all three


async def test_a_constraint_violation_is_its_callers_alone(database: Database) -> None:
    await database.write(lambda c: _insert(c, 1))
    with pytest.raises(sa.exc.IntegrityError):
        await database.write(lambda c: _insert(c, 1))
    await database.write(lambda c: _insert(c, 2))
    assert await database.read(_all) == [1, 2]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_no_exception_of_a_unit_ends_the_writer(database: Database, error: BaseException) -> None:
    def failing(_: sa.Connection) -> None:
        raise error

    with pytest.raises(type(error)):
        database.submit(failing).result(5)
    assert database.submit(lambda c: _insert(c, 1)).result(5) == 1


async def test_stop_iteration_reaches_the_caller(database: Database) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(database.write(lambda _: next(iter(()))), 5)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(database.read(lambda _: next(iter(()))), 5)


async def test_many_writes_share_few_commits(database: Database) -> None:
    commits = _commits(database)
    await asyncio.gather(*(database.write(lambda c, n=n: _insert(c, n)) for n in range(500)))
    assert await database.read(_all) == list(range(500))
    assert len(commits) < 100


async def test_cancelling_the_caller_does_not_undo_the_write(database: Database) -> None:
    gate = _Gate(database)
    writing = asyncio.create_task(database.write(lambda c: _insert(c, 1)))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    gate.open()
    await database.write(lambda c: _insert(c, 2))
    assert await database.read(_all) == [1, 2]


async def test_readers_do_not_wait_for_the_writer(database: Database) -> None:
    await database.write(lambda c: _insert(c, 1))
    inserted, finish = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        _insert(connection, 2)
        inserted.set()
        finish.wait(5)

    writing = database.submit(slow)
    inserted.wait(5)
    assert await asyncio.wait_for(database.read(_all), 2) == [1]
    finish.set()
    writing.result(5)
    assert await database.read(_all) == [1, 2]


async def test_a_read_sees_one_snapshot(database: Database) -> None:
    def twice(connection: sa.Connection) -> tuple[list[int], list[int]]:
        first = _all(connection)
        database.submit(lambda c: _insert(c, 1)).result(5)
        return first, _all(connection)

    assert await database.read(twice) == ([], [])
    assert await database.read(_all) == [1]


async def test_a_cancelled_write_does_not_disturb_the_others_of_its_commit(
    database: Database,
) -> None:
    gate = _Gate(database)
    writing = [asyncio.create_task(database.write(lambda c, n=n: _insert(c, n))) for n in range(3)]
    await asyncio.sleep(0)
    writing[1].cancel()
    gate.open()
    assert await asyncio.wait_for(writing[0], 5) == 0
    assert await asyncio.wait_for(writing[2], 5) == 2
    assert await database.read(_all) == [0, 1, 2]


def test_writes_from_several_loops_each_wake_their_own(database: Database) -> None:
    gate = _Gate(database)

    def one_loop(number: int) -> int:
        return asyncio.run(database.write(lambda c: _insert(c, number)))

    with ThreadPoolExecutor(3) as threads:
        writing = [threads.submit(one_loop, number) for number in range(3)]
        gate.open()
        assert [future.result(5) for future in writing] == [0, 1, 2]


def test_a_write_transaction_takes_the_lock_before_it_reads(tmp_path: Path) -> None:
    """Else a read before the first write would make it fail when another wrote between."""
    engine = sqlite_engine(tmp_path / "test.db")
    _numbers.metadata.create_all(engine)
    other = sqlite3.connect(tmp_path / "test.db", timeout=0)
    with engine.begin(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("INSERT INTO numbers VALUES (1)")
    other.close()
    engine.dispose()


async def test_a_reader_that_writes_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        await database.read(lambda c: _insert(c, 1))
    await database.write(lambda c: _insert(c, 2))
    with database.engine.begin() as connection:
        _insert(connection, 3)
    assert await database.read(_all) == [2, 3]


async def test_a_lost_transaction_acknowledges_nothing(database: Database) -> None:
    def loses_the_transaction(connection: sa.Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")  # as SQLite does on a full disk

    gate = _Gate(database)
    before = database.submit(lambda c: _insert(c, 1))
    lost = database.submit(loses_the_transaction)
    after = database.submit(lambda c: _insert(c, 2))
    gate.open()
    for future in (before, lost, after):
        with pytest.raises(EngineError, match="nothing was written") as failed:
            future.result(5)
        assert failed.value.retryable
    assert await database.read(_all) == []
    await database.write(lambda c: _insert(c, 3))
    assert await database.read(_all) == [3]


async def test_a_failed_commit_is_told_and_later_writes_work(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "test.db")
    _numbers.metadata.create_all(engine)
    fail = True

    @sa.event.listens_for(engine, "commit")
    def on_commit(_: sa.Connection) -> None:
        if fail:
            raise sqlite3.OperationalError("database or disk is full")

    database = Database(engine)
    with pytest.raises(EngineError, match="database or disk is full"):
        await database.write(lambda c: _insert(c, 1))
    fail = False
    await database.write(lambda c: _insert(c, 2))
    assert await database.read(_all) == [2]
    database.close()


async def test_a_callback_that_fails_does_not_end_the_writer(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def failing() -> None:
        raise LookupError("nobody home")

    database.after_commit(failing)
    await database.write(lambda c: _insert(c, 1))
    await database.write(lambda c: _insert(c, 2))
    assert "a callback after a commit failed" in caplog.text


async def test_a_topics_callback_hears_only_of_its_topic(database: Database) -> None:
    heard: list[str] = []
    database.after_commit(lambda: heard.append("tides"), "tides")
    await database.write(lambda c: _insert(c, 1))
    await database.write(lambda c: announce(c, "tides"))
    await database.write(lambda c: _insert(c, 2))
    assert heard == ["tides"]


async def test_close_finishes_what_was_queued_and_refuses_more(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "test.db")
    _numbers.metadata.create_all(database.engine)
    futures = [database.submit(lambda c, n=n: _insert(c, n)) for n in range(600)]
    database.close()
    database.close()
    assert [future.result(0) for future in futures] == list(range(600))
    with pytest.raises(EngineError, match="the database is closed"):
        await database.write(_all)
    reopened = Database.open(tmp_path / "test.db")
    assert reopened.read_now(_all) == list(range(600))
    reopened.close()


def test_what_was_acknowledged_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    with subprocess.Popen(
        [sys.executable, "-c", _ACKNOWLEDGER, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        acknowledged = {int(child.stdout.readline()) for _ in range(400)}
        child.send_signal(signal.SIGKILL)
        acknowledged |= {int(line) for line in child.stdout if line.endswith("\n")}
    database = Database.open(path)
    stored = database.read_now(lambda c: set(c.execute(sa.text("SELECT number FROM n")).scalars()))
    database.close()
    assert len(acknowledged) >= 400
    assert acknowledged <= stored
