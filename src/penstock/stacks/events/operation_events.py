"""Operations as DescribeEvents tells them: each begins, has events, and ends; a rollback is one of
its own.

What is stored beside a stack's events is where an operation begins and ends, which its status
tells, and what validation found. Recorded on AWS: github.com/radkawar/stackd, testdata/aws,
function_resource_policy_validation.json (also that the wire says PROGRESS where the model's enum
has PROGRESS_EVENT).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa

from penstock import ids
from penstock.stacks.events.findings import Finding
from penstock.storage import stack_operation_events as rows
from penstock.storage import stacks
from penstock.storage.encryption import Cipher
from penstock.storage.stack_operation_events import OperationEventRow
from penstock.storage.stack_operations import EventRow

CREATE_CHANGE_SET = "CREATE_CHANGESET"
IN_PROGRESS, SUCCEEDED, FAILED = "IN_PROGRESS", "SUCCEEDED", "FAILED"
_BEGINS = {
    "CREATE_IN_PROGRESS": "CREATE_STACK",
    "UPDATE_IN_PROGRESS": "UPDATE_STACK",
    "DELETE_IN_PROGRESS": "DELETE_STACK",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK",
    "UPDATE_ROLLBACK_IN_PROGRESS": "ROLLBACK",
}
_ROLLBACKS = frozenset({"ROLLBACK", "CONTINUE_ROLLBACK"})


@dataclass(frozen=True, slots=True)
class OperationEvent:
    """One event of an operation: the operation's own, a resource's, or a finding."""

    operation_id: str | None
    """None for what happened to a stack outside of operations: it was put in review."""
    event: EventRow | None = None
    own: OperationEventRow | None = None
    finding: Finding | None = None

    @property
    def failed(self) -> bool:
        """Whether it tells of a failure."""
        if self.event is not None:
            return self.event.status.endswith("_FAILED")
        return self.finding is not None or (self.own is not None and self.own.status == FAILED)


def before(connection: sa.Connection, stack_id: str, status: str, now: datetime) -> None:
    """Store, before the event of a stack's new status, that an operation begins with it, if so."""
    kind = _BEGINS.get(status)
    if kind is None:
        return
    last = rows.latest(connection, stack_id)
    if last is not None and last.status == IN_PROGRESS:
        _end(connection, last, FAILED, now)
    elif last is not None and kind == "ROLLBACK" and last.operation_type in _ROLLBACKS:
        kind = "CONTINUE_ROLLBACK"
    operation_id = _next_id(connection, stack_id, kind)
    position = rows.last_position(connection, stack_id)
    row = OperationEventRow(
        ids.new_uuid(), stack_id, position, operation_id, kind, now, IN_PROGRESS, now
    )
    rows.add(connection, row)


def rollback_id(connection: sa.Connection, stack_id: str) -> str:
    """Return the id of the operation that the stack's next event begins: the rollback of one that
    failed and was kept."""
    return _next_id(connection, stack_id, "ROLLBACK")


def after(connection: sa.Connection, stack_id: str, status: str, now: datetime) -> None:
    """Store, after the event of a stack's new status, that its operation ended with it, if so."""
    if status.endswith("_IN_PROGRESS"):
        return
    last = rows.latest(connection, stack_id)
    if last is not None and last.status == IN_PROGRESS:
        _end(connection, last, FAILED if status.endswith("_FAILED") else SUCCEEDED, now)


def add_findings(
    connection: sa.Connection,
    cipher: Cipher,
    stack_id: str,
    found: Iterable[Finding],
    now: datetime,
) -> None:
    """Store what validation found in the stack's operation in progress."""
    last = rows.latest(connection, stack_id)
    assert last is not None, "an operation has begun"
    _add_findings(connection, cipher, last, found, now)


def add_change_set(
    connection: sa.Connection,
    cipher: Cipher,
    stack_id: str,
    change_set_id: str,
    found: Sequence[Finding],
    *,
    failed: bool,
    now: datetime,
) -> None:
    """Store the making of a change set as an operation, with what validation found."""
    begin = OperationEventRow(
        ids.new_uuid(), stack_id, rows.last_position(connection, stack_id),
        ids.derived_uuid(change_set_id), CREATE_CHANGE_SET, now, IN_PROGRESS, now, change_set_id,
    )  # fmt: skip
    rows.add(connection, begin)
    _add_findings(connection, cipher, begin, found, now)
    _end(connection, begin, FAILED if failed else SUCCEEDED, now)


def merged(
    events: Iterable[EventRow], own: Sequence[OperationEventRow], cipher: Cipher
) -> list[OperationEvent]:
    """Return everything of a stack, oldest first, each with its operation."""
    in_order: list[tuple[tuple[int, int, int], EventRow | OperationEventRow]] = []
    in_order += [((each.ordinal, 0, 0), each) for each in events]
    in_order += [((each.position, 1, each.ordinal), each) for each in own]
    in_order.sort(key=lambda pair: pair[0])
    found = []
    current: str | None = None
    for _, each in in_order:
        if isinstance(each, EventRow):
            found.append(OperationEvent(current, event=each))
            continue
        if each.change_set_id is None and each.status is not None:
            current = each.operation_id if each.status == IN_PROGRESS else None
        finding = None
        if each.sealed_finding is not None:
            finding = msgspec.json.decode(cipher.decrypt(each.sealed_finding), type=Finding)
        found.append(OperationEvent(each.operation_id, own=each, finding=finding))
    return found


def operations_of(ordinals: Iterable[int], own: Sequence[OperationEventRow]) -> dict[int, str]:
    """Return the id of the operation of each of a stack's events, by the events' ordinals."""
    begun = [each for each in own if each.status is not None and each.change_set_id is None]
    found = {}
    for ordinal in ordinals:
        earlier = [each for each in begun if each.position < ordinal]
        if earlier and earlier[-1].status == IN_PROGRESS:
            found[ordinal] = earlier[-1].operation_id
    return found


def _next_id(connection: sa.Connection, stack_id: str, kind: str) -> str:
    stack = stacks.get(connection, stack_id)
    operation_id = stack.operation_id if stack else None
    if operation_id is not None and not rows.known(connection, operation_id):
        return operation_id
    position = rows.last_position(connection, stack_id)
    return ids.derived_uuid(operation_id or stack_id, kind, str(position))


def _end(connection: sa.Connection, begin: OperationEventRow, status: str, now: datetime) -> None:
    row = OperationEventRow(
        ids.new_uuid(), begin.stack_id, rows.last_position(connection, begin.stack_id),
        begin.operation_id, begin.operation_type, now, status, begin.started_at,
        begin.change_set_id,
    )  # fmt: skip
    rows.add(connection, row)


def _add_findings(
    connection: sa.Connection,
    cipher: Cipher,
    operation: OperationEventRow,
    found: Iterable[Finding],
    now: datetime,
) -> None:
    position = rows.last_position(connection, operation.stack_id)
    for each in found:
        sealed = cipher.encrypt(msgspec.json.encode(each).decode())
        row = OperationEventRow(
            ids.new_uuid(), operation.stack_id, position, operation.operation_id,
            operation.operation_type, now, change_set_id=operation.change_set_id,
            sealed_finding=sealed,
        )  # fmt: skip
        rows.add(connection, row)
