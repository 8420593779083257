"""The generic resource store: one row per kept resource, whatever the service.

A resource is (service, type, name) → a JSON document, with its ARN, tags and times. The
small services (IAM roles, secrets, parameters, ECR repositories, projects, ...) keep their
state here; nouns with histories (executions, builds) have tables of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from penstock.storage.prepared import Prepared
from penstock.storage.schema import Timestamp, metadata

resources = sa.Table(
    "resources",
    metadata,
    sa.Column("service", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("arn", sa.String, nullable=False, index=True),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("created_at", Timestamp, nullable=False),
    sa.Column("updated_at", Timestamp, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One stored resource; `document` is the service's own shape, `tags` key → value."""

    service: str
    type: str
    name: str
    arn: str
    document: Mapping[str, Any]
    tags: Mapping[str, str]
    created_at: datetime
    updated_at: datetime


_OF_TYPE = (
    resources.c.service == sa.bindparam("its_service"),
    resources.c.type == sa.bindparam("its_type"),
)
_NAMED = (*_OF_TYPE, resources.c.name == sa.bindparam("its_name"))


def _scanning(*, prefixed: bool, limited: bool) -> Prepared:
    query = resources.select().where(*_OF_TYPE, resources.c.name > sa.bindparam("after"))
    if prefixed:  # not LIKE, which ignores case on SQLite
        length = sa.bindparam("length", type_=sa.Integer)
        query = query.where(
            resources.c.name.between(sa.bindparam("prefix"), sa.bindparam("last")),
            sa.func.substr(resources.c.name, 1, length) == sa.bindparam("prefix"),
        )
    query = query.order_by(resources.c.name)
    return Prepared(query.limit(sa.bindparam("most")) if limited else query)


# Most operations of the small services need one of these.
_INSERT = Prepared(
    sqlite.insert(resources).on_conflict_do_nothing(index_elements=["service", "type", "name"]),
    Resource.__slots__,
)
_GET = Prepared(resources.select().where(*_NAMED))
_GET_BY_ARN = Prepared(resources.select().where(resources.c.arn == sa.bindparam("its_arn")))
_UPDATES = {
    columns: Prepared(resources.update().where(*_NAMED), ["updated_at", *columns])
    for columns in [(), ("document",), ("tags",), ("document", "tags")]
}
_SCANS = {
    (prefixed, limited): _scanning(prefixed=prefixed, limited=limited)
    for prefixed in (False, True)
    for limited in (False, True)
}


class ResourceExists(Exception):
    """A resource of that service, type and name is already there."""


def insert(connection: sa.Connection, resource: Resource) -> None:
    """Store a new resource; raise ResourceExists when its name is taken."""
    values = {field: getattr(resource, field) for field in Resource.__slots__}
    values["document"], values["tags"] = dict(resource.document), dict(resource.tags)
    if _INSERT.execute(connection, values) == 0:
        raise ResourceExists(f"{resource.service} {resource.type} {resource.name}")


def get(connection: sa.Connection, service: str, type: str, name: str) -> Resource | None:
    """Return the resource, or None."""
    rows = _GET.rows(connection, {"its_service": service, "its_type": type, "its_name": name})
    return Resource(*rows[0]) if rows else None


def get_by_arn(connection: sa.Connection, arn: str) -> Resource | None:
    """Return the resource with this ARN, or None."""
    rows = _GET_BY_ARN.rows(connection, {"its_arn": arn})
    return Resource(*rows[0]) if rows else None


def scan(
    connection: sa.Connection,
    service: str,
    type: str,
    *,
    prefix: str = "",
    after: str = "",
    limit: int | None = None,
) -> list[Resource]:
    """Return resources in order of name: those starting with `prefix`, after name `after`."""
    place: dict[str, Any] = {"its_service": service, "its_type": type, "after": after}
    if prefix:
        last = prefix + chr(0x10FFFF)
        place |= {"prefix": prefix, "last": last, "length": len(prefix)}
    if limit is not None:
        place["most"] = limit
    statement = _SCANS[bool(prefix), limit is not None]
    return [Resource(*row) for row in statement.rows(connection, place)]


def update(
    connection: sa.Connection,
    service: str,
    type: str,
    name: str,
    *,
    now: datetime,
    document: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> bool:
    """Replace the document or the tags; return whether the resource exists."""
    values: dict[str, Any] = {}
    if document is not None:
        values["document"] = dict(document)
    if tags is not None:
        values["tags"] = dict(tags)
    named = {"its_service": service, "its_type": type, "its_name": name}
    statement = _UPDATES[tuple(values)]
    return statement.execute(connection, {**named, **values, "updated_at": now}) == 1


def delete(connection: sa.Connection, service: str, type: str, name: str) -> bool:
    """Remove the resource; return whether it existed."""
    result = connection.execute(
        resources.delete().where(
            resources.c.service == service, resources.c.type == type, resources.c.name == name
        )
    )
    return result.rowcount == 1
