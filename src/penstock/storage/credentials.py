"""Queries on access keys, sessions and their last uses. Secrets are ciphertext here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.storage.tables.credentials import access_keys, last_uses, sessions


@dataclass(frozen=True, slots=True)
class AccessKeyRow:
    """A long-term key; `user_name` is None for the root's."""

    access_key_id: str
    user_name: str | None
    secret: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Temporary credentials and whom they speak for."""

    access_key_id: str
    principal_kind: str
    principal_arn: str
    user_id: str
    policy_arn: str | None
    secret: str
    token_sha256: str
    session_policies: Sequence[str]
    issued_at: datetime
    expires_at: datetime
    of_task: bool = False


@dataclass(frozen=True, slots=True)
class LastUse:
    """When, with which service and where an access key or role was last used."""

    used_at: datetime
    service: str
    region: str


def insert_access_key(connection: sa.Connection, row: AccessKeyRow) -> None:
    """Store a new key."""
    connection.execute(
        access_keys.insert().values({name: getattr(row, name) for name in AccessKeyRow.__slots__})
    )


def access_key(connection: sa.Connection, access_key_id: str) -> AccessKeyRow | None:
    """Return the key, or None."""
    row = connection.execute(
        access_keys.select().where(access_keys.c.access_key_id == access_key_id)
    ).first()
    return AccessKeyRow(**row._mapping) if row else None


def access_keys_of(connection: sa.Connection, user_name: str | None) -> list[AccessKeyRow]:
    """Return a user's keys (None: the root's), oldest first."""
    rows = connection.execute(
        access_keys.select()
        .where(access_keys.c.user_name.is_not_distinct_from(user_name))
        .order_by(access_keys.c.created_at, access_keys.c.access_key_id)
    )
    return [AccessKeyRow(**row._mapping) for row in rows]


def set_access_key_status(connection: sa.Connection, access_key_id: str, status: str) -> None:
    """Make the key Active or Inactive."""
    connection.execute(
        access_keys.update()
        .where(access_keys.c.access_key_id == access_key_id)
        .values(status=status)
    )


def delete_access_key(connection: sa.Connection, access_key_id: str) -> None:
    """Remove the key and the note of its last use."""
    connection.execute(access_keys.delete().where(access_keys.c.access_key_id == access_key_id))
    connection.execute(last_uses.delete().where(last_uses.c.subject == access_key_id))


def insert_session(connection: sa.Connection, row: SessionRow) -> None:
    """Store a new session."""
    values = {name: getattr(row, name) for name in SessionRow.__slots__}
    values["session_policies"] = list(row.session_policies)
    connection.execute(sessions.insert().values(values))


def session(connection: sa.Connection, access_key_id: str) -> SessionRow | None:
    """Return the session, expired or not, or None."""
    row = connection.execute(
        sessions.select().where(sessions.c.access_key_id == access_key_id)
    ).first()
    return SessionRow(**row._mapping) if row else None


def delete_session(connection: sa.Connection, access_key_id: str) -> None:
    """Remove the session; one that is gone is no error."""
    connection.execute(sessions.delete().where(sessions.c.access_key_id == access_key_id))


def delete_sessions_expired_before(connection: sa.Connection, moment: datetime) -> None:
    """Remove what expired before `moment`."""
    connection.execute(sessions.delete().where(sessions.c.expires_at < moment))


def record_use(connection: sa.Connection, subject: str, use: LastUse) -> None:
    """Note the latest use of an access key id or a role's ARN."""
    values = {"used_at": use.used_at, "service": use.service, "region": use.region}
    result = connection.execute(
        last_uses.update().where(last_uses.c.subject == subject).values(values)
    )
    if result.rowcount == 0:
        connection.execute(last_uses.insert().values(subject=subject, **values))


def last_use(connection: sa.Connection, subject: str) -> LastUse | None:
    """Return the latest use on record, or None."""
    row = connection.execute(last_uses.select().where(last_uses.c.subject == subject)).first()
    return LastUse(row.used_at, row.service, row.region) if row else None
