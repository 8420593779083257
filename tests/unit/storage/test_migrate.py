"""Migrations lead to exactly the tables of the metadata."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import penstock.storage.tables
from penstock.errors import EngineError
from penstock.storage.database import Database
from penstock.storage.migrate import all_tables, migrate
from penstock.storage.outbox import last_position
from penstock.storage.sqlite import sqlite_engine


def test_a_migrated_database_is_what_the_tables_say(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "test.db")
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, all_tables())
    engine.dispose()
    assert differences == [], "run scripts/make_initial_migration.py"


def test_every_module_of_tables_is_registered() -> None:
    package = Path(penstock.storage.tables.__file__).parent
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    assert modules == {name for name in modules if hasattr(penstock.storage.tables, name)}


def test_migrating_again_changes_nothing_and_keeps_the_rows(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "test.db")
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO events VALUES (41, 'build.Completed', 'app:1', '{}', 0)")
        )
    migrate(engine)
    database = Database(engine)
    assert database.read_now(last_position) == 41
    database.close()


def test_migrating_needs_no_file_beside_the_package(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys; from penstock.storage.sqlite import sqlite_engine;"
        "from penstock.storage.migrate import migrate;"
        "migrate(sqlite_engine(pathlib.Path(sys.argv[1])))"
    )
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, "test.db"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert finished.stdout + finished.stderr == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test.db"]


def test_a_later_versions_database_is_refused(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "test.db")
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(EngineError, match="found a later one's"):
        migrate(engine)
    engine.dispose()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("DROP TABLE approvals", "without the table approvals"),
        ("ALTER TABLE approvals DROP COLUMN comment", "without the column approvals.comment"),
    ],
)
def test_a_database_made_between_releases_is_refused(
    tmp_path: Path, change: str, named: str
) -> None:
    """Locks: the server started on it, and approvals hung."""
    engine = sqlite_engine(tmp_path / "test.db")
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text(change))
    with pytest.raises(EngineError, match=named):
        migrate(engine)
    engine.dispose()
