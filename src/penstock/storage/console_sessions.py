"""Queries on the console's login links and sessions."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.storage.tables.console import console_login_links, console_sessions


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A login link or a session: the digest of its token, and who it speaks for until when."""

    token_sha256: str
    access_key_id: str
    expires_at: datetime


def insert_login_link(connection: sa.Connection, row: TokenRow, now: datetime) -> None:
    """Store a new link; drop those that expired."""
    _insert(connection, console_login_links, row, now)


def login_link(connection: sa.Connection, token_sha256: str, now: datetime) -> TokenRow | None:
    """Return the link while it can be used, else None."""
    return _find(connection, console_login_links, token_sha256, now)


def take_login_link(connection: sa.Connection, token_sha256: str, now: datetime) -> TokenRow | None:
    """Return the link and use it up: of several who take it, one gets it."""
    found = login_link(connection, token_sha256, now)
    if found is None:
        return None
    table = console_login_links
    taken = connection.execute(table.delete().where(table.c.token_sha256 == token_sha256))
    return found if taken.rowcount == 1 else None


def insert_session(connection: sa.Connection, row: TokenRow, now: datetime) -> None:
    """Store a new session; drop those that expired."""
    _insert(connection, console_sessions, row, now)


def session(connection: sa.Connection, token_sha256: str, now: datetime) -> TokenRow | None:
    """Return the session while it lasts, else None."""
    return _find(connection, console_sessions, token_sha256, now)


def delete_session(connection: sa.Connection, token_sha256: str) -> None:
    """End a session; one that is gone is no error."""
    table = console_sessions
    connection.execute(table.delete().where(table.c.token_sha256 == token_sha256))


def _insert(connection: sa.Connection, table: sa.Table, row: TokenRow, now: datetime) -> None:
    connection.execute(table.delete().where(table.c.expires_at <= now))
    connection.execute(
        table.insert().values(
            token_sha256=row.token_sha256,
            access_key_id=row.access_key_id,
            expires_at=row.expires_at,
        )
    )


def _find(
    connection: sa.Connection, table: sa.Table, token_sha256: str, now: datetime
) -> TokenRow | None:
    row = connection.execute(
        table.select().where(table.c.token_sha256 == token_sha256, table.c.expires_at > now)
    ).first()
    return TokenRow(*row) if row else None
