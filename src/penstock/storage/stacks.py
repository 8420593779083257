"""Queries on stacks, their resources, exports and imports.

A stack's status changes only if it is in the status that the caller saw; `sealed` columns are
encrypted by who calls.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.prepared import Prepared
from penstock.storage.rows import RowsInPlace
from penstock.storage.tables.stacks import (
    stack_exports,
    stack_imports,
    stack_resources,
    stacks,
)

_TYPES_AT_ONCE = 500
"""In one query: databases take a limited number of values."""

# Statements that are built once: every operation and every look at a stack needs several.
_RESOURCES = RowsInPlace(stack_resources)
_RESOURCES_OF = Prepared(
    stack_resources.select()
    .where(stack_resources.c.stack_id == sa.bindparam("stack_id"))
    .order_by(stack_resources.c.logical_id)
)
_WITH_ID = Prepared(stacks.select().where(stacks.c.id == sa.bindparam("id")))
_LIVE = Prepared(
    stacks.select().where(stacks.c.name == sa.bindparam("name"), stacks.c.deleted_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class StackRow:
    """One stack; its name is free again once `deleted_at` is set."""

    id: str
    name: str
    status: str
    reason: str | None
    serial: int
    protected: bool
    operation_id: str | None
    sealed: str
    created_at: datetime
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    stack_policy: str | None = None
    """JSON text, as it was given."""
    parent_id: str | None = None
    """Of a nested stack: the stack that it is a resource of, and with `root_id` the first one."""
    root_id: str | None = None


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """One resource of a stack, as DescribeStackResources tells it."""

    stack_id: str
    logical_id: str
    type: str
    physical_id: str
    status: str
    reason: str | None
    sealed: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One export; names are unique among live stacks."""

    name: str
    stack_id: str
    sealed: str


def insert(connection: sa.Connection, row: StackRow) -> None:
    """Store a new stack; the name of a live one raises IntegrityError."""
    connection.execute(stacks.insert().values(**_values(row)))


def get(connection: sa.Connection, stack_id: str) -> StackRow | None:
    """Return the stack with this id, deleted or not."""
    rows = _WITH_ID.rows(connection, {"id": stack_id})
    return StackRow(*rows[0]) if rows else None


def find(connection: sa.Connection, name_or_id: str) -> StackRow | None:
    """Return the live stack of a name, or the stack of an id, deleted or not."""
    if name_or_id.startswith("arn:"):
        return get(connection, name_or_id)
    rows = _LIVE.rows(connection, {"name": name_or_id})
    return StackRow(*rows[0]) if rows else None


def scan(connection: sa.Connection, *, deleted: bool) -> list[StackRow]:
    """Return the stacks, newest first; with `deleted` also those that are gone."""
    query = stacks.select().order_by(stacks.c.created_at.desc(), stacks.c.id.desc())
    if not deleted:
        query = query.where(stacks.c.deleted_at.is_(None))
    return [StackRow(**row._mapping) for row in connection.execute(query)]


def move(
    connection: sa.Connection, stack_id: str, allowed: Collection[str], status: str, **values: Any
) -> bool:
    """Give the stack another status if it is in one of `allowed`; `values` are set with it."""
    result = connection.execute(
        stacks.update()
        .where(stacks.c.id == stack_id, stacks.c.status.in_(list(allowed)))
        .values(status=status, **values)
    )
    return result.rowcount == 1


def resources_of_root(connection: sa.Connection, root_id: str) -> int:
    """Return how many resources a stack and all that are nested in it have."""
    of_root = sa.select(stacks.c.id).where(
        stacks.c.deleted_at.is_(None), sa.or_(stacks.c.id == root_id, stacks.c.root_id == root_id)
    )
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(stack_resources)
        .where(stack_resources.c.stack_id.in_(of_root))
    ).scalar_one()


def protect(connection: sa.Connection, stack_id: str, *, protected: bool) -> None:
    """Switch termination protection."""
    connection.execute(stacks.update().where(stacks.c.id == stack_id).values(protected=protected))


def set_policy(connection: sa.Connection, stack_id: str, policy: str) -> None:
    """Give the stack another policy."""
    connection.execute(stacks.update().where(stacks.c.id == stack_id).values(stack_policy=policy))


def remove(connection: sa.Connection, stack_id: str, status: str) -> bool:
    """Forget a stack that never had a resource, if it is in `status`."""
    result = connection.execute(
        stacks.delete().where(stacks.c.id == stack_id, stacks.c.status == status)
    )
    return result.rowcount == 1


def resources(connection: sa.Connection, stack_id: str) -> list[ResourceRow]:
    """Return the stack's resources in order of logical id."""
    rows = _RESOURCES_OF.rows(connection, {"stack_id": stack_id})
    return [ResourceRow(*row) for row in rows]


def stack_of_physical_id(connection: sa.Connection, physical_id: str) -> str | None:
    """Return the id of the live stack that a physical resource belongs to, or None."""
    found: str | None = connection.execute(
        sa.select(stack_resources.c.stack_id)
        .join(stacks, stacks.c.id == stack_resources.c.stack_id)
        .where(stack_resources.c.physical_id == physical_id, stacks.c.deleted_at.is_(None))
    ).scalar()
    return found


def put_resource(connection: sa.Connection, row: ResourceRow) -> None:
    """Store a resource, in place of what stood under its logical id."""
    put_resources(connection, [row])


def put_resources(connection: sa.Connection, rows: Sequence[ResourceRow]) -> None:
    """Store resources, each in place of what stood under its logical id."""
    _RESOURCES.store(connection, [_values(row) for row in rows])


def delete_resource(connection: sa.Connection, stack_id: str, logical_id: str) -> None:
    """Forget a resource; one that is not there is no error."""
    connection.execute(
        stack_resources.delete().where(
            stack_resources.c.stack_id == stack_id, stack_resources.c.logical_id == logical_id
        )
    )


def exports(connection: sa.Connection) -> list[ExportRow]:
    """Return every export in order of name."""
    rows = connection.execute(stack_exports.select().order_by(stack_exports.c.name))
    return [ExportRow(**row._mapping) for row in rows]


def replace_exports(connection: sa.Connection, stack_id: str, rows: Sequence[ExportRow]) -> None:
    """Make `rows` the stack's exports; what may not be was refused before."""
    connection.execute(stack_exports.delete().where(stack_exports.c.stack_id == stack_id))
    for row in rows:
        connection.execute(stack_exports.insert().values(**_values(row)))


def importers(connection: sa.Connection, export_name: str) -> list[str]:
    """Return the names of the live stacks that import an export, in order."""
    rows = connection.execute(
        sa.select(stacks.c.name)
        .join(stack_imports, stack_imports.c.stack_id == stacks.c.id)
        .where(stack_imports.c.export_name == export_name, stacks.c.deleted_at.is_(None))
        .order_by(stacks.c.name)
    )
    return [row[0] for row in rows]


def imports(connection: sa.Connection, stack_id: str) -> list[str]:
    """Return the names of the exports that a stack uses, in order."""
    rows = connection.execute(
        sa.select(stack_imports.c.export_name)
        .where(stack_imports.c.stack_id == stack_id)
        .order_by(stack_imports.c.export_name)
    )
    return [row[0] for row in rows]


def add_imports(connection: sa.Connection, stack_id: str, names: Collection[str]) -> None:
    """Note that a stack uses these exports, besides those it used before."""
    known = set(imports(connection, stack_id))
    for name in sorted(set(names) - known):
        connection.execute(stack_imports.insert().values(export_name=name, stack_id=stack_id))


def replace_imports(connection: sa.Connection, stack_id: str, names: Collection[str]) -> None:
    """Make `names` the only exports that a stack uses."""
    connection.execute(stack_imports.delete().where(stack_imports.c.stack_id == stack_id))
    add_imports(connection, stack_id, names)


def _values(row: Any) -> Mapping[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


def resources_of_types(connection: sa.Connection, types: Sequence[str]) -> list[ResourceRow]:
    """Return the resources of these types that stacks have."""
    found: list[ResourceRow] = []
    for start in range(0, len(types), _TYPES_AT_ONCE):
        query = stack_resources.select().where(
            stack_resources.c.type.in_(types[start : start + _TYPES_AT_ONCE]),
            stack_resources.c.status.not_in(["CREATE_FAILED", "DELETE_COMPLETE", "DELETE_SKIPPED"]),
        )
        found += [ResourceRow(*row) for row in connection.execute(query)]
    return found
