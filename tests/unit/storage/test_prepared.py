"""Prepared statements do what `Connection.execute` does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from penstock.storage.prepared import Prepared
from penstock.storage.schema import Timestamp
from penstock.storage.sqlite import readers_of, sqlite_engine

TABLE = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, unique=True),
    sa.Column("about", sa.JSON, nullable=True),
    sa.Column("kept", sa.Boolean, nullable=True),
    sa.Column("made_at", Timestamp, nullable=True),
)
MOMENT = datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)
INSERT = Prepared(TABLE.insert(), TABLE.columns.keys())
BY_NAME = Prepared(TABLE.select().where(TABLE.c.name == sa.bindparam("its_name")))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sqlite_engine(tmp_path / "test.db")
    TABLE.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        yield connection


def thing(id: int, **members: object) -> dict[str, object]:
    empty = {"about": None, "kept": None, "made_at": None}
    return {"id": id, "name": f"thing {id}", **empty, **members}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"about": {"a": [1, None, "✓"]}, "kept": True, "made_at": MOMENT},
        {"about": [], "kept": False, "made_at": MOMENT.astimezone(timezone(timedelta(hours=5)))},
    ],
)
def test_values_go_in_and_come_out_as_by_execute(
    connection: sa.Connection, members: dict[str, object]
) -> None:
    ours = thing(1, **members)
    INSERT.execute(connection, ours)
    connection.execute(TABLE.insert(), {**ours, "id": 2, "name": "theirs"})
    raw = [tuple(row)[2:] for row in connection.exec_driver_sql("SELECT * FROM things")]
    assert raw[0] == raw[1], "stored alike"
    read = BY_NAME.rows(connection, {"its_name": "thing 1"})
    [theirs] = connection.execute(TABLE.select().where(TABLE.c.id == 1))
    assert [list(row) for row in read] == [list(theirs)]


def test_several_rows_are_stored_in_their_order(connection: sa.Connection) -> None:
    INSERT.execute_all(connection, [thing(id) for id in (2, 1, 3)])
    INSERT.execute_all(connection, [])
    newest = Prepared(sa.select(TABLE.c.name).order_by(TABLE.c.id.desc()).limit(sa.bindparam("n")))
    assert newest.rows(connection, {"n": 2}) == [("thing 3",), ("thing 2",)]


def test_a_change_tells_how_many_rows_it_met(connection: sa.Connection) -> None:
    change = Prepared(TABLE.update().where(TABLE.c.id > sa.bindparam("after")), ["kept"])
    INSERT.execute_all(connection, [thing(1), thing(2), thing(3)])
    assert change.execute(connection, {"after": 1, "kept": True}) == 2
    assert change.execute(connection, {"after": 3, "kept": True}) == 0


def test_values_within_the_statement_are_bound_as_they_stand(connection: sa.Connection) -> None:
    kept = Prepared(
        sa.select(TABLE.c.id).where(TABLE.c.kept == sa.true(), TABLE.c.name == "thing 2")
    )
    INSERT.execute_all(connection, [thing(1, kept=True), thing(2, kept=True)])
    assert kept.rows(connection, {}) == [(2,)]


def test_a_missing_value_is_refused(connection: sa.Connection) -> None:
    with pytest.raises(KeyError, match="its_name"):
        BY_NAME.rows(connection, {})


def test_errors_are_those_of_execute_and_tell_no_value(connection: sa.Connection) -> None:
    INSERT.execute(connection, thing(1))
    with pytest.raises(sa.exc.IntegrityError, match="UNIQUE constraint failed") as raised:
        INSERT.execute(connection, thing(2, name="thing 1", about="a secret"))
    assert "INSERT INTO things" in str(raised.value)
    assert "secret" not in str(raised.value)
    with pytest.raises(sa.exc.IntegrityError, match="UNIQUE constraint failed"):
        INSERT.execute_all(connection, [thing(3), thing(1)])


def test_what_is_not_committed_is_undone(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        INSERT.execute(connection, thing(1))
        assert connection.in_transaction()
    with engine.begin() as connection:
        INSERT.execute(connection, thing(2))
    with engine.connect() as connection:
        assert BY_NAME.rows(connection, {"its_name": "thing 1"}) == []
        assert len(BY_NAME.rows(connection, {"its_name": "thing 2"})) == 1


def test_two_reads_of_one_connection_see_one_state(engine: sa.Engine) -> None:
    readers = readers_of(engine)
    with readers.connect() as reader:
        assert BY_NAME.rows(reader, {"its_name": "thing 1"}) == []
        with engine.begin() as writer:
            INSERT.execute(writer, thing(1))
        assert BY_NAME.rows(reader, {"its_name": "thing 1"}) == []
    readers.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        TABLE.select().where(TABLE.c.id.in_([1, 2])),
        TABLE.select().where(TABLE.c.id.in_(sa.bindparam("ids", expanding=True))),
    ],
)
def test_a_statement_that_changes_with_its_values_is_refused(
    connection: sa.Connection, statement: sa.Select[tuple[int]]
) -> None:
    with pytest.raises(ValueError, match="the text would change with its parameters"):
        Prepared(statement).rows(connection, {"ids": [1]})


def test_a_default_in_python_is_refused_where_it_would_be_left_out(
    connection: sa.Connection,
) -> None:
    table = sa.Table(
        "others", sa.MetaData(), sa.Column("name", sa.Text), sa.Column("size", sa.Text, default="s")
    )
    with pytest.raises(ValueError, match="a column has a default in Python"):
        Prepared(table.insert(), ["name"]).execute(connection, {"name": "a"})
