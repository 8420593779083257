"""The events of a stack: in its own list, and in the outbox for whoever follows.

A resource being created has CREATE_IN_PROGRESS twice: without physical id and reason, then with
the id and `Resource creation Initiated`. A recorded resource's COMPLETE event says `recorded only:
nothing runs behind it`. The stack's own COMPLETE events (and so its StackStatusReason) sum up what
stands behind its resources: `running 11, kept 14, recorded 0`; AWS gives no reason there, and its
tools show what is given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from penstock import ids
from penstock.stacks.display import as_json, canonical
from penstock.stacks.events import operation_events
from penstock.stacks.handlers.handler import Support
from penstock.stacks.state import DeployedResource
from penstock.storage import stack_operations
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import NewEvent, publish_all
from penstock.storage.stack_operations import NewEventRow

STACK_TYPE = "AWS::CloudFormation::Stack"
RECORDED = "stack.EventRecorded"
"""Outbox: an event of a stack; subject is the stack's id."""
COMPLETED = "stack.Completed"
"""Outbox: an operation on a stack has ended; detail has its status."""

USER_INITIATED = "User Initiated"
CREATION_INITIATED = "Resource creation Initiated"
REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
PROVIDER_REPLACED = (  # unverified
    "Requested update required the provider to create a new physical resource"
)
RECORDED_ONLY = "recorded only: nothing runs behind it"
RECORDED_IN_PLACE = (
    "recorded only: nothing runs behind it that could tell whether this update needs a "
    "replacement, so it was made in place"
)


class StackEvent(msgspec.Struct, frozen=True):
    """An event before it is stored."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None = None
    properties: Mapping[str, Any] | None = None
    """As they may be shown: NoEcho values masked."""

    @property
    def properties_text(self) -> str | None:
        """The properties as JSON in AWS's form (recorded): scalars are text, and no spaces."""
        return None if self.properties is None else as_json(canonical(self.properties))


class SealedProperties:
    """Properties of one stack's events as they are stored. A resource's are encrypted once for as
    long as its events tell the very same ones: most have three."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher
        self._last: dict[str, tuple[Mapping[str, Any], str]] = {}

    def of(self, event: StackEvent) -> str | None:
        """Return an event's properties encrypted, None where it tells none."""
        properties = event.properties
        if properties is None:
            return None
        last = self._last.get(event.logical_id)
        if last is None or last[0] is not properties:
            sealed = self._cipher.encrypt(as_json(canonical(properties)))
            last = self._last[event.logical_id] = (properties, sealed)
        return last[1]


@dataclass(frozen=True, slots=True)
class Told:
    """What one stack tells in one moment: events in their order."""

    stack_id: str
    stack_name: str
    events: Sequence[StackEvent]
    token: str | None
    """The client request token of the operation."""
    now: datetime
    properties: SealedProperties


def store(connection: sa.Connection, told: Iterable[Told]) -> list[list[str]]:
    """Add events to their stacks' lists and to the outbox, in their order; return the ids of each.

    A stack's own tell where its operations begin and end.
    """
    stored: list[list[str]] = []
    rows: list[NewEventRow] = []
    for each in told:
        ids_of_each = []
        moment = each.now.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        for event in each.events:
            own = event.type == STACK_TYPE and event.physical_id == each.stack_id
            if own:
                _insert(connection, rows)
                operation_events.before(connection, each.stack_id, event.status, each.now)
            row = _row(each, event, _event_id(event, moment))
            rows.append(row)
            ids_of_each.append(row["id"])
            if own:
                _insert(connection, rows)
                operation_events.after(connection, each.stack_id, event.status, each.now)
        stored.append(ids_of_each)
    _insert(connection, rows)
    return stored


def _row(told: Told, event: StackEvent, event_id: str) -> NewEventRow:
    return NewEventRow(
        id=event_id,
        stack_id=told.stack_id,
        stack_name=told.stack_name,
        logical_id=event.logical_id,
        physical_id=event.physical_id,
        type=event.type,
        status=event.status,
        reason=event.reason,
        sealed_properties=told.properties.of(event),
        token=told.token,
        occurred_at=told.now,
    )


def _insert(connection: sa.Connection, rows: list[NewEventRow]) -> None:
    """Store what is gathered, and empty it."""
    stack_operations.add_events(connection, rows)
    told = [
        NewEvent(
            RECORDED,
            row["stack_id"],
            {
                "stackName": row["stack_name"],
                "logicalResourceId": row["logical_id"],
                "resourceType": row["type"],
                "status": row["status"],
                "reason": row["reason"],
            },
            row["occurred_at"],
        )
        for row in rows
    ]
    publish_all(connection, told)
    rows.clear()


def of_stack(stack_id: str, stack_name: str, status: str, reason: str | None) -> StackEvent:
    """Return an event of the stack itself."""
    return StackEvent(stack_name, stack_id, STACK_TYPE, status, reason)


def summary(resources: Iterable[DeployedResource]) -> str:
    """Return what stands behind the resources: `running 11, kept 14, recorded 0`."""
    counts = {support.value: 0 for support in Support}
    for resource in resources:
        counts[resource.support] += 1
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _event_id(event: StackEvent, moment: str) -> str:
    if event.type == STACK_TYPE:
        return ids.new_uuid()
    return f"{event.logical_id}-{event.status}-{moment}-{ids.new_alphanumeric(6)}"
