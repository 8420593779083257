"""Targets of target groups: registered, draining, gone; and their last known health."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.storage.tables.load_balancing_targets import load_balancing_targets as targets


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One registered or draining target. `state` is a TargetHealthStateEnum."""

    target_group_arn: str
    target_id: str
    port: int
    state: str
    reason: str | None
    description: str | None
    registered_at: datetime
    draining_since: datetime | None


def read(connection: sa.Connection, target_group_arn: str | None = None) -> list[TargetRow]:
    """Return a group's targets, or everyone's, in a stable order."""
    query = targets.select().order_by(
        targets.c.target_group_arn, targets.c.target_id, targets.c.port
    )
    if target_group_arn is not None:
        query = query.where(targets.c.target_group_arn == target_group_arn)
    return [TargetRow(**row._mapping) for row in connection.execute(query)]


def register(
    connection: sa.Connection,
    target_group_arn: str,
    target_id: str,
    port: int,
    *,
    state: str,
    reason: str | None,
    description: str | None,
    now: datetime,
) -> None:
    """Add a target, or take back the draining of one; a registered one stays as it is."""
    here = _is(target_group_arn, target_id, port)
    values = {
        "state": state,
        "reason": reason,
        "description": description,
        "registered_at": now,
        "draining_since": None,
    }
    found = connection.execute(targets.select().where(here)).first()
    if found is None:
        key = {"target_group_arn": target_group_arn, "target_id": target_id, "port": port}
        connection.execute(targets.insert().values(**key, **values))
    elif found.draining_since is not None:
        connection.execute(targets.update().where(here).values(**values))


def drain(
    connection: sa.Connection,
    target_group_arn: str,
    target_id: str,
    port: int,
    *,
    state: str,
    reason: str,
    description: str,
    now: datetime,
) -> bool:
    """Begin a target's draining; return whether it was registered and not draining yet."""
    changed = connection.execute(
        targets.update()
        .where(_is(target_group_arn, target_id, port), targets.c.draining_since.is_(None))
        .values(state=state, reason=reason, description=description, draining_since=now)
    )
    return changed.rowcount == 1


def set_health(
    connection: sa.Connection,
    target: TargetRow,
    *,
    state: str,
    reason: str | None,
    description: str | None,
) -> bool:
    """Store a target's health where it is still as `target` says; return whether it was."""
    changed = connection.execute(
        targets.update()
        .where(
            _is(target.target_group_arn, target.target_id, target.port),
            targets.c.state == target.state,
            targets.c.draining_since.is_(None),
        )
        .values(state=state, reason=reason, description=description)
    )
    return changed.rowcount == 1


def remove_drained(connection: sa.Connection, target: TargetRow) -> bool:
    """Remove a target that is draining still; return whether it was."""
    changed = connection.execute(
        targets.delete().where(
            _is(target.target_group_arn, target.target_id, target.port),
            targets.c.draining_since == target.draining_since,
        )
    )
    return changed.rowcount == 1


def remove_group(connection: sa.Connection, target_group_arn: str) -> None:
    """Remove every target of a group."""
    connection.execute(targets.delete().where(targets.c.target_group_arn == target_group_arn))


def _is(target_group_arn: str, target_id: str, port: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        targets.c.target_group_arn == target_group_arn,
        targets.c.target_id == target_id,
        targets.c.port == port,
    )
