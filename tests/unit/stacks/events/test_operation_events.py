"""Where operations begin and end among a stack's events, and how the two lists are one.

Expected orders and texts: DescribeEvents as recorded on AWS (github.com/radkawar/stackd,
testdata/aws, function_resource_policy_validation.json): an operation begins before the event of the
status that begins it, and ends after the event of the status that ends it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from penstock.stacks.events import operation_events, stack_events
from penstock.stacks.events.findings import Finding, name_taken
from penstock.stacks.events.operation_events import OperationEvent
from penstock.stacks.events.stack_events import StackEvent
from penstock.storage import stack_operation_events, stack_operations, stacks
from penstock.storage.encryption import Cipher
from penstock.storage.schema import metadata
from penstock.storage.stack_operation_events import OperationEventRow
from penstock.storage.stack_operations import EventRow
from penstock.storage.stacks import StackRow

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/app/1"
CHANGE_SET = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/release/2"
TAKEN = name_taken("Table", "AWS::DynamoDB::Table", "orders")


class Told:
    """A stack's events in a database, and what is told of its operations."""

    def __init__(self, connection: sa.Connection, cipher: Cipher) -> None:
        self.connection = connection
        self.cipher = cipher
        self.now = NOW
        row = StackRow(STACK, "app", "REVIEW_IN_PROGRESS", None, 0, False, None, "sealed", NOW)
        stacks.insert(connection, row)

    def operation(self, operation_id: str) -> None:
        """Have the stack's row name an operation, as it does where one is stored."""
        row = stacks.get(self.connection, STACK)
        assert row is not None
        assert stacks.move(
            self.connection, STACK, [row.status], row.status, operation_id=operation_id
        )

    def status(self, *statuses: str) -> None:
        for status in statuses:
            self._store([stack_events.of_stack(STACK, "app", status, None)])

    def resource(self, status: str) -> None:
        self._store([StackEvent("Table", "orders", "AWS::DynamoDB::Table", status)])

    def change_set(self, found: Sequence[Finding] = (), *, failed: bool = False) -> None:
        self.now += timedelta(seconds=1)
        operation_events.add_change_set(
            self.connection, self.cipher, STACK, CHANGE_SET, found, failed=failed, now=self.now
        )

    def findings(self, *found: Finding) -> None:
        operation_events.add_findings(self.connection, self.cipher, STACK, found, self.now)

    def all(self) -> list[OperationEvent]:
        return operation_events.merged(self.events(), self.own(), self.cipher)

    def events(self) -> list[EventRow]:
        return list(reversed(stack_operations.events(self.connection, STACK, None, None)))

    def own(self) -> list[OperationEventRow]:
        return stack_operation_events.of_stack(self.connection, STACK)

    def lines(self) -> list[str]:
        """What is told, oldest first: an operation's own lines in brackets."""
        return [_line(one) for one in self.all()]

    def _store(self, events: Sequence[StackEvent]) -> None:
        self.now += timedelta(seconds=1)
        properties = stack_events.SealedProperties(self.cipher)
        told = stack_events.Told(STACK, "app", events, None, self.now, properties)
        stack_events.store(self.connection, [told])


def _line(one: OperationEvent) -> str:
    if one.event is not None:
        return f"{one.event.logical_id} {one.event.status}"
    assert one.own is not None
    if one.finding is not None:
        return f"[{one.own.operation_type} {one.finding.reason}]"
    return f"[{one.own.operation_type} {one.own.status}]"


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield Told(connection, Cipher.open(tmp_path / "key"))
    engine.dispose()


def test_an_operation_is_around_its_events(told: Told) -> None:
    told.operation("first")
    told.status("CREATE_IN_PROGRESS")
    told.resource("CREATE_IN_PROGRESS")
    told.resource("CREATE_COMPLETE")
    told.status("CREATE_COMPLETE")
    assert told.lines() == [
        "[CREATE_STACK IN_PROGRESS]",
        "app CREATE_IN_PROGRESS",
        "Table CREATE_IN_PROGRESS",
        "Table CREATE_COMPLETE",
        "app CREATE_COMPLETE",
        "[CREATE_STACK SUCCEEDED]",
    ]
    assert {one.operation_id for one in told.all()} == {"first"}


def test_a_rollback_is_an_operation_of_its_own(told: Told) -> None:
    told.operation("first")
    told.status("CREATE_IN_PROGRESS")
    told.resource("CREATE_FAILED")
    told.status("ROLLBACK_IN_PROGRESS")
    told.resource("DELETE_COMPLETE")
    told.status("ROLLBACK_COMPLETE")
    assert told.lines() == [
        "[CREATE_STACK IN_PROGRESS]",
        "app CREATE_IN_PROGRESS",
        "Table CREATE_FAILED",
        "[CREATE_STACK FAILED]",
        "[ROLLBACK IN_PROGRESS]",
        "app ROLLBACK_IN_PROGRESS",
        "Table DELETE_COMPLETE",
        "app ROLLBACK_COMPLETE",
        "[ROLLBACK SUCCEEDED]",
    ]
    ids = [one.operation_id for one in told.all()]
    assert ids[:4] == ["first"] * 4
    assert len(set(ids[4:])) == 1
    assert ids[4] not in {"first", None}


def test_a_rollback_that_failed_is_continued_by_another_operation(told: Told) -> None:
    told.operation("update")
    told.status("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED")
    told.status("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED")
    told.status("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")
    begun = [one.own for one in told.all() if one.own and one.own.status == "IN_PROGRESS"]
    assert [one.operation_type for one in begun] == [
        "UPDATE_STACK", "ROLLBACK", "CONTINUE_ROLLBACK", "CONTINUE_ROLLBACK",
    ]  # fmt: skip
    assert len({one.operation_id for one in begun}) == 4
    ends = [one.own.status for one in told.all() if one.own and one.own.status != "IN_PROGRESS"]
    assert ends == ["FAILED", "FAILED", "FAILED", "SUCCEEDED"]


def test_the_cleanup_belongs_to_the_update(told: Told) -> None:
    told.operation("update")
    told.status("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    told.resource("DELETE_COMPLETE")
    told.status("UPDATE_COMPLETE")
    assert [one.operation_id for one in told.all()] == ["update"] * 6
    assert told.lines()[-2:] == ["app UPDATE_COMPLETE", "[UPDATE_STACK SUCCEEDED]"]


def test_what_comes_between_operations_belongs_to_none(told: Told) -> None:
    told.status("REVIEW_IN_PROGRESS")
    told.operation("first")
    told.status("CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    assert [(_line(one), one.operation_id) for one in told.all()][:2] == [
        ("app REVIEW_IN_PROGRESS", None),
        ("[CREATE_STACK IN_PROGRESS]", "first"),
    ]


def test_findings_are_told_where_they_were_made(told: Told) -> None:
    told.operation("first")
    told.status("CREATE_IN_PROGRESS")
    told.findings(TAKEN)
    told.status("CREATE_FAILED")
    taken = f"[CREATE_STACK {TAKEN.reason}]"
    assert told.lines() == [
        "[CREATE_STACK IN_PROGRESS]",
        "app CREATE_IN_PROGRESS",
        taken,
        "app CREATE_FAILED",
        "[CREATE_STACK FAILED]",
    ]
    assert {one.operation_id for one in told.all()} == {"first"}
    assert [one.finding for one in told.all() if one.finding] == [TAKEN]
    assert [_line(one) for one in told.all() if one.failed] == told.lines()[2:]


def test_a_change_set_made_meanwhile_takes_no_event_from_the_operation(told: Told) -> None:
    told.operation("update")
    told.status("UPDATE_IN_PROGRESS")
    told.change_set([TAKEN], failed=True)
    told.resource("UPDATE_COMPLETE")
    told.status("UPDATE_COMPLETE")
    assert told.lines() == [
        "[UPDATE_STACK IN_PROGRESS]",
        "app UPDATE_IN_PROGRESS",
        "[CREATE_CHANGESET IN_PROGRESS]",
        f"[CREATE_CHANGESET {TAKEN.reason}]",
        "[CREATE_CHANGESET FAILED]",
        "Table UPDATE_COMPLETE",
        "app UPDATE_COMPLETE",
        "[UPDATE_STACK SUCCEEDED]",
    ]
    made = [one.operation_id for one in told.all()]
    assert [made[0], made[1], *made[5:]] == ["update"] * 5
    assert "update" not in made[2:5]
    assert len(set(made[2:5])) == 1


def test_change_sets_before_any_event_come_in_the_order_they_were_made_in(told: Told) -> None:
    told.change_set()
    told.change_set(failed=True)
    told.status("REVIEW_IN_PROGRESS")
    assert told.lines() == [
        "[CREATE_CHANGESET IN_PROGRESS]",
        "[CREATE_CHANGESET SUCCEEDED]",
        "[CREATE_CHANGESET IN_PROGRESS]",
        "[CREATE_CHANGESET FAILED]",
        "app REVIEW_IN_PROGRESS",
    ]
    assert told.all()[-1].operation_id is None


def test_a_rollback_has_the_id_that_was_told_beforehand(told: Told) -> None:
    """RollbackStack answers with the id of an operation that its events begin later."""
    told.operation("update")
    told.status("UPDATE_IN_PROGRESS", "UPDATE_FAILED")
    beforehand = operation_events.rollback_id(told.connection, STACK)
    told.status("UPDATE_ROLLBACK_IN_PROGRESS")
    assert told.all()[-1].operation_id == beforehand != "update"


def test_both_ways_to_an_events_operation_agree(told: Told) -> None:
    """DescribeStackEvents looks up the events of a page, DescribeEvents has all in order."""
    told.change_set()
    told.status("REVIEW_IN_PROGRESS")
    told.operation("first")
    told.status("CREATE_IN_PROGRESS")
    told.resource("CREATE_FAILED")
    told.findings(TAKEN)
    told.status("ROLLBACK_IN_PROGRESS")
    told.change_set(failed=True)
    told.resource("DELETE_COMPLETE")
    told.status("ROLLBACK_COMPLETE")
    told.operation("second")
    told.status("DELETE_IN_PROGRESS", "DELETE_COMPLETE")
    in_order = {one.event.ordinal: one.operation_id for one in told.all() if one.event}
    known = {ordinal: found for ordinal, found in in_order.items() if found is not None}
    assert len(known) == len(in_order) - 1, "all but the review"
    assert operation_events.operations_of(in_order, told.own()) == known
    last = max(in_order)
    assert operation_events.operations_of([last], told.own()) == {last: "second"}
