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

    Raises EngineError when the database was made by a later version of Penstock, or by one
    between releases whose tables were others.
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
        if (missing := _missing(connection)) is not None:
            raise EngineError(
                f"expected a database of this version of Penstock, found one without {missing}: "
                "it was made between two releases; start with another data directory",
                retryable=False,
            )


def _missing(connection: sa.Connection) -> str | None:
    """Return a table, or a column, that the database lacks; None when it has all."""
    inspector = sa.inspect(connection)
    found = inspector.get_multi_columns()
    for table in all_tables().sorted_tables:
        columns = found.get((None, table.name))
        if columns is None:
            return f"the table {table.name}"
        lacking = {column.name for column in table.columns} - {each["name"] for each in columns}
        if lacking:
            return f"the column {table.name}.{min(lacking)}"
    return None


def configuration(connection: sa.Connection) -> Config:
    """Return Alembic's configuration for work on `connection`; no file is read."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
