"""What a push starts, and what it does not."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.pipeline_world import NOW, document

import penstock.storage.tables  # noqa: F401 - registers every table
from penstock.pipelines import definitions, triggers
from penstock.storage import outbox, pipelines
from penstock.storage.outbox import Event
from penstock.storage.schema import metadata
from penstock.storage.sqlite import sqlite_engine

SECOND = timedelta(seconds=1)
DOCUMENT = document()
MAIN = {"repository": "app", "reference": "refs/heads/main", "old": None, "new": "c1"}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    engine = sqlite_engine(tmp_path / "test.db")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def push(connection: sa.Connection, at: datetime) -> Event:
    outbox.publish(connection, triggers.REFERENCE_UPDATED, "app", MAIN, at)
    return outbox.read_after(connection, outbox.last_position(connection) - 1)[0]


def create(connection: sa.Connection, at: datetime) -> str:
    return definitions.create(connection, DOCUMENT, {}, "us-east-1", "123456789012", at).id


def started(connection: sa.Connection, event: Event) -> list[str]:
    return triggers.on_reference_updated(connection, event, NOW + 9 * SECOND)


def test_a_push_before_a_pipeline_starts_nothing_there(connection: sa.Connection) -> None:
    """Its event came when the pipeline was there: two executions of one commit, and the one that
    CreatePipeline answered was superseded."""
    early = push(connection, NOW)
    pipeline_id = create(connection, NOW)
    late = push(connection, NOW)
    assert started(connection, early) == []
    assert started(connection, late) == [pipeline_id]


@pytest.mark.parametrize("back", [SECOND, timedelta(days=400)])
def test_a_clock_that_is_set_back_loses_no_push(connection: sa.Connection, back: timedelta) -> None:
    pipeline_id = create(connection, NOW)
    assert started(connection, push(connection, NOW - back)) == [pipeline_id]


def test_a_clock_that_is_set_back_a_little_starts_nothing_twice(connection: sa.Connection) -> None:
    early = push(connection, NOW + SECOND)
    create(connection, NOW)
    assert started(connection, early) == []


def test_a_pipeline_made_again_under_its_name_is_another(connection: sa.Connection) -> None:
    first = create(connection, NOW)
    between = push(connection, NOW + SECOND)
    pipelines.delete(connection, first)
    pipeline_id = create(connection, NOW + SECOND)
    assert started(connection, between) == []
    assert started(connection, push(connection, NOW + SECOND)) == [pipeline_id]


def test_it_is_found_behind_many_other_events(connection: sa.Connection) -> None:
    early = push(connection, NOW)
    other = {"pipeline-id": "other", "trigger": "CreatePipeline"}
    for _ in range(600):
        outbox.publish(connection, triggers.EXECUTION_STARTED, "other", other, NOW)
    create(connection, NOW)
    assert started(connection, early) == []
