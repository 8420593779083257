"""Queries on log streams; their events are in `log_files` under the stream's id."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.storage.tables.log_streams import log_streams


@dataclass(frozen=True, slots=True)
class StoredLogStream:
    """A stream of a group; `id` names its files and is never used again."""

    group_name: str
    name: str
    id: str
    created_at: datetime


def insert(connection: sa.Connection, stream: StoredLogStream) -> bool:
    """Store a new stream; return False when the group has one of that name."""
    if get(connection, stream.group_name, stream.name) is not None:
        return False
    values = {field: getattr(stream, field) for field in StoredLogStream.__slots__}
    connection.execute(log_streams.insert().values(**values))
    return True


def get(connection: sa.Connection, group_name: str, name: str) -> StoredLogStream | None:
    """Return the stream, or None."""
    row = connection.execute(
        log_streams.select().where(
            log_streams.c.group_name == group_name, log_streams.c.name == name
        )
    ).first()
    return StoredLogStream(**row._mapping) if row else None


def scan(connection: sa.Connection, group_name: str, prefix: str = "") -> list[StoredLogStream]:
    """Return the group's streams whose names start with `prefix`, in order of name."""
    query = log_streams.select().where(log_streams.c.group_name == group_name)
    if prefix:
        query = query.where(
            log_streams.c.name.between(prefix, prefix + chr(0x10FFFF)),
            sa.func.substr(log_streams.c.name, 1, len(prefix)) == prefix,
        )
    rows = connection.execute(query.order_by(log_streams.c.name))
    return [StoredLogStream(**row._mapping) for row in rows]


def ids(connection: sa.Connection) -> set[str]:
    """Return the ids of all streams of all groups."""
    return set(connection.execute(sa.select(log_streams.c.id)).scalars())


def delete(connection: sa.Connection, group_name: str, name: str | None = None) -> list[str]:
    """Remove the stream, or all of the group; return the ids of the removed."""
    condition = log_streams.c.group_name == group_name
    if name is not None:
        condition &= log_streams.c.name == name
    gone = list(connection.execute(sa.select(log_streams.c.id).where(condition)).scalars())
    connection.execute(log_streams.delete().where(condition))
    return gone
