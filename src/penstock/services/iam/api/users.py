"""Operations on users.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html and its siblings.
"""

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, PrincipalKind, Request, Response
from penstock.services.iam import Iam, identity, identity_policies
from penstock.services.iam.api import shapes
from penstock.services.iam.identity import Kind, User
from penstock.storage import credentials as rows


async def create_user(iam: Iam, call: Call, request: Request) -> Response:
    """Make a user."""
    tags = shapes.added_tags(request.get("Tags", []), {}, call.via)
    name = request["UserName"]

    def work(connection: sa.Connection) -> User:
        path = request.get("Path", "/")
        identity.insert(connection, Kind.USER, name, path, call.account_id, tags, call.now)
        boundary = request.get("PermissionsBoundary")
        if boundary is not None:
            user = identity.get_user(connection, name)
            identity_policies.bound(connection, user, boundary, call.now)
        return identity.get_user(connection, name)

    return {"User": shapes.user_shape(await iam.write(work))}


async def get_user(iam: Iam, call: Call, request: Request) -> Response:
    """Return a user; without a name the caller, who may be the root."""
    name = user_or_caller(call, request)
    if name is None:
        keys = await iam.read(lambda c: rows.access_keys_of(c, None))
        created_at = min((key.created_at for key in keys), default=call.now)
        return {
            "User": {
                "UserId": call.account_id,
                "Arn": call.principal.arn,
                "CreateDate": created_at,
            }
        }
    return {"User": shapes.user_shape(await iam.read(lambda c: identity.get_user(c, name)))}


async def list_users(iam: Iam, call: Call, request: Request) -> Response:
    """Return the users under a path, by name."""
    prefix = request.get("PathPrefix", "/")
    return shapes.marked_page(
        request,
        "Users",
        await iam.read(lambda c: identity.scan(c, Kind.USER, prefix)),
        lambda user: user.name,
        lambda user: shapes.user_shape(user, whole=False),
    )


async def delete_user(iam: Iam, call: Call, request: Request) -> Response:
    """Remove a user that has neither policies nor access keys left."""

    def work(connection: sa.Connection) -> None:
        user = identity.get_user(connection, request["UserName"])
        if rows.access_keys_of(connection, user.name):
            raise ServiceError(
                "DeleteConflictException",
                "Cannot delete entity, must delete access keys first.",
            )
        identity.delete(connection, user)

    await iam.write(work)
    return {}


def user_or_caller(call: Call, request: Request) -> str | None:
    """Return the user that the request names, else the caller; None for the root.

    A role's session has no user: ValidationError.
    """
    name: str | None = request.get("UserName")
    if name is not None:
        return name
    if call.principal.kind is PrincipalKind.ROOT:
        return None
    if call.principal.kind is PrincipalKind.ASSUMED_ROLE:
        raise ServiceError(
            "ValidationError",
            "Must specify userName when calling with non-User credentials",
            status=400,
        )
    return call.principal.arn.rpartition("/")[2]
