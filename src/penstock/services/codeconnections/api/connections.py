"""Connections: made, shown, listed, deleted."""

from penstock.aws import pagination
from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.codeconnections.api.tags import check_given
from penstock.services.codeconnections.connections import Connection, Connections

_MOST = 100
_DEFAULT_PROVIDER = "GitHub"


async def create_connection(domain: Connections, call: Call, request: Request) -> Response:
    """Store a connection; PENDING unless its tags say where it leads."""
    if request.get("HostArn"):
        raise ServiceError(
            "ResourceUnavailableException",
            "Penstock has no hosts: give the connection the tag penstock:url instead of HostArn.",
        )
    tags = tagging.from_pairs(request.get("Tags", []))
    await check_given(domain, call, tags)
    provider = request.get("ProviderType", _DEFAULT_PROVIDER)
    made = await domain.create(call.service, request["ConnectionName"], provider, tags)
    return {"ConnectionArn": made.arn, "Tags": tagging.to_pairs(tags)}


async def get_connection(domain: Connections, call: Call, request: Request) -> Response:
    """Return one connection."""
    return {"Connection": _shown(await domain.get(request["ConnectionArn"]), call)}


async def list_connections(domain: Connections, call: Call, request: Request) -> Response:
    """Return connections, by provider type if asked, a page at a time."""
    wanted = request.get("ProviderTypeFilter")
    found = [
        connection
        for connection in sorted(await domain.all(), key=lambda each: each.arn)
        if wanted is None or connection.provider_type == wanted
    ]
    listed, token = pagination.page(
        found, request.get("NextToken"), request.get("MaxResults", _MOST), key=lambda c: c.arn
    )
    answer: dict[str, object] = {"Connections": [_shown(each, call) for each in listed]}
    return {**answer, "NextToken": token} if token else answer


async def delete_connection(domain: Connections, call: Call, request: Request) -> Response:
    """Remove a connection; pipelines that use it fail from then on."""
    await domain.delete(request["ConnectionArn"])
    return {}


def _shown(connection: Connection, call: Call) -> dict[str, str]:
    return {
        "ConnectionName": connection.name,
        "ConnectionArn": connection.arn,
        "ProviderType": connection.provider_type,
        "OwnerAccountId": call.account_id,
        "ConnectionStatus": connection.status,
    }
