"""Queries on the tokens under which Tasks read their roles' credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.storage.tables.task_credentials import task_credentials


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """Which role a Task's token stands for; the token itself is stored only as a hash."""

    token_sha256: str
    task_id: str
    role_arn: str
    session_name: str
    service_principal: str
    access_key_ids: Sequence[str]
    created_at: datetime


def put_credential(connection: sa.Connection, credential: CredentialRow) -> None:
    """Store a token's meaning; repeating it changes nothing."""
    if get_credential(connection, credential.token_sha256) is None:
        values = {name: getattr(credential, name) for name in CredentialRow.__slots__}
        values["access_key_ids"] = list(credential.access_key_ids)
        connection.execute(task_credentials.insert().values(**values))


def get_credential(connection: sa.Connection, token_sha256: str) -> CredentialRow | None:
    """Return what a token stands for, or None."""
    row = connection.execute(
        task_credentials.select().where(task_credentials.c.token_sha256 == token_sha256)
    ).first()
    return CredentialRow(**row._mapping) if row else None


def add_access_key(connection: sa.Connection, token_sha256: str, access_key_id: str) -> bool:
    """Remember an access key issued under a token; False when the token has ended."""
    found = get_credential(connection, token_sha256)
    if found is None:
        return False
    connection.execute(
        task_credentials.update()
        .where(task_credentials.c.token_sha256 == token_sha256)
        .values(access_key_ids=[*found.access_key_ids, access_key_id])
    )
    return True


def credentials_of(connection: sa.Connection, task_id: str) -> list[CredentialRow]:
    """Return the meanings of a Task's tokens."""
    rows = connection.execute(
        task_credentials.select().where(task_credentials.c.task_id == task_id)
    )
    return [CredentialRow(**row._mapping) for row in rows]


def end_credentials(connection: sa.Connection, task_id: str) -> None:
    """Forget a Task's tokens. Safe to repeat."""
    connection.execute(task_credentials.delete().where(task_credentials.c.task_id == task_id))
