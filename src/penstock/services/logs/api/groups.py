"""Log groups and their retention."""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.services.logs.api.tags import refuse_reserved
from penstock.services.logs.log_groups import Logs, milliseconds
from penstock.storage.resources import Resource

_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip


async def create_log_group(logs: Logs, call: Call, request: Request) -> Response:
    """Make a group; KMS keys and deletion protection do not exist here and are refused."""
    for unsupported in ("kmsKeyId", "deletionProtectionEnabled"):
        if request.get(unsupported):
            raise ServiceError(
                "InvalidParameterException",
                f"Penstock has no {unsupported} for log groups; leave it out.",
            )
    refuse_reserved(request.get("tags", {}), call)
    await logs.create_group(
        request["logGroupName"],
        log_class=request.get("logGroupClass", "STANDARD"),
        tags=request.get("tags"),
    )
    return {}


async def delete_log_group(logs: Logs, call: Call, request: Request) -> Response:
    """Remove a group with everything in it."""
    await logs.delete_group(request["logGroupName"])
    return {}


async def describe_log_groups(logs: Logs, call: Call, request: Request) -> Response:
    """List groups by prefix, by a part of the name, or by their names."""
    prefix, pattern = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
    if prefix and pattern:
        raise ServiceError(
            "InvalidParameterException",
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        )
    wanted = request.get("logGroupIdentifiers")
    log_class = request.get("logGroupClass")
    found = [
        group
        for group in await logs.groups(prefix or "")
        if (pattern or "") in group.name
        and (wanted is None or group.name in wanted or group.arn in wanted)
        and log_class in (None, group.document["class"])
    ]
    groups, token = page(
        found,
        request.get("nextToken"),
        request.get("limit", 50),
        key=lambda group: group.name,
        error_code="InvalidParameterException",
    )
    return {"logGroups": [_description(group) for group in groups], "nextToken": token}


async def put_retention_policy(logs: Logs, call: Call, request: Request) -> Response:
    """Keep events for one of the numbers of days that AWS knows."""
    days = request["retentionInDays"]
    if days not in _RETENTION_DAYS:
        raise ServiceError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy "
            "constraint: Member must satisfy enum value set: "
            f"[{', '.join(map(str, _RETENTION_DAYS))}]",
        )
    await logs.set_retention(request["logGroupName"], days)
    return {}


async def delete_retention_policy(logs: Logs, call: Call, request: Request) -> Response:
    """Keep events for ever."""
    await logs.set_retention(request["logGroupName"], None)
    return {}


def _description(group: Resource) -> dict[str, Any]:
    return {
        "logGroupName": group.name,
        "creationTime": milliseconds(group.created_at),
        "retentionInDays": group.document.get("retention"),
        "metricFilterCount": 0,
        "arn": f"{group.arn}:*",
        "logGroupArn": group.arn,
        "logGroupClass": group.document["class"],
    }
