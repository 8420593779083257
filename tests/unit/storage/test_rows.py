"""Rows in place of others: all at once, and where some are new."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from penstock.storage.rows import replace_or_insert

TABLE = sa.Table(
    "kept",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Integer),
)
UPDATE = (
    TABLE.update()
    .where(TABLE.c.name == sa.bindparam("its_name"))
    .values(value=sa.bindparam("its_value"))
)


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        TABLE.metadata.create_all(connection)
        yield connection
    engine.dispose()


@pytest.mark.parametrize("there", [[], ["a"], ["b", "c"], ["a", "b", "c"]])
def test_every_row_is_stored_once(connection: sa.Connection, there: list[str]) -> None:
    for name in [*there, "other"]:
        connection.execute(TABLE.insert(), {"name": name, "value": 0})
    rows = [{"name": name, "value": number} for number, name in enumerate("abc", 1)]
    replace_or_insert(connection, UPDATE, TABLE.insert(), rows)
    stored = {row.name: row.value for row in connection.execute(TABLE.select())}
    assert stored == {"a": 1, "b": 2, "c": 3, "other": 0}


def test_no_row_is_no_statement(connection: sa.Connection) -> None:
    replace_or_insert(connection, UPDATE, TABLE.insert(), [])
    assert connection.execute(TABLE.select()).all() == []
