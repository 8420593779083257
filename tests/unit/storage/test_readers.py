"""Reads that share a thread, a connection and a snapshot."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from penstock.errors import EngineError
from penstock.storage.readers import Readers
from penstock.storage.sqlite import sqlite_engine
from penstock.storage.units import Unit

_numbers = sa.Table("numbers", sa.MetaData(), sa.Column("number", sa.Integer, primary_key=True))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sqlite_engine(tmp_path / "test.db")
    _numbers.metadata.create_all(engine)
    yield engine
    engine.dispose()


class Slow:
    """A read of all numbers, begun and held up until `finish`."""

    def __init__(self) -> None:
        self.began, self._end = threading.Event(), threading.Event()

    def __call__(self, connection: sa.Connection) -> list[int]:
        numbers = _all(connection)
        self.began.set()
        self._end.wait(5)
        return numbers

    def finish(self) -> None:
        self._end.set()


def _all(connection: sa.Connection) -> list[int]:
    return list(connection.execute(_numbers.select().order_by("number")).scalars())


def _insert(engine: sa.Engine, number: int) -> None:
    with engine.begin() as connection:
        connection.execute(_numbers.insert().values(number=number))


def _asked(readers: Readers, work: Callable[[sa.Connection], Any]) -> Future[Any]:
    future: Future[Any] = Future()
    readers.put(Unit(work, future))
    return future


def test_a_read_sees_what_was_committed_before_it_was_asked(engine: sa.Engine) -> None:
    readers, slow = Readers(engine, 1), Slow()
    first = _asked(readers, slow)
    assert slow.began.wait(5)
    reads = []
    for number in range(20):
        _insert(engine, number)
        reads.append(_asked(readers, _all))
    slow.finish()
    assert first.result(5) == []
    for number, read in enumerate(reads):
        assert set(range(number + 1)) <= set(read.result(5))
    readers.close()


def test_sixteen_waiting_reads_share_a_snapshot_and_no_more(engine: sa.Engine) -> None:
    readers, slow = Readers(engine, 1), Slow()
    _asked(readers, slow)
    assert slow.began.wait(5)
    numbers = iter(range(100))

    def read_then_change(connection: sa.Connection) -> int:
        seen = len(_all(connection))
        _insert(engine, next(numbers))
        return seen

    reads = [_asked(readers, read_then_change) for _ in range(17)]
    slow.finish()
    assert [read.result(5) for read in reads] == [*[0] * 16, 16]
    readers.close()


def test_a_read_that_raises_is_its_callers_alone(engine: sa.Engine) -> None:
    readers, slow = Readers(engine, 1), Slow()
    _asked(readers, slow)
    assert slow.began.wait(5)
    fine, failing, next_one = (
        _asked(readers, _all),
        _asked(readers, lambda _: int("x")),
        _asked(readers, _all),
    )
    slow.finish()
    assert fine.result(5) == next_one.result(5) == []
    with pytest.raises(ValueError, match="invalid literal"):
        failing.result(5)
    readers.close()


def test_a_slow_read_holds_up_no_other_while_a_thread_is_free(engine: sa.Engine) -> None:
    readers, slow = Readers(engine, 2), Slow()
    first = _asked(readers, slow)
    assert slow.began.wait(5)
    quick = [_asked(readers, _all) for _ in range(50)]
    assert [each.result(5) for each in quick] == [[]] * 50
    assert not first.done()
    slow.finish()
    readers.close()


def test_a_lost_transaction_answers_nothing_and_later_reads_work(engine: sa.Engine) -> None:
    readers = Readers(engine, 1)

    def lose(connection: sa.Connection) -> str:
        connection.connection.rollback()
        return "not from the snapshot"

    with pytest.raises(EngineError, match="the transaction was lost"):
        _asked(readers, lose).result(5)
    assert _asked(readers, _all).result(5) == []
    readers.close()


def test_close_answers_what_is_queued(engine: sa.Engine) -> None:
    readers, slow = Readers(engine, 1), Slow()
    reads = [_asked(readers, slow), *(_asked(readers, _all) for _ in range(40))]
    slow.finish()
    readers.close()
    assert [read.result(0) for read in reads] == [[]] * 41
