"""Queries on the engine's path use an index that a long history does not lengthen.

Regression: SQLite chose (pipeline_id, number) to sort two unfinished executions, and so read
100 000 finished ones.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import penstock.storage.tables  # noqa: F401 - registers every table
from penstock.storage import action_executions, pipeline_executions
from penstock.storage.schema import metadata
from penstock.storage.sqlite import sqlite_engine


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda c: pipeline_executions.active(c, "p"), "ix_pipeline_executions_status"),
        (lambda c: pipeline_executions.scan(c, "p", 9, 9), "uq_pipeline_executions_number"),
        (lambda c: pipeline_executions.scan(c, "p", 9, 9, "s"), "ix_stage_runs_list"),
        (action_executions.running, "ix_action_executions_running"),
        (
            lambda c: action_executions.running_externally(c, "x"),
            "ix_action_executions_running",
        ),
        (lambda c: action_executions.statuses(c, ["e"]), "ix_action_executions_execution"),
        (lambda c: action_executions.latest(c, "p", "s", "a"), "ix_action_executions_latest"),
        (lambda c: action_executions.scan(c, "p", 9, 9), "ix_action_executions_pipeline"),
    ],
)
def test_an_index_serves_the_query(
    query: Callable[[sa.Connection], Any], index: str, tmp_path: Path
) -> None:
    engine = sqlite_engine(tmp_path / "penstock.db")
    metadata.create_all(engine)
    statements: list[tuple[str, Any]] = []

    def note(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> None:
        statements.append((statement, parameters))

    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        sa.event.listen(engine, "before_cursor_execute", note)
        query(connection)
        sa.event.remove(engine, "before_cursor_execute", note)
        [(statement, parameters)] = statements
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        text = "\n".join(str(row[3]) for row in plan)
    engine.dispose()
    assert f"INDEX {index}" in text, text
