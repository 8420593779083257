"""Queries on operations of stacks, their steps, and the events that they leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

import sqlalchemy as sa

from penstock.storage.prepared import Prepared
from penstock.storage.rows import RowsInPlace
from penstock.storage.tables.stacks import (
    stack_events,
    stack_operations,
    stack_steps,
    stacks,
)


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation. `stop` is why it was asked to stop; `sealed` holds its plan."""

    id: str
    stack_id: str
    phase: str
    active: bool
    stop: str | None
    delete_requested: bool
    token: str | None
    sealed: str
    started_at: datetime


# Statements that are built once: every resource of a stack's operation needs several.
_STEPS = RowsInPlace(stack_steps)
_STEPS_OF = Prepared(
    stack_steps.select().where(stack_steps.c.operation_id == sa.bindparam("operation_id"))
)


@dataclass(frozen=True, slots=True)
class StepRow:
    """What one phase of an operation does with one resource."""

    operation_id: str
    phase: str
    logical_id: str
    status: str
    sealed: str


class NewEventRow(TypedDict):
    """One event of a stack before it has its place in their order."""

    id: str
    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    sealed_properties: str | None
    token: str | None
    occurred_at: datetime


_INSERT_EVENT = Prepared(stack_events.insert(), list(NewEventRow.__annotations__))


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of a stack; `ordinal` gives their order."""

    id: str
    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    sealed_properties: str | None
    token: str | None
    occurred_at: datetime
    ordinal: int


def insert(connection: sa.Connection, row: OperationRow) -> None:
    """Store a new operation."""
    values = {name: getattr(row, name) for name in OperationRow.__slots__}
    connection.execute(stack_operations.insert().values(**values))


def get(connection: sa.Connection, operation_id: str) -> OperationRow | None:
    """Return the operation, or None."""
    row = connection.execute(
        stack_operations.select().where(stack_operations.c.id == operation_id)
    ).first()
    return OperationRow(**row._mapping) if row else None


def by_token(connection: sa.Connection, stack_id: str, token: str) -> OperationRow | None:
    """Return the operation on a stack that a client request token began, or None."""
    row = connection.execute(
        stack_operations.select().where(
            stack_operations.c.stack_id == stack_id, stack_operations.c.token == token
        )
    ).first()
    return OperationRow(**row._mapping) if row else None


def of_stack(connection: sa.Connection, stack_id: str) -> list[OperationRow]:
    """Return a stack's operations, the latest first."""
    rows = connection.execute(
        stack_operations.select()
        .where(stack_operations.c.stack_id == stack_id)
        .order_by(stack_operations.c.started_at.desc(), stack_operations.c.id)
    )
    return [OperationRow(**row._mapping) for row in rows]


def unfinished(connection: sa.Connection) -> list[str]:
    """Return the ids of the operations that have not ended, oldest first."""
    rows = connection.execute(
        sa.select(stack_operations.c.id)
        .where(stack_operations.c.active.is_(True))
        .order_by(stack_operations.c.started_at, stack_operations.c.id)
    )
    return [row[0] for row in rows]


def any_nested(connection: sa.Connection, stack_id: str) -> bool:
    """Return whether an operation on a stack that is nested in this one has not ended."""
    query = (
        sa.select(stack_operations.c.id)
        .join(stacks, stacks.c.id == stack_operations.c.stack_id)
        .where(stacks.c.parent_id == stack_id, stack_operations.c.active.is_(True))
    )
    return connection.execute(query).first() is not None


def update(connection: sa.Connection, operation_id: str, **values: Any) -> None:
    """Set columns of an operation."""
    connection.execute(
        stack_operations.update().where(stack_operations.c.id == operation_id).values(**values)
    )


def request_stop(connection: sa.Connection, operation_id: str, reason: str) -> bool:
    """Ask a running operation to stop; False when it has ended or was asked before."""
    result = connection.execute(
        stack_operations.update()
        .where(
            stack_operations.c.id == operation_id,
            stack_operations.c.active.is_(True),
            stack_operations.c.stop.is_(None),
        )
        .values(stop=reason)
    )
    return result.rowcount == 1


def steps(connection: sa.Connection, operation_id: str) -> list[StepRow]:
    """Return every step of an operation."""
    rows = _STEPS_OF.rows(connection, {"operation_id": operation_id})
    return [StepRow(*row) for row in rows]


def put_step(connection: sa.Connection, row: StepRow) -> None:
    """Store a step, in place of its earlier state."""
    put_steps(connection, [row])


def put_steps(connection: sa.Connection, rows: Sequence[StepRow]) -> None:
    """Store steps, each in place of its earlier state."""
    values = [{name: getattr(row, name) for name in StepRow.__slots__} for row in rows]
    _STEPS.store(connection, values)


def add_events(connection: sa.Connection, rows: Sequence[NewEventRow]) -> None:
    """Store events after all others, in their order; none is harmless."""
    if rows:
        _INSERT_EVENT.execute_all(connection, rows)


def events(
    connection: sa.Connection, stack_id: str, before: int | None, limit: int | None
) -> list[EventRow]:
    """Return at most `limit` events of a stack with ordinals below `before`, newest first; None
    sets no bound."""
    query = stack_events.select().where(stack_events.c.stack_id == stack_id)
    if before is not None:
        query = query.where(stack_events.c.ordinal < before)
    rows = connection.execute(query.order_by(stack_events.c.ordinal.desc()).limit(limit))
    return [EventRow(**row._mapping) for row in rows]
