"""SQLite as Penstock uses it: durable, many readers beside one writer, explicit BEGIN."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from penstock.storage import json_text


class Dialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's own, except that it says BEGIN, in the given words.

    A listener of the event `begin` could say it too, but an engine with any listener of its
    kind spends a quarter more on every statement.
    """

    supports_statement_cache = True

    def __init__(self, begin: str = "BEGIN", **options: Any) -> None:
        super().__init__(**options)
        self._begin = begin

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin a transaction; sqlite3 itself is told not to (isolation_level None)."""
        dbapi_connection.execute(self._begin)


_CHECKPOINT_PAGES = 4000
"""The log of 16 MB before it is moved into the file: a quarter as often as SQLite would by itself,
which writes a page that changes often only once."""

registry.register("sqlite.penstock", __name__, Dialect.__name__)


def sqlite_engine(path: Path, *, read_only: bool = False) -> sa.Engine:
    """An engine with WAL, synchronous FULL and foreign keys.

    Its transactions take the write lock at once (BEGIN IMMEDIATE): one that reads first and
    writes later would fail when another wrote between. With `read_only` they never take it, and
    refuse to write. The file is its owner's alone, and so are those that SQLite makes beside
    it. What a statement holds is never part of an error's text.
    """
    if not read_only:
        path.touch(mode=0o600)
        path.chmod(0o600)
    engine = sa.create_engine(
        sa.URL.create("sqlite+penstock", database=str(path)),
        begin="BEGIN" if read_only else "BEGIN IMMEDIATE",
        connect_args={"check_same_thread": False, "timeout": 30},
        hide_parameters=True,
        json_serializer=json_text.to_text,
        json_deserializer=json_text.from_text,
    )

    @sa.event.listens_for(engine, "connect")
    def on_connect(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        else:
            cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        cursor.close()

    return engine


def readers_of(engine: sa.Engine) -> sa.Engine:
    """Return a read-only engine on the same database."""
    assert engine.url.database is not None
    return sqlite_engine(Path(engine.url.database), read_only=True)
