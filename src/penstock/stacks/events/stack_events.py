"""The events of a stack: in its own list, and in the outbox for whoever follows.

A resource being created has CREATE_IN_PROGRESS twice: without physical id and reason, then with
the id and `Resource creation Initiated`. A recorded resource's COMPLETE event says `recorded only:
nothing runs behind it`. The stack's own COMPLETE events (and so its StackStatusReason) sum up what
stands behind its resources: `running 11, kept 14, recorded 0`; AWS gives no reason there, and its
tools show what is given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock import ids
from penstock.stacks.display import as_json, canonical
from penstock.stacks.events import operation_events
from penstock.stacks.handlers.handler import Support
from penstock.stacks.state import DeployedResource
from penstock.storage import stack_operations
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import NewEvent, publish_all
from penstock.storage.stack_operations import EventRow

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


@dataclass(frozen=True, slots=True)
class StackEvent:
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


def store(
    connection: sa.Connection,
    cipher: Cipher,
    stack_id: str,
    stack_name: str,
    events: Iterable[StackEvent],
    token: str | None,
    now: datetime,
) -> list[tuple[str, StackEvent]]:
    """Add events to the stack's list and to the outbox, in their order; return them with ids.

    The stack's own tell where its operations begin and end.
    """
    stored: list[tuple[str, StackEvent]] = []
    rows: list[EventRow] = []
    for event in events:
        own = event.type == STACK_TYPE and event.physical_id == stack_id
        if own:
            _insert(connection, rows, now)
            operation_events.before(connection, stack_id, event.status, now)
        event_id = _event_id(event, now)
        stored.append((event_id, event))
        properties = event.properties_text
        rows.append(
            EventRow(
                id=event_id,
                stack_id=stack_id,
                stack_name=stack_name,
                logical_id=event.logical_id,
                physical_id=event.physical_id,
                type=event.type,
                status=event.status,
                reason=event.reason,
                sealed_properties=None if properties is None else cipher.encrypt(properties),
                token=token,
                occurred_at=now,
            )
        )
        if own:
            _insert(connection, rows, now)
            operation_events.after(connection, stack_id, event.status, now)
    _insert(connection, rows, now)
    return stored


def _insert(connection: sa.Connection, rows: list[EventRow], now: datetime) -> None:
    """Store what is gathered, and empty it."""
    stack_operations.add_events(connection, rows)
    told = [
        NewEvent(
            RECORDED,
            row.stack_id,
            {
                "stackName": row.stack_name,
                "logicalResourceId": row.logical_id,
                "resourceType": row.type,
                "status": row.status,
                "reason": row.reason,
            },
            now,
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


def _event_id(event: StackEvent, now: datetime) -> str:
    if event.type == STACK_TYPE:
        return ids.new_uuid()
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
    return f"{event.logical_id}-{event.status}-{stamp}-{ids.new_alphanumeric(6)}"
