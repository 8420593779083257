"""Queries on change sets. Every change of a status is conditional on the status that was read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.tables.change_sets import change_sets
from penstock.storage.tables.stacks import stacks


@dataclass(frozen=True, slots=True)
class ChangeSetRow:
    """One stored change set; `sealed` is the ciphertext of its document, the plan included.

    `stack_serial` is the stack's serial that the plan was made from, `executed_after` the last
    event's position before its execution began, `digest` the plan's (None without a plan).
    """

    arn: str
    name: str
    stack_id: str
    stack_name: str
    stack_serial: int
    status: str
    execution_status: str
    sealed: str
    created_at: datetime
    ordinal: int = 0
    status_reason: str | None = None
    description: str | None = None
    client_token: str | None = None
    execution_token: str | None = None
    executed_after: int | None = None
    digest: str | None = None
    include_nested: bool = False
    parent_arn: str | None = None
    """Of a nested stack's: the change set that it was made and is executed with, and with
    `root_arn` the first one."""
    root_arn: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutedRow:
    """What a list tells of a change set that was executed."""

    arn: str
    name: str
    status: str
    execution_status: str
    status_reason: str | None
    created_at: datetime


_EXECUTED = ("EXECUTE_COMPLETE", "EXECUTE_FAILED")
_WAS_EXECUTED = change_sets.c.execution_status.in_(_EXECUTED)
# How an execution ended is stored when somebody asks: until then it goes on, for all that rows say.
_IS_PENDING = change_sets.c.execution_status.not_in([*_EXECUTED, "EXECUTE_IN_PROGRESS"])
_COLUMNS = tuple(name for name in ChangeSetRow.__slots__ if name != "ordinal")


def insert(connection: sa.Connection, row: ChangeSetRow) -> None:
    """Store a new change set."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    connection.execute(change_sets.insert().values(**values))


def get(connection: sa.Connection, arn: str) -> ChangeSetRow | None:
    """Return the change set with this ARN, or None."""
    row = connection.execute(change_sets.select().where(change_sets.c.arn == arn)).first()
    return None if row is None else _row(row)


def newest(connection: sa.Connection, stack_id: str, name: str) -> ChangeSetRow | None:
    """Return the newest change set of the stack with this name, or None."""
    row = connection.execute(
        change_sets.select()
        .where(change_sets.c.stack_id == stack_id, change_sets.c.name == name)
        .order_by(change_sets.c.ordinal.desc())
    ).first()
    return None if row is None else _row(row)


def made_by(connection: sa.Connection, stack_id: str, client_token: str) -> ChangeSetRow | None:
    """Return the stack's change set that the request with this token made, or None."""
    return _first(connection, stack_id, change_sets.c.client_token == client_token)


def executed_by(
    connection: sa.Connection, stack_id: str, execution_token: str
) -> ChangeSetRow | None:
    """Return the stack's change set that the request with this token executed, or None."""
    return _first(connection, stack_id, change_sets.c.execution_token == execution_token)


def of_stack(
    connection: sa.Connection, stack_id: str, *, executed: bool = False
) -> list[ChangeSetRow]:
    """Return the stack's change sets, oldest first; with `executed` also those that were."""
    query = change_sets.select().where(change_sets.c.stack_id == stack_id)
    if not executed:
        query = query.where(~_WAS_EXECUTED)
    return [_row(row) for row in connection.execute(query.order_by(change_sets.c.ordinal))]


def executed(connection: sa.Connection, stack_id: str) -> list[ExecutedRow]:
    """Return the stack's change sets that were executed, oldest first."""
    rows = connection.execute(
        sa.select(*(change_sets.c[name] for name in ExecutedRow.__slots__))
        .where(change_sets.c.stack_id == stack_id, _WAS_EXECUTED)
        .order_by(change_sets.c.ordinal)
    )
    return [ExecutedRow(**row._mapping) for row in rows]


def digests(connection: sa.Connection, stack_id: str) -> dict[str, str | None]:
    """Return the digest of each of the stack's change sets, by its ARN; None without a plan."""
    rows = connection.execute(
        sa.select(change_sets.c.arn, change_sets.c.digest).where(change_sets.c.stack_id == stack_id)
    )
    return {row.arn: row.digest for row in rows}


def change(
    connection: sa.Connection, row: ChangeSetRow, execution_status: str, **values: Any
) -> bool:
    """Give the change set another execution status; False when somebody else moved first."""
    result = connection.execute(
        change_sets.update()
        .where(change_sets.c.arn == row.arn, change_sets.c.execution_status == row.execution_status)
        .values(execution_status=execution_status, **values)
    )
    return result.rowcount == 1


def pending(connection: sa.Connection, stack_id: str) -> int:
    """Return how many change sets the stack has whose execution never began."""
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(change_sets)
        .where(change_sets.c.stack_id == stack_id, _IS_PENDING)
    ).scalar_one()


def delete(connection: sa.Connection, arn: str) -> None:
    """Remove the change set; one that is gone already is no error."""
    connection.execute(change_sets.delete().where(change_sets.c.arn == arn))
    _sweep(connection)


def delete_of_stack(connection: sa.Connection, stack_id: str) -> None:
    """Remove every change set of a stack."""
    connection.execute(change_sets.delete().where(change_sets.c.stack_id == stack_id))
    _sweep(connection)


def delete_others(connection: sa.Connection, row: ChangeSetRow) -> None:
    """Remove the other change sets of the row's stack, except where an execution has begun."""
    connection.execute(
        change_sets.delete().where(
            change_sets.c.stack_id == row.stack_id,
            change_sets.c.arn != row.arn,
            _IS_PENDING,
        )
    )
    _sweep(connection)


def nested(connection: sa.Connection, root_arn: str) -> list[ChangeSetRow]:
    """Return the change sets of nested stacks that were made with one."""
    rows = connection.execute(
        change_sets.select()
        .where(change_sets.c.root_arn == root_arn)
        .order_by(change_sets.c.ordinal)
    )
    return [_row(row) for row in rows]


def _sweep(connection: sa.Connection) -> None:
    """Remove nested change sets whose root is gone, and the nested stacks made for them alone."""
    roots = sa.select(change_sets.c.arn).where(change_sets.c.root_arn.is_(None))
    gone = sa.and_(change_sets.c.root_arn.is_not(None), change_sets.c.root_arn.not_in(roots))
    if connection.execute(change_sets.delete().where(gone)).rowcount:
        connection.execute(
            stacks.delete().where(
                stacks.c.parent_id.is_not(None),
                stacks.c.status == "REVIEW_IN_PROGRESS",
                stacks.c.id.not_in(sa.select(change_sets.c.stack_id)),
            )
        )


def _first(
    connection: sa.Connection, stack_id: str, condition: sa.ColumnElement[bool]
) -> ChangeSetRow | None:
    row = connection.execute(
        change_sets.select()
        .where(change_sets.c.stack_id == stack_id, condition)
        .order_by(change_sets.c.ordinal)
    ).first()
    return None if row is None else _row(row)


def _row(row: sa.Row[Any]) -> ChangeSetRow:
    return ChangeSetRow(**row._mapping)
