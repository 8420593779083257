"""Rows of stacks are read by the place of their columns, and come back as they were stored."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from penstock.storage import stack_operations, stacks
from penstock.storage.schema import metadata
from penstock.storage.stack_operations import EventRow, NewEventRow, OperationRow, StepRow
from penstock.storage.stacks import ResourceRow, StackRow
from penstock.storage.tables import stacks as tables

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (StackRow, tables.stacks),
        (ResourceRow, tables.stack_resources),
        (StepRow, tables.stack_steps),
        (OperationRow, tables.stack_operations),
    ],
)
def test_fields_stand_in_the_order_of_the_columns(kind: type, table: sa.Table) -> None:
    assert list(kind.__slots__) == table.columns.keys()  # type: ignore[attr-defined]


def test_stacks_come_back(connection: sa.Connection) -> None:
    row = StackRow(
        "arn:s", "app", "CREATE_COMPLETE", "why", 3, True, "operation", "sealed", NOW, NOW, None,
        "{}", "arn:parent", "arn:root",
    )  # fmt: skip
    stacks.insert(connection, row)
    assert stacks.get(connection, "arn:s") == row
    assert stacks.find(connection, "app") == row
    assert stacks.find(connection, "arn:s") == row
    assert stacks.find(connection, "other") is None
    stacks.move(connection, "arn:s", ["CREATE_COMPLETE"], "DELETE_COMPLETE", deleted_at=NOW)
    assert stacks.find(connection, "app") is None
    gone = stacks.find(connection, "arn:s")
    assert gone is not None
    assert gone.deleted_at == NOW


def test_resources_come_back_in_order(connection: sa.Connection) -> None:
    def row(name: str, stack: str = "s") -> ResourceRow:
        return ResourceRow(stack, name, "T", f"id-{name}", "CREATE_COMPLETE", None, "sealed", NOW)

    stacks.put_resources(connection, [row("B"), row("A"), row("C", "other")])
    assert stacks.resources(connection, "s") == [row("A"), row("B")]
    assert stacks.resources_of_types(connection, ["T"]) == [row("B"), row("A"), row("C", "other")]


def test_steps_come_back(connection: sa.Connection) -> None:
    rows = [StepRow("o", "CREATE", name, "RUNNING", "sealed") for name in "AB"]
    stack_operations.put_steps(connection, [*rows, StepRow("p", "CREATE", "A", "RUNNING", "s")])
    assert stack_operations.steps(connection, "o") == rows


def test_events_come_back_newest_first(connection: sa.Connection) -> None:
    rows = [
        NewEventRow(
            id=f"e{number}", stack_id="s", stack_name="app", logical_id="A", physical_id="id",
            type="T", status="CREATE_COMPLETE", reason=None, sealed_properties=None, token="t",
            occurred_at=NOW,
        )
        for number in range(3)
    ]  # fmt: skip
    stack_operations.add_events(connection, [])
    stack_operations.add_events(connection, rows)
    found = stack_operations.events(connection, "s", None, 2)
    assert found == [EventRow(**rows[2], ordinal=3), EventRow(**rows[1], ordinal=2)]
