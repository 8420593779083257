"""Operations on roles.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html and its siblings.
"""

import sqlalchemy as sa

from penstock.aws.service import Call, Request, Response
from penstock.services.iam import Iam, Role, identity, identity_policies, trust
from penstock.services.iam.api import shapes
from penstock.services.iam.identity import Kind
from penstock.storage import credentials as rows
from penstock.storage.credentials import LastUse

_DEFAULT_SESSION_SECONDS = 3_600


async def create_role(iam: Iam, call: Call, request: Request) -> Response:
    """Make a role."""
    tags = shapes.added_tags(request.get("Tags", []), {}, call.via)
    name = request["RoleName"]

    def work(connection: sa.Connection) -> Role:
        text = request["AssumeRolePolicyDocument"]
        trust.check_trust_policy(connection, call.account_id, text)
        identity.insert(
            connection,
            Kind.ROLE,
            name,
            request.get("Path", "/"),
            call.account_id,
            tags,
            call.now,
            trust=text,
            description=request.get("Description"),
            max_session_seconds=request.get("MaxSessionDuration", _DEFAULT_SESSION_SECONDS),
        )
        boundary = request.get("PermissionsBoundary")
        if boundary is not None:
            role = identity.get_role(connection, name)
            identity_policies.bound(connection, role, boundary, call.now)
        return identity.get_role(connection, name)

    return {"Role": shapes.role_shape(await iam.write(work))}


async def get_role(iam: Iam, call: Call, request: Request) -> Response:
    """Return a role."""

    def work(connection: sa.Connection) -> tuple[Role, LastUse | None]:
        role = identity.get_role(connection, request["RoleName"])
        return role, rows.last_use(connection, role.arn)

    role, last_use = await iam.read(work)
    return {"Role": shapes.role_shape(role, last_use)}


async def list_roles(iam: Iam, call: Call, request: Request) -> Response:
    """Return the roles under a path, by name."""
    prefix = request.get("PathPrefix", "/")
    found = await iam.read(lambda c: identity.scan(c, Kind.ROLE, prefix))
    roles = [role for role in found if isinstance(role, Role)]
    return shapes.marked_page(
        request,
        "Roles",
        roles,
        lambda role: role.name,
        lambda role: shapes.role_shape(role, whole=False),
    )


async def update_role(iam: Iam, call: Call, request: Request) -> Response:
    """Change a role's description and longest session."""

    def work(connection: sa.Connection) -> None:
        role = identity.get_role(connection, request["RoleName"])
        identity.change(
            connection,
            role,
            call.now,
            description=request.get("Description", role.description),
            max_session_seconds=request.get("MaxSessionDuration", role.max_session_seconds),
        )

    await iam.write(work)
    return {}


async def update_role_description(iam: Iam, call: Call, request: Request) -> Response:
    """Change a role's description."""

    def work(connection: sa.Connection) -> Role:
        role = identity.get_role(connection, request["RoleName"])
        identity.change(connection, role, call.now, description=request["Description"])
        return identity.get_role(connection, role.name)

    return {"Role": shapes.role_shape(await iam.write(work))}


async def update_assume_role_policy(iam: Iam, call: Call, request: Request) -> Response:
    """Replace a role's trust policy."""

    def work(connection: sa.Connection) -> None:
        role = identity.get_role(connection, request["RoleName"])
        text = request["PolicyDocument"]
        trust.check_trust_policy(connection, call.account_id, text)
        identity.change(connection, role, call.now, trust=text)

    await iam.write(work)
    return {}


async def delete_role(iam: Iam, call: Call, request: Request) -> Response:
    """Remove a role that has no policies left."""
    await iam.write(lambda c: identity.delete(c, identity.get_role(c, request["RoleName"])))
    return {}
