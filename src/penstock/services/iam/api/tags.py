"""Tags of roles, users and managed policies."""

import sqlalchemy as sa

from penstock.aws import tags as tagging
from penstock.aws.service import Call, Request, Response
from penstock.services.iam import Iam, identity, managed_policies
from penstock.services.iam.api import shapes
from penstock.services.iam.api.identity_policies import target
from penstock.services.iam.api.policies import own_policy
from penstock.services.iam.identity import Kind


async def tag(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Add tags to a role or user, replacing those of the same keys."""

    def work(connection: sa.Connection) -> None:
        found = target(connection, kind, request)
        tags = shapes.added_tags(request["Tags"], found.tags, call.via)
        identity.retag(connection, found, tags, call.now)

    await iam.write(work)
    return {}


async def untag(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Remove the tags of some keys from a role or user."""
    shapes.refuse_reserved(request["TagKeys"], call.via)

    def work(connection: sa.Connection) -> None:
        found = target(connection, kind, request)
        kept = tagging.without(found.tags, request["TagKeys"])
        identity.retag(connection, found, kept, call.now)

    await iam.write(work)
    return {}


async def list_tags(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Return a role's or user's tags, by key."""
    found = await iam.read(lambda c: target(c, kind, request))
    tags = shapes.tag_list(found.tags)
    return shapes.marked_page(request, "Tags", tags, lambda one: one["Key"], lambda one: one)


async def tag_policy(iam: Iam, call: Call, request: Request) -> Response:
    """Add tags to a managed policy."""

    def work(connection: sa.Connection) -> None:
        policy = own_policy(connection, request)
        tags = shapes.added_tags(request["Tags"], policy.tags, call.via, ignore_case=False)
        managed_policies.retag(connection, policy, tags, call.now)

    await iam.write(work)
    return {}


async def untag_policy(iam: Iam, call: Call, request: Request) -> Response:
    """Remove the tags of some keys from a managed policy."""
    shapes.refuse_reserved(request["TagKeys"], call.via)

    def work(connection: sa.Connection) -> None:
        policy = own_policy(connection, request)
        kept = tagging.without(policy.tags, request["TagKeys"])
        managed_policies.retag(connection, policy, kept, call.now)

    await iam.write(work)
    return {}


async def list_policy_tags(iam: Iam, call: Call, request: Request) -> Response:
    """Return a managed policy's tags, by key."""
    policy = await iam.read(lambda c: managed_policies.get(c, request["PolicyArn"]))
    tags = shapes.tag_list(policy.tags)
    return shapes.marked_page(request, "Tags", tags, lambda one: one["Key"], lambda one: one)
