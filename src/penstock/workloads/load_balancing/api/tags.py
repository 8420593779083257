"""Tags of load balancers, target groups, listeners and rules.

Texts: see `errors.py`; one that names no source beside it is unverified.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from penstock.arns import parse_arn
from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.workloads.load_balancing import store
from penstock.workloads.load_balancing.errors import (
    invalid,
    listener_not_found,
    load_balancer_not_found,
    rule_not_found,
    target_group_not_found,
)
from penstock.workloads.load_balancing.load_balancing import LoadBalancing

_NOT_FOUND = {
    "loadbalancer": load_balancer_not_found,
    "targetgroup": target_group_not_found,
    "listener": listener_not_found,
    "listener-rule": rule_not_found,
}


def given_tags(call: Call, request: Request) -> dict[str, str]:
    """Return a request's tags; ServiceError for those that AWS refuses."""
    pairs = request.get("Tags", ())
    given = tagging.from_pairs(pairs)
    if len(given) < len(pairs):
        raise ServiceError("DuplicateTagKeysException", "Tag keys must be unique")
    reserved = tagging.reserved_key(given)
    if reserved is not None and call.via is None:
        raise invalid(f"Tag key '{reserved}' cannot start with 'aws:'")
    return _limited(given)


async def add_tags(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Add tags to several resources, replacing those of the same keys."""
    added = given_tags(call, request)

    def add(connection: sa.Connection) -> None:
        for arn in request["ResourceArns"]:
            tags = _limited({**_tags(connection, arn), **added})
            store.retag(connection, arn, tags, call.now)

    await load_balancing.change(add)
    return {}


async def remove_tags(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Remove the tags of some keys from several resources."""

    def remove(connection: sa.Connection) -> None:
        for arn in request["ResourceArns"]:
            tags = tagging.without(_tags(connection, arn), request["TagKeys"])
            store.retag(connection, arn, tags, call.now)

    await load_balancing.change(remove)
    return {}


async def describe_tags(load_balancing: LoadBalancing, call: Call, request: Request) -> Response:
    """Return the tags of several resources."""

    def read(connection: sa.Connection) -> list[dict[str, object]]:
        return [
            {"ResourceArn": arn, "Tags": tagging.to_pairs(_tags(connection, arn))}
            for arn in request["ResourceArns"]
        ]

    return {"TagDescriptions": await load_balancing.look(read)}


def _tags(connection: sa.Connection, arn: str) -> Mapping[str, str]:
    found = store.tags(connection, arn)
    if found is not None:
        return found
    try:
        kind = parse_arn(arn).resource.partition("/")[0]
    except ValueError:
        kind = ""
    if kind not in _NOT_FOUND:
        raise invalid(f"'{arn}' is not a valid load balancing ARN")
    raise _NOT_FOUND[kind](arn)


def _limited(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > tagging.MOST_TAGS:
        raise ServiceError(
            "TooManyTagsException",
            f"A resource can have at most {tagging.MOST_TAGS} tags, found {len(tags)}",
        )
    return tags
