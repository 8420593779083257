"""Services in the database: one row each, changed only as read, with the events of each change.

Outbox: `ecs.ServiceChanged` (subject: the service's ARN; clusterArn, serviceName, status) when what
is wanted changed, `ecs.ServiceEventRecorded` (message) for each of the service's events.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.storage import ecs_service_events, outbox, resources
from penstock.storage.resources import Resource
from penstock.workloads.ecs.clusters import SERVICE, SERVICE_TYPE
from penstock.workloads.ecs.service_decisions import Decision, applied
from penstock.workloads.ecs.service_state import (
    ServiceState,
    ServiceStatus,
    from_document,
    to_document,
)

CHANGED = "ecs.ServiceChanged"
EVENT_RECORDED = "ecs.ServiceEventRecorded"
_SERIAL = "serial"


@dataclass(frozen=True, slots=True)
class StoredService:
    """A service with its tags; `serial` rises with every change."""

    state: ServiceState
    serial: int
    tags: Mapping[str, str]


def key_of(cluster_name: str, name: str) -> str:
    """Return the name that a service's row has."""
    return f"{cluster_name}/{name}"


def get(connection: sa.Connection, key: str) -> StoredService | None:
    """Return the service of this key (`CLUSTER/NAME`), an INACTIVE one too, or None."""
    found = resources.get(connection, SERVICE, SERVICE_TYPE, key)
    return None if found is None else _stored(found)


def scan(connection: sa.Connection, cluster_name: str | None = None) -> list[StoredService]:
    """Return services in order of cluster and name; of one cluster if given."""
    prefix = "" if cluster_name is None else f"{cluster_name}/"
    found = resources.scan(connection, SERVICE, SERVICE_TYPE, prefix=prefix)
    return [_stored(each) for each in found]


def insert(
    connection: sa.Connection,
    key: str,
    state: ServiceState,
    tags: Mapping[str, str],
    now: datetime,
) -> None:
    """Store a new service, in place of an INACTIVE one of its name."""
    resources.delete(connection, SERVICE, SERVICE_TYPE, key)
    ecs_service_events.forget(connection, state.arn)
    document = _document(state, 1)
    resources.insert(
        connection, Resource(SERVICE, SERVICE_TYPE, key, state.arn, document, tags, now, now)
    )
    _publish_change(connection, state, now)


def change(
    connection: sa.Connection,
    key: str,
    make: Callable[[StoredService], ServiceState],
    now: datetime,
) -> StoredService:
    """Store what a caller makes of a service; raise ServiceNotFoundException."""
    before = found_or_missing(get(connection, key))
    after = make(before)
    if after != before.state:
        _replace(connection, key, after, before.serial + 1, now)
        _publish_change(connection, after, now)
    return StoredService(after, before.serial + 1, before.tags)


def take(
    connection: sa.Connection,
    key: str,
    serial: int,
    decisions: Sequence[Decision],
    now: datetime,
) -> StoredService | None:
    """Store decisions on the service as it was read; None when it has changed since."""
    before = get(connection, key)
    if before is None or before.serial != serial:
        return None
    state = before.state
    for decision in decisions:
        state = applied(state, decision, now)
    messages = [decision.cause for decision in decisions if decision.tells]
    ecs_service_events.append(connection, state.arn, messages, now)
    outbox.publish_all(
        connection,
        [
            outbox.NewEvent(EVENT_RECORDED, state.arn, {"message": message}, now)
            for message in messages
        ],
    )
    _replace(connection, key, state, serial + 1, now)
    return StoredService(state, serial + 1, before.tags)


def set_tags(connection: sa.Connection, key: str, tags: Mapping[str, str], now: datetime) -> None:
    """Replace a service's tags."""
    resources.update(connection, SERVICE, SERVICE_TYPE, key, now=now, tags=tags)


def found_or_missing(found: StoredService | None) -> StoredService:
    """Return a service; raise ServiceNotFoundException for None."""
    if found is None:
        raise ServiceError("ServiceNotFoundException", "Service not found.")
    return found


def is_active(stored: StoredService | None) -> bool:
    """Tell whether there is a service and nobody has deleted it."""
    return stored is not None and stored.state.status is ServiceStatus.ACTIVE


def _replace(
    connection: sa.Connection, key: str, state: ServiceState, serial: int, now: datetime
) -> None:
    resources.update(
        connection, SERVICE, SERVICE_TYPE, key, now=now, document=_document(state, serial)
    )


def _publish_change(connection: sa.Connection, state: ServiceState, now: datetime) -> None:
    detail = {
        "clusterArn": state.cluster_arn,
        "serviceName": state.name,
        "status": str(state.status),
    }
    outbox.publish(connection, CHANGED, state.arn, detail, now)


def _document(state: ServiceState, serial: int) -> dict[str, Any]:
    return {**to_document(state), _SERIAL: serial}


def _stored(found: Resource) -> StoredService:
    return StoredService(from_document(found.document), found.document[_SERIAL], found.tags)
