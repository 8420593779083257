"""Rows that are stored in place of what stood under their key."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from penstock.storage.prepared import Prepared


class RowsInPlace:
    """Stores rows of one table, each in place of the row with its primary key, if there is one.

    It is one statement (`INSERT … ON CONFLICT DO UPDATE`), built once; PostgreSQL has the same.
    """

    def __init__(self, table: sa.Table) -> None:
        insert = sqlite.insert(table)
        changed = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key}
        in_place = insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_=changed
        )
        self._statement = Prepared(in_place, table.columns.keys())

    def store(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store `rows`, which have every column, in their order; none is harmless."""
        if rows:
            self._statement.execute_all(connection, rows)
