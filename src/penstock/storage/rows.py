"""Rows that are stored in place of what stood under their key."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa


def replace_or_insert(
    connection: sa.Connection,
    update: sa.Update,
    insert: sa.Insert,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Update each row, whose members `update` binds as `its_NAME`, and insert those not there.

    All are updated by one statement; only where some are new is each tried by itself.
    """
    bound = [{f"its_{name}": row[name] for name in row} for row in rows]
    if rows and connection.execute(update, bound).rowcount != len(rows):
        for row, values in zip(rows, bound, strict=True):
            if connection.execute(update, values).rowcount == 0:
                connection.execute(insert, row)
