"""Operations on managed policies and their versions.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html and its siblings.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.aws.policy_document import PolicyKind
from penstock.aws.service import Call, Request, Response
from penstock.services.iam import Iam, identity, managed_policies
from penstock.services.iam.api import shapes
from penstock.services.iam.identity import Kind
from penstock.services.iam.identity_policies import check_document, policy_characters
from penstock.services.iam.managed_policies import ManagedPolicy, PolicyVersion

_MOST_CHARACTERS = 6_144
Uses = Mapping[str, int]


def _policy_shape(
    policy: ManagedPolicy, attached: Uses, bounding: Uses, *, whole: bool = True
) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": attached.get(policy.arn, 0),
        "PermissionsBoundaryUsageCount": bounding.get(policy.arn, 0),
        "IsAttachable": True,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.updated_at,
    }
    if whole and policy.description:
        shape["Description"] = policy.description
    if whole:
        shape["Tags"] = shapes.tag_list(policy.tags)
    return shape


def _version_shape(policy: ManagedPolicy, version: PolicyVersion) -> dict[str, Any]:
    return {
        "VersionId": version.id,
        "IsDefaultVersion": version.id == policy.default_version_id,
        "CreateDate": version.created_at,
    }


def _check(document: str) -> None:
    check_document(document, PolicyKind.MANAGED)
    if policy_characters(document) > _MOST_CHARACTERS:
        raise ServiceError(
            "LimitExceededException", f"Cannot exceed quota for PolicySize: {_MOST_CHARACTERS}"
        )


def _named_policy(connection: sa.Connection, request: Request) -> ManagedPolicy:
    return managed_policies.get(connection, request["PolicyArn"])


def _policy_of_version(connection: sa.Connection, request: Request) -> ManagedPolicy:
    """Return the policy whose version the request names; a missing one misses the version."""
    found = managed_policies.find(connection, request["PolicyArn"])
    if found is None:
        raise managed_policies.no_version(request["PolicyArn"], request["VersionId"])
    return found


def own_policy(connection: sa.Connection, request: Request) -> ManagedPolicy:
    """Return the customer's policy that the request names; AccessDenied for one of AWS's."""
    read = _policy_of_version if "VersionId" in request else _named_policy
    policy = read(connection, request)
    if policy.is_aws_managed:
        raise ServiceError(
            "AccessDeniedException", f"Policy {policy.arn} is managed by AWS and cannot be changed."
        )
    return policy


async def create_policy(iam: Iam, call: Call, request: Request) -> Response:
    """Make a managed policy."""
    _check(request["PolicyDocument"])
    tags = shapes.added_tags(request.get("Tags", []), {}, call.via, ignore_case=False)
    policy = await iam.write(
        lambda c: managed_policies.create(
            c,
            call.account_id,
            request["PolicyName"],
            request.get("Path", "/"),
            request.get("Description", ""),
            request["PolicyDocument"],
            tags,
            call.now,
        )
    )
    shape = _policy_shape(policy, {}, {}, whole=False)
    return {"Policy": shape | ({"Tags": shapes.tag_list(tags)} if tags else {})}


async def get_policy(iam: Iam, call: Call, request: Request) -> Response:
    """Return a managed policy without its document."""

    def work(connection: sa.Connection) -> dict[str, Any]:
        return _policy_shape(
            managed_policies.get(connection, request["PolicyArn"]),
            managed_policies.attachments(connection),
            managed_policies.boundary_uses(connection),
        )

    return {"Policy": await iam.read(work)}


async def list_policies(iam: Iam, call: Call, request: Request) -> Response:
    """Return managed policies by ARN: AWS's, the customer's, or all."""

    def work(connection: sa.Connection) -> tuple[list[ManagedPolicy], Uses, Uses]:
        found: list[ManagedPolicy] = []
        if request.get("Scope", "All") != "AWS":
            found += managed_policies.scan_customer(connection)
        if request.get("Scope", "All") != "Local":
            found += managed_policies.aws_managed().values()
        attached = managed_policies.attachments(connection)
        return found, attached, managed_policies.boundary_uses(connection)

    found, attached, bounding = await iam.read(work)
    uses = {
        "PermissionsPolicy": attached,
        "PermissionsBoundary": bounding,
    }.get(request.get("PolicyUsageFilter", ""), {**attached, **bounding})
    prefix = request.get("PathPrefix", "/")
    wanted = [
        policy
        for policy in sorted(found, key=lambda policy: policy.arn)
        if policy.path.startswith(prefix) and (policy.arn in uses or not _only_used(request))
    ]
    return shapes.marked_page(
        request,
        "Policies",
        wanted,
        lambda policy: policy.arn,
        lambda policy: _policy_shape(policy, attached, bounding, whole=False),
    )


def _only_used(request: Request) -> bool:
    return bool(request.get("OnlyAttached")) or "PolicyUsageFilter" in request


async def delete_policy(iam: Iam, call: Call, request: Request) -> Response:
    """Remove a policy that nobody has."""
    await iam.write(lambda c: managed_policies.delete(c, own_policy(c, request)))
    return {}


async def create_policy_version(iam: Iam, call: Call, request: Request) -> Response:
    """Add a version of a policy."""
    _check(request["PolicyDocument"])
    default = bool(request.get("SetAsDefault"))

    def work(connection: sa.Connection) -> tuple[ManagedPolicy, PolicyVersion]:
        policy = own_policy(connection, request)
        version = managed_policies.add_version(
            connection, policy, request["PolicyDocument"], default, call.now
        )
        return managed_policies.get(connection, policy.arn), version

    return {"PolicyVersion": _version_shape(*await iam.write(work))}


async def get_policy_version(iam: Iam, call: Call, request: Request) -> Response:
    """Return a version with its document."""
    policy = await iam.read(lambda c: _policy_of_version(c, request))
    version = policy.version(request["VersionId"])
    return {
        "PolicyVersion": {
            **_version_shape(policy, version),
            "Document": shapes.encoded(version.document),
        }
    }


async def list_policy_versions(iam: Iam, call: Call, request: Request) -> Response:
    """Return a policy's versions, newest first."""
    policy = await iam.read(lambda c: managed_policies.get(c, request["PolicyArn"]))
    return shapes.marked_page(
        request,
        "Versions",
        policy.versions[::-1],
        lambda version: -int(version.id[1:]),
        lambda version: _version_shape(policy, version),
    )


async def set_default_policy_version(iam: Iam, call: Call, request: Request) -> Response:
    """Let another version count."""
    await iam.write(
        lambda c: managed_policies.set_default(
            c, own_policy(c, request), request["VersionId"], call.now
        )
    )
    return {}


async def delete_policy_version(iam: Iam, call: Call, request: Request) -> Response:
    """Remove a version that is not the default."""
    await iam.write(
        lambda c: managed_policies.delete_version(
            c, own_policy(c, request), request["VersionId"], call.now
        )
    )
    return {}


async def list_entities_for_policy(iam: Iam, call: Call, request: Request) -> Response:
    """Return the roles and users that have a policy attached (or are bounded by it)."""
    policy_arn = request["PolicyArn"]
    as_boundary = request.get("PolicyUsageFilter") == "PermissionsBoundary"
    prefix = request.get("PathPrefix", "/")

    def work(connection: sa.Connection) -> list[identity.Identity]:
        managed_policies.get(connection, policy_arn)
        return [
            holder
            for kind in Kind
            for holder in identity.scan(connection, kind, prefix)
            if request.get("EntityFilter", kind.value.capitalize()) == kind.value.capitalize()
            and policy_arn
            in ([holder.permissions_boundary] if as_boundary else holder.attached_policies)
        ]

    holders = sorted(await iam.read(work), key=lambda holder: holder.arn)
    response = shapes.marked_page(
        request, "holders", holders, lambda holder: holder.arn, lambda holder: holder
    )
    chosen = response.pop("holders")
    for kind in Kind:
        noun = kind.value.capitalize()
        response[f"Policy{noun}s"] = [
            {f"{noun}Name": holder.name, f"{noun}Id": holder.id}
            for holder in chosen
            if holder.kind is kind
        ]
    return {**response, "PolicyGroups": []}
