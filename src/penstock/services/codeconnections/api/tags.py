"""Tags of connections. Who names a secret in one must be allowed to read it."""

from collections.abc import Mapping

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.codeconnections.connections import SECRET_TAG, Connections


async def check_given(domain: Connections, call: Call, tags: Mapping[str, str]) -> None:
    """Raise ServiceError for reserved keys, and unless the caller may read a named secret.

    Without this, a connection to a host of the caller's would be told what the secret holds.
    """
    if (key := tagging.reserved_key(tags, call.via)) is not None:
        raise ServiceError(
            "InvalidInputException",
            f"Tag keys that begin with aws: are AWS's own, found {key}.",
            status=400,
        )
    secret = tags.get(SECRET_TAG)
    if secret is not None:
        place = await domain.secret_arn(secret)
        await call.authorize(call.principal, "secretsmanager:GetSecretValue", place, {})


async def list_tags_for_resource(domain: Connections, call: Call, request: Request) -> Response:
    """Return a connection's tags."""
    found = await domain.get(request["ResourceArn"])
    return {"Tags": tagging.to_pairs(found.tags)}


async def tag_resource(domain: Connections, call: Call, request: Request) -> Response:
    """Add tags, replacing those of the same keys."""
    added = tagging.from_pairs(request["Tags"])
    found = await domain.get(request["ResourceArn"])
    # A new address gets the old credentials: that too needs the permission to read them.
    await check_given(domain, call, {**found.tags, **added} if added else added)
    await domain.set_tags(found.arn, {**found.tags, **added})
    return {}


async def untag_resource(domain: Connections, call: Call, request: Request) -> Response:
    """Remove the tags of some keys."""
    found = await domain.get(request["ResourceArn"])
    left = tagging.without(found.tags, request["TagKeys"])
    await check_given(domain, call, left)
    await domain.set_tags(found.arn, left)
    return {}
