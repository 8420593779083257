"""Rows in place of others: new ones, known ones, and both at once."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from penstock.storage.rows import RowsInPlace

TABLE = sa.Table(
    "kept",
    sa.MetaData(),
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Integer),
    sa.Column("note", sa.Text, nullable=True),
)
IN_PLACE = RowsInPlace(TABLE)


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        TABLE.metadata.create_all(connection)
        yield connection
    engine.dispose()


def row(name: str, value: int, *, owner: str = "me", note: str | None = None) -> dict[str, object]:
    return {"owner": owner, "name": name, "value": value, "note": note}


def stored(connection: sa.Connection) -> dict[tuple[str, str], tuple[int, str | None]]:
    return {(r.owner, r.name): (r.value, r.note) for r in connection.execute(TABLE.select())}


@pytest.mark.parametrize("there", [[], ["a"], ["b", "c"], ["a", "b", "c"]])
def test_every_row_is_stored_once(connection: sa.Connection, there: list[str]) -> None:
    for name in [*there, "other"]:
        connection.execute(TABLE.insert(), row(name, 0, note="old"))
    IN_PLACE.store(connection, [row(name, number) for number, name in enumerate("abc", 1)])
    assert stored(connection) == {
        ("me", "a"): (1, None),
        ("me", "b"): (2, None),
        ("me", "c"): (3, None),
        ("me", "other"): (0, "old"),
    }


def test_the_whole_key_counts(connection: sa.Connection) -> None:
    connection.execute(TABLE.insert(), row("a", 1, owner="someone else"))
    IN_PLACE.store(connection, [row("a", 2)])
    assert stored(connection) == {("someone else", "a"): (1, None), ("me", "a"): (2, None)}


def test_the_last_of_two_with_one_key_stays(connection: sa.Connection) -> None:
    IN_PLACE.store(connection, [row("a", 1), row("a", 2)])
    assert stored(connection) == {("me", "a"): (2, None)}


def test_no_row_is_no_statement(connection: sa.Connection) -> None:
    IN_PLACE.store(connection, [])
    assert stored(connection) == {}
