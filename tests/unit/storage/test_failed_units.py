"""What a unit of work that raised leaves behind: its error for its caller, and nothing else."""

import gc
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from penstock.errors import EngineError
from penstock.storage.database import Database, Work
from penstock.storage.readers import Readers
from penstock.storage.sqlite import sqlite_engine
from penstock.storage.units import Unit

_numbers = sa.Table("numbers", sa.MetaData(), sa.Column("number", sa.Integer, primary_key=True))
_INSERT = _numbers.insert()


class Request:
    """What a caller holds while it waits."""


def _fail(connection: sa.Connection) -> None:
    for row in connection.execute(_numbers.select()):
        raise LookupError(row[0])


def _fail_in_a_comprehension(connection: sa.Connection) -> list[float]:
    return [1 / (row[0] - 1) for row in connection.execute(_numbers.select())]


def _fail_in_the_database(connection: sa.Connection) -> None:
    connection.execute(sa.text("SELECT * FROM nothing"))


_ERRORS = (LookupError, ZeroDivisionError, sa.exc.OperationalError)
_FAILING = [_fail, _fail_in_a_comprehension, _fail_in_the_database]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(sqlite_engine(tmp_path / "test.db"), reader_threads=1)
    _numbers.metadata.create_all(database.engine)
    with database.engine.begin() as connection:
        connection.execute(_INSERT, [{"number": number} for number in range(1, 3000)])
    yield database
    database.close()


@contextmanager
def _nothing_collected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _refused(ask: Callable[[Work[Any]], Any], work: Work[Any]) -> weakref.ref[Request]:
    """Ask for what fails with a request at hand; return a reference to the request."""
    request = Request()
    with pytest.raises(_ERRORS):
        await ask(work)
    return weakref.ref(request)


@pytest.mark.parametrize("work", _FAILING)
@pytest.mark.parametrize("way", ["read", "write"])
async def test_an_error_does_not_keep_the_request_that_it_refused(
    database: Database, way: str, work: Work[Any]
) -> None:
    """In a cycle only the collector finds it: three gigabytes after 600 requests of 6 MB."""
    await database.read(lambda _: None)
    with _nothing_collected():
        request = await _refused(getattr(database, way), work)
        await database.write(lambda _: None)  # the thread has let go of those before
        await database.read(lambda _: None)
        assert request() is None


@pytest.mark.parametrize("work", _FAILING)
async def test_reads_after_a_failed_one_see_what_was_committed(
    database: Database, work: Work[Any]
) -> None:
    """A result still open kept its reader's snapshot."""
    error = None
    with _nothing_collected():
        try:
            await database.read(work)
        except _ERRORS as raised:
            error = raised
        for number in range(5000, 5005):
            await database.write(lambda c, new=number: c.execute(_INSERT.values(number=new)))
            assert await database.read(lambda c: c.scalar(sa.func.max(_numbers.c.number))) == number
    assert error is not None


async def test_an_error_says_where_it_comes_from(database: Database) -> None:
    with pytest.raises(LookupError) as raised:
        await database.read(_fail)
    assert raised.traceback[-1].name == "_fail"


async def test_a_coroutine_whose_error_a_unit_raises_again_goes_on(database: Database) -> None:
    """Its frame is in the error's traceback and waits: to clear it would end it."""
    here = "still"
    try:
        raise LookupError("first")
    except LookupError as error:
        caught = error

    def again(_: sa.Connection) -> None:
        raise caught

    with pytest.raises(LookupError, match="first"):
        await database.read(again)
    assert here == "still"


def test_a_lost_snapshot_fails_only_the_read_that_lost_it(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "test.db")
    _numbers.metadata.create_all(engine)

    def lose(connection: sa.Connection) -> None:
        connection.connection.rollback()

    count = sa.select(sa.func.count()).select_from(_numbers)
    works: list[Work[Any]] = [lambda c: c.scalar(count), lose, lambda c: c.scalar(count)]
    units = [Unit(work, Future()) for work in works]
    readers = Readers(engine, 1)
    try:
        readers._answer(None, list(units))
        assert [units[0].future.result(0), units[2].future.result(0)] == [0, 0]
        with pytest.raises(EngineError, match="the transaction was lost"):
            units[1].future.result(0)
    finally:
        readers.close()
        engine.dispose()


def test_a_read_that_nobody_waits_for_is_not_made(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "test.db")
    made = []
    unit = Unit(made.append, Future())
    unit.future.cancel()
    readers = Readers(engine, 1)
    try:
        readers.put(unit)
        following: Future[Any] = Future()
        readers.put(Unit(lambda _: "following", following))
        assert following.result(5) == "following"
        assert made == []
    finally:
        readers.close()
        engine.dispose()
