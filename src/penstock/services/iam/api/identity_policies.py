"""Operations on the policies of roles and users: each serves both kinds, named in the table.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html and its siblings.
"""

import sqlalchemy as sa

from penstock.aws.service import Call, Request, Response
from penstock.services.iam import Iam, identity, identity_policies, managed_policies
from penstock.services.iam.api import shapes
from penstock.services.iam.identity import Identity, Kind


def name_member(kind: Kind) -> str:
    """Return the request's member that names the identity: RoleName or UserName."""
    return f"{kind.value.capitalize()}Name"


def target(connection: sa.Connection, kind: Kind, request: Request) -> Identity:
    """Return the identity that the request names; NoSuchEntity."""
    return identity.get(connection, kind, request[name_member(kind)])


async def put_policy(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Add or replace an inline policy."""
    await iam.write(
        lambda c: identity_policies.put_inline(
            c, target(c, kind, request), request["PolicyName"], request["PolicyDocument"], call.now
        )
    )
    return {}


async def get_policy(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Return an inline policy."""
    found = await iam.read(lambda c: target(c, kind, request))
    document = identity_policies.get_inline(found, request["PolicyName"])
    return {
        name_member(kind): found.name,
        "PolicyName": request["PolicyName"],
        "PolicyDocument": shapes.encoded(document),
    }


async def list_policies(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Return the names of the inline policies."""
    found = await iam.read(lambda c: target(c, kind, request))
    names = sorted(found.inline_policies)
    return shapes.marked_page(request, "PolicyNames", names, lambda name: name, lambda name: name)


async def delete_policy(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Remove an inline policy."""
    await iam.write(
        lambda c: identity_policies.delete_inline(
            c, target(c, kind, request), request["PolicyName"], call.now
        )
    )
    return {}


async def attach_policy(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Attach a managed policy."""
    await iam.write(
        lambda c: identity_policies.attach(
            c, target(c, kind, request), request["PolicyArn"], call.now
        )
    )
    return {}


async def detach_policy(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Detach a managed policy."""
    await iam.write(
        lambda c: identity_policies.detach(
            c, target(c, kind, request), request["PolicyArn"], call.now
        )
    )
    return {}


async def list_attached(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Return the attached managed policies under a path, by ARN."""

    def work(connection: sa.Connection) -> list[managed_policies.ManagedPolicy]:
        attached = target(connection, kind, request).attached_policies
        return [managed_policies.get(connection, policy_arn) for policy_arn in sorted(attached)]

    prefix = request.get("PathPrefix", "/")
    found = [policy for policy in await iam.read(work) if policy.path.startswith(prefix)]
    return shapes.marked_page(
        request,
        "AttachedPolicies",
        found,
        lambda policy: policy.arn,
        lambda policy: {"PolicyName": policy.name, "PolicyArn": policy.arn},
    )


async def put_boundary(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Bound what the identity's policies can allow."""
    await iam.write(
        lambda c: identity_policies.bound(
            c, target(c, kind, request), request["PermissionsBoundary"], call.now
        )
    )
    return {}


async def delete_boundary(kind: Kind, iam: Iam, call: Call, request: Request) -> Response:
    """Remove the bound."""
    await iam.write(lambda c: identity_policies.bound(c, target(c, kind, request), None, call.now))
    return {}
