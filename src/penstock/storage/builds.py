"""Queries on builds. Every change of a build is conditional on the step it was read in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.tables.builds import build_counters, builds

DONE = "DONE"
"""The step of a build that has ended and been cleaned up."""


@dataclass(frozen=True, slots=True)
class BuildRow:
    """One stored build. JSON columns hold the shapes that `builds/build.py` describes."""

    id: str
    uuid: str
    arn: str
    project_name: str
    number: int
    status: str
    step: str
    phases: Sequence[Mapping[str, Any]]
    configuration: Mapping[str, Any]
    initiator: str
    request_digest: str
    created_at: datetime
    ordinal: int = 0
    pipeline: Mapping[str, Any] | None = None
    plan: Mapping[str, Any] | None = None
    sealed: str | None = None
    log_base: int = 0
    log_created: bool = False
    exported_variables: Mapping[str, str] = field(default_factory=dict)
    artifacts: Sequence[Mapping[str, Any]] = ()
    source_version: str | None = None
    resolved_source_version: str | None = None
    idempotency_token: str | None = None
    stop_requested_at: datetime | None = None
    provisioned_at: datetime | None = None
    ended_at: datetime | None = None


_COLUMNS = tuple(name for name in BuildRow.__slots__ if name != "ordinal")


def _row(row: sa.Row[Any]) -> BuildRow:
    return BuildRow(**row._mapping)


def insert(connection: sa.Connection, build: BuildRow) -> None:
    """Store a new build; its id must be new."""
    values = {name: getattr(build, name) for name in _COLUMNS}
    values["phases"], values["artifacts"] = list(build.phases), list(build.artifacts)
    connection.execute(builds.insert().values(**values))


def next_number(connection: sa.Connection, project_name: str) -> int:
    """Return the project's next build number; numbers are never reused."""
    last = connection.execute(
        sa.select(build_counters.c.last_number).where(build_counters.c.project_name == project_name)
    ).scalar()
    if last is None:
        connection.execute(build_counters.insert().values(project_name=project_name, last_number=1))
        return 1
    connection.execute(
        build_counters.update()
        .where(build_counters.c.project_name == project_name)
        .values(last_number=last + 1)
    )
    return int(last) + 1


def get(connection: sa.Connection, build_id: str) -> BuildRow | None:
    """Return the build with this id (`project:uuid`), or None."""
    row = connection.execute(builds.select().where(builds.c.id == build_id)).first()
    return _row(row) if row else None


def find_by_token(
    connection: sa.Connection, project_name: str, token: str, created_after: datetime | None
) -> BuildRow | None:
    """Return the newest build started under `token`, created after the moment if given."""
    query = builds.select().where(
        builds.c.project_name == project_name, builds.c.idempotency_token == token
    )
    if created_after is not None:
        query = query.where(builds.c.created_at > created_after)
    row = connection.execute(query.order_by(builds.c.ordinal.desc()).limit(1)).first()
    return _row(row) if row else None


def unfinished(connection: sa.Connection) -> list[BuildRow]:
    """Return every build whose work is not over, oldest first."""
    rows = connection.execute(
        builds.select().where(builds.c.step != DONE).order_by(builds.c.ordinal)
    )
    return [_row(row) for row in rows]


def list_ids(
    connection: sa.Connection,
    *,
    project_name: str | None,
    descending: bool,
    after_ordinal: int | None,
    limit: int,
) -> list[tuple[int, str]]:
    """Return (ordinal, id) pairs of builds in their order of start, beyond `after_ordinal`."""
    query = sa.select(builds.c.ordinal, builds.c.id)
    if project_name is not None:
        query = query.where(builds.c.project_name == project_name)
    if after_ordinal is not None:
        query = query.where(
            builds.c.ordinal < after_ordinal if descending else builds.c.ordinal > after_ordinal
        )
    order = builds.c.ordinal.desc() if descending else builds.c.ordinal
    rows = connection.execute(query.order_by(order).limit(limit))
    return [(row.ordinal, row.id) for row in rows]


def update(connection: sa.Connection, build_id: str, step: str, /, **values: Any) -> bool:
    """Change a build that is still in `step`; return False when it has moved on."""
    result = connection.execute(
        builds.update().where(builds.c.id == build_id, builds.c.step == step).values(**values)
    )
    return result.rowcount == 1


def request_stop(connection: sa.Connection, build_id: str, now: datetime) -> bool:
    """Record the first request to stop an unfinished build; return whether this was it."""
    result = connection.execute(
        builds.update()
        .where(builds.c.id == build_id, builds.c.step != DONE, builds.c.stop_requested_at.is_(None))
        .values(stop_requested_at=now)
    )
    return result.rowcount == 1


def delete(connection: sa.Connection, build_id: str) -> bool:
    """Remove a build that is over; return whether there was one."""
    result = connection.execute(
        builds.delete().where(builds.c.id == build_id, builds.c.step == DONE)
    )
    return result.rowcount == 1
