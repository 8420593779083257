"""Bring a database's schema to this program's, with the revisions packaged in `migrations/`."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from penstock.errors import EngineError
from penstock.storage.schema import metadata

_MIGRATIONS = Path(__file__).with_name("migrations")


def all_tables() -> sa.MetaData:
    """Return the metadata with every module that defines a table imported."""
    from penstock.storage import outbox, resources, tables

    assert all(module.__name__ for module in (outbox, resources, tables))
    return metadata


def migrate(engine: sa.Engine) -> None:
    """Run the revisions that the database lacks, in one transaction; repeating is safe.

    Raises EngineError when the database was made by a later version of Penstock.
    """
    with engine.begin() as connection:
        try:
            command.upgrade(configuration(connection), "head")
        except CommandError as error:
            raise EngineError(
                "expected a database of this version of Penstock or an earlier one, found a "
                f"later one's ({error}); start that version, or restore a backup made before it",
                retryable=False,
            ) from error


def configuration(connection: sa.Connection) -> Config:
    """Return Alembic's configuration for work on `connection`; no file is read."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
