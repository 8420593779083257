"""A database of a test's own: a file with every table, made without running the migrations."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from penstock.storage.database import Database
from penstock.storage.migrate import all_tables


@contextlib.contextmanager
def opened_database(directory: Path) -> Iterator[Database]:
    database = Database.open(directory / "penstock.db")
    all_tables().create_all(database.engine)
    yield database
    database.close()
