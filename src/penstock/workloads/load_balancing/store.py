"""Load balancers, target groups, listeners and rules in the generic resource store, by ARN."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from penstock.storage import resources
from penstock.storage.resources import Resource
from penstock.workloads.load_balancing.errors import (
    load_balancer_not_found,
    target_group_not_found,
)
from penstock.workloads.load_balancing.records import (
    Listener,
    LoadBalancer,
    Rule,
    TargetGroup,
    from_document,
    to_document,
)

Record = LoadBalancer | TargetGroup | Listener | Rule
R = TypeVar("R", LoadBalancer, TargetGroup, Listener, Rule)

_SERVICE = "elbv2"
_TYPES: Mapping[type[Record], str] = {
    LoadBalancer: "load-balancer",
    TargetGroup: "target-group",
    Listener: "listener",
    Rule: "listener-rule",
}


def add(connection: sa.Connection, record: Record, now: datetime, tags: Mapping[str, str]) -> None:
    """Store a new record."""
    kind = _TYPES[type(record)]
    resources.insert(
        connection,
        Resource(_SERVICE, kind, record.arn, record.arn, to_document(record), tags, now, now),
    )


def replace(connection: sa.Connection, record: Record, now: datetime) -> None:
    """Store a record's new state; its tags stay."""
    kind = _TYPES[type(record)]
    resources.update(connection, _SERVICE, kind, record.arn, now=now, document=to_document(record))


def remove(connection: sa.Connection, record: Record) -> None:
    """Remove a record with its tags."""
    resources.delete(connection, _SERVICE, _TYPES[type(record)], record.arn)


def find(connection: sa.Connection, kind: type[R], arn: str) -> R | None:
    """Return the record with that ARN, or None."""
    found = resources.get(connection, _SERVICE, _TYPES[kind], arn)
    return None if found is None else from_document(found.document, kind)


def load_balancer(connection: sa.Connection, arn: str) -> LoadBalancer:
    """Return a load balancer; ServiceError when there is none of that ARN."""
    found = find(connection, LoadBalancer, arn)
    if found is None:
        raise load_balancer_not_found(arn)
    return found


def target_group(connection: sa.Connection, arn: str) -> TargetGroup:
    """Return a target group; ServiceError when there is none of that ARN."""
    found = find(connection, TargetGroup, arn)
    if found is None:
        raise target_group_not_found(arn)
    return found


def every(connection: sa.Connection, kind: type[R]) -> list[R]:
    """Return all records of a class, in order of ARN."""
    found = resources.scan(connection, _SERVICE, _TYPES[kind])
    return [from_document(one.document, kind) for one in found]


def tags(connection: sa.Connection, arn: str) -> dict[str, str] | None:
    """Return the tags of whatever has that ARN, None where nothing has."""
    found = resources.get_by_arn(connection, arn)
    return dict(found.tags) if found is not None and found.service == _SERVICE else None


def retag(connection: sa.Connection, arn: str, tags: Mapping[str, str], now: datetime) -> None:
    """Replace the tags of the record with that ARN."""
    for kind in _TYPES.values():
        if resources.update(connection, _SERVICE, kind, arn, now=now, tags=tags):
            return
