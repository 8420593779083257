"""Queries on where operations on stacks begin and end, and on what validation found."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.tables.stack_operation_events import stack_operation_events as table
from penstock.storage.tables.stacks import stack_events


@dataclass(frozen=True, slots=True)
class OperationEventRow:
    """An operation's beginning or end (`status`), or a finding of validation (`sealed_finding`).

    `position` is the ordinal of the stack's last event before it, 0 without any.
    """

    id: str
    stack_id: str
    position: int
    operation_id: str
    operation_type: str
    occurred_at: datetime
    status: str | None = None
    started_at: datetime | None = None
    change_set_id: str | None = None
    sealed_finding: str | None = None
    ordinal: int = 0


# Built once: whoever waits for a stack asks this again and again.
_BEGUN = (
    sa.select(table.c.stack_id, table.c.operation_type, table.c.operation_id)
    .where(
        table.c.stack_id.in_(sa.bindparam("its_stack_ids", expanding=True)),
        table.c.status.is_not(None),
        table.c.change_set_id.is_(None),
    )
    .order_by(table.c.ordinal)
)


def add(connection: sa.Connection, row: OperationEventRow) -> None:
    """Store a row after all others."""
    names = OperationEventRow.__slots__
    values = {name: getattr(row, name) for name in names if name != "ordinal"}
    connection.execute(table.insert().values(**values))


def last_position(connection: sa.Connection, stack_id: str) -> int:
    """Return the ordinal of the stack's last event, 0 without any."""
    query = sa.select(sa.func.max(stack_events.c.ordinal)).where(
        stack_events.c.stack_id == stack_id
    )
    return connection.execute(query).scalar() or 0


def latest(connection: sa.Connection, stack_id: str) -> OperationEventRow | None:
    """Return the last beginning or end of an operation on the stack itself, or None."""
    query = table.select().where(
        table.c.stack_id == stack_id, table.c.status.is_not(None), table.c.change_set_id.is_(None)
    )
    row = connection.execute(query.order_by(table.c.ordinal.desc()).limit(1)).first()
    return None if row is None else _row(row)


def known(connection: sa.Connection, operation_id: str) -> bool:
    """Tell whether an operation of that id has begun."""
    query = sa.select(table.c.ordinal).where(table.c.operation_id == operation_id).limit(1)
    return connection.execute(query).first() is not None


def of_stack(connection: sa.Connection, stack_id: str) -> list[OperationEventRow]:
    """Return every row of a stack, oldest first."""
    query = table.select().where(table.c.stack_id == stack_id).order_by(table.c.ordinal)
    return [_row(row) for row in connection.execute(query)]


def stack_of(connection: sa.Connection, operation_id: str) -> str | None:
    """Return the id of the stack that the operation is on, or None."""
    query = sa.select(table.c.stack_id).where(table.c.operation_id == operation_id).limit(1)
    return connection.execute(query).scalar()


def begun(connection: sa.Connection, stack_ids: list[str]) -> dict[str, tuple[str, str]]:
    """Return the type and id of the operation that began last on each of the stacks."""
    rows = connection.execute(_BEGUN, {"its_stack_ids": stack_ids})
    return {row[0]: (row[1], row[2]) for row in rows}


def _row(row: sa.Row[Any]) -> OperationEventRow:
    return OperationEventRow(**row._mapping)
