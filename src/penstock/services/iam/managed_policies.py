"""Managed policies: the customer's, with their versions, and AWS's own from a table.

`aws_managed_policies.json` holds AWS's policies that pipelines commonly attach, each with the
page it comes from; statements about services that do not exist here are left out of it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import sqlalchemy as sa

from penstock.arns import arn, parse_arn
from penstock.aws.errors import ServiceError
from penstock.ids import new_base32
from penstock.services.iam.identity import SERVICE, Kind, scan
from penstock.storage import resources
from penstock.storage.resources import Resource, ResourceExists

_TYPE = "policy"
_MOST_VERSIONS = 5
_AWS_PREFIX = "arn:aws:iam::aws:policy/"


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a managed policy; `id` is `v1`, `v2` and so on."""

    id: str
    document: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A managed policy with its versions, oldest first."""

    arn: str
    name: str
    id: str
    path: str
    description: str
    default_version_id: str
    versions: Sequence[PolicyVersion]
    tags: Mapping[str, str]
    created_at: datetime
    updated_at: datetime
    next_version: int

    @property
    def is_aws_managed(self) -> bool:
        """Whether AWS owns it: it never changes here."""
        return self.arn.startswith(_AWS_PREFIX)

    @property
    def document(self) -> str:
        """The default version's document."""
        return self.version(self.default_version_id).document

    def version(self, version_id: str) -> PolicyVersion:
        """Return one version; NoSuchEntity."""
        for version in self.versions:
            if version.id == version_id:
                return version
        raise no_version(self.arn, version_id)


def not_found(policy_arn: str) -> ServiceError:
    """Return IAM's error for a missing managed policy."""
    return ServiceError("NoSuchEntityException", f"Policy {policy_arn} was not found.")


def no_version(policy_arn: str, version_id: str) -> ServiceError:
    """Return IAM's error for a version that is missing, or whose policy is."""
    return ServiceError(
        "NoSuchEntityException",
        f"Policy {policy_arn} version {version_id} does not exist or is not attachable.",
    )


def check_attachable_arn(policy_arn: str) -> None:
    """Raise ValidationError for what is no ARN, as AttachRolePolicy and its siblings do."""
    try:
        parse_arn(policy_arn)
    except ValueError:
        raise ServiceError(
            "ValidationError", f"ARN {policy_arn} is not valid.", status=400
        ) from None


def check_boundary(connection: sa.Connection, policy_arn: str) -> None:
    """Raise InvalidInput for no policy's ARN, NoSuchEntity for a missing policy."""
    try:
        is_policy = parse_arn(policy_arn).resource.startswith("policy/")
    except ValueError:
        is_policy = False
    if not is_policy:
        raise ServiceError("InvalidInputException", f"ARN {policy_arn} is not valid.")
    if find(connection, policy_arn) is None:
        missing = f"Scope ARN: {policy_arn} does not exist or is not attachable."
        raise ServiceError("NoSuchEntityException", missing + _those_here(policy_arn))


def not_attachable(policy_arn: str) -> ServiceError:
    """Return IAM's error for attaching a missing policy; it names AWS's policies that exist."""
    message = f"Policy {policy_arn} does not exist or is not attachable."
    return ServiceError("NoSuchEntityException", message + _those_here(policy_arn))


def _those_here(policy_arn: str) -> str:
    """Return what AWS need not say: which of its policies are here; for others nothing."""
    if not policy_arn.startswith(_AWS_PREFIX):
        return ""
    names = ", ".join(sorted(policy.name for policy in aws_managed().values()))
    return f" The AWS managed policies here are: {names}."


@lru_cache(maxsize=1)
def aws_managed() -> Mapping[str, ManagedPolicy]:
    """Return AWS's managed policies by ARN."""
    text = files("penstock.services.iam").joinpath("aws_managed_policies.json").read_text("utf-8")
    return {policy.arn: policy for policy in map(_from_table, json.loads(text)["policies"])}


def _from_table(entry: Mapping[str, Any]) -> ManagedPolicy:
    created = datetime.fromisoformat(entry["created"]).replace(tzinfo=UTC)
    version = PolicyVersion("v1", json.dumps(entry["document"], indent=4), created)
    return ManagedPolicy(
        arn=f"arn:aws:iam::aws:policy{entry['path']}{entry['name']}",
        name=entry["name"],
        id=_own_id(entry["name"]),
        path=entry["path"],
        description=entry["description"],
        default_version_id="v1",
        versions=(version,),
        tags={},
        created_at=created,
        updated_at=created,
        next_version=2,
    )


def _own_id(name: str) -> str:
    """Return a lasting id for an AWS managed policy; AWS's own ids are not documented."""
    digest = hashlib.sha256(name.encode()).digest()
    return f"ANPA{base64.b32encode(digest).decode()[:17]}"


def find(connection: sa.Connection, policy_arn: str) -> ManagedPolicy | None:
    """Return the policy, AWS's or the customer's, or None."""
    if policy_arn in aws_managed():
        return aws_managed()[policy_arn]
    try:
        name = parse_arn(policy_arn).resource.rpartition("/")[2]
    except ValueError:
        return None
    row = resources.get(connection, SERVICE, _TYPE, name)
    return _from_row(row) if row is not None and row.arn == policy_arn else None


def get(connection: sa.Connection, policy_arn: str) -> ManagedPolicy:
    """Return the policy; InvalidInput for no ARN, NoSuchEntity."""
    try:
        parse_arn(policy_arn)
    except ValueError:
        raise ServiceError("InvalidInputException", f"ARN {policy_arn} is not valid.") from None
    found = find(connection, policy_arn)
    if found is None:
        raise not_found(policy_arn)
    return found


def scan_customer(connection: sa.Connection) -> list[ManagedPolicy]:
    """Return the customer's policies by name."""
    return [_from_row(row) for row in resources.scan(connection, SERVICE, _TYPE)]


def create(
    connection: sa.Connection,
    account_id: str,
    name: str,
    path: str,
    description: str,
    document: str,
    tags: Mapping[str, str],
    now: datetime,
) -> ManagedPolicy:
    """Store a new policy with its version v1; EntityAlreadyExists."""
    policy = ManagedPolicy(
        arn=arn("iam", "", account_id, f"policy{path}{name}"),
        name=name,
        id=f"ANPA{new_base32(17)}",
        path=path,
        description=description,
        default_version_id="v1",
        versions=(PolicyVersion("v1", document, now),),
        tags=tags,
        created_at=now,
        updated_at=now,
        next_version=2,
    )
    exists = ServiceError(
        "EntityAlreadyExistsException",
        f"A policy called {name} already exists. Duplicate names are not allowed.",
    )
    if any(other.name.lower() == name.lower() for other in scan_customer(connection)):
        raise exists
    row = Resource(SERVICE, _TYPE, name, policy.arn, _document(policy), tags, now, now)
    try:
        resources.insert(connection, row)
    except ResourceExists:
        raise exists from None
    return policy


def add_version(
    connection: sa.Connection, policy: ManagedPolicy, document: str, default: bool, now: datetime
) -> PolicyVersion:
    """Add a version, making it the default when asked; LimitExceeded at five."""
    if len(policy.versions) >= _MOST_VERSIONS:
        raise ServiceError(
            "LimitExceededException",
            f"A managed policy can have up to {_MOST_VERSIONS} versions. Before you create a new "
            "version, you must delete an existing version.",
        )
    version = PolicyVersion(f"v{policy.next_version}", document, now)
    _save(
        connection,
        replace(
            policy,
            versions=(*policy.versions, version),
            next_version=policy.next_version + 1,
            default_version_id=version.id if default else policy.default_version_id,
        ),
        now,
    )
    return version


def set_default(
    connection: sa.Connection, policy: ManagedPolicy, version_id: str, now: datetime
) -> None:
    """Let another version count; NoSuchEntity."""
    policy.version(version_id)
    _save(connection, replace(policy, default_version_id=version_id), now)


def delete_version(
    connection: sa.Connection, policy: ManagedPolicy, version_id: str, now: datetime
) -> None:
    """Remove a version that is not the default; NoSuchEntity, DeleteConflict."""
    policy.version(version_id)
    if version_id == policy.default_version_id:
        raise ServiceError(
            "DeleteConflictException", "Cannot delete the default version of a policy."
        )
    kept = tuple(version for version in policy.versions if version.id != version_id)
    _save(connection, replace(policy, versions=kept), now)


def delete(connection: sa.Connection, policy: ManagedPolicy) -> None:
    """Remove a policy that nobody has and that has one version, else DeleteConflict."""
    if attachments(connection).get(policy.arn) or boundary_uses(connection).get(policy.arn):
        raise ServiceError(
            "DeleteConflictException", "Cannot delete a policy attached to entities."
        )
    if len(policy.versions) > 1:
        raise ServiceError(
            "DeleteConflictException",
            "This policy has more than one version. Before you delete a policy, you must delete "
            "the policy's versions. The default version is deleted with the policy.",
        )
    resources.delete(connection, SERVICE, _TYPE, policy.name)


def retag(
    connection: sa.Connection, policy: ManagedPolicy, tags: Mapping[str, str], now: datetime
) -> None:
    """Replace the policy's tags."""
    resources.update(connection, SERVICE, _TYPE, policy.name, now=now, tags=tags)


def attachments(connection: sa.Connection) -> Mapping[str, int]:
    """Return how many users and roles have each policy attached, by ARN."""
    counts: dict[str, int] = {}
    for kind in Kind:
        for holder in scan(connection, kind):
            for policy_arn in holder.attached_policies:
                counts[policy_arn] = counts.get(policy_arn, 0) + 1
    return counts


def boundary_uses(connection: sa.Connection) -> Mapping[str, int]:
    """Return how many users and roles each policy bounds, by ARN."""
    counts: dict[str, int] = {}
    for kind in Kind:
        for holder in scan(connection, kind):
            if holder.permissions_boundary is not None:
                counts[holder.permissions_boundary] = counts.get(holder.permissions_boundary, 0) + 1
    return counts


def _from_row(row: Resource) -> ManagedPolicy:
    document = row.document
    return ManagedPolicy(
        arn=row.arn,
        name=row.name,
        id=document["id"],
        path=document["path"],
        description=document["description"],
        default_version_id=document["default"],
        versions=tuple(
            PolicyVersion(one["id"], one["document"], datetime.fromisoformat(one["created"]))
            for one in document["versions"]
        ),
        tags=row.tags,
        created_at=row.created_at,
        updated_at=row.updated_at,
        next_version=document["next_version"],
    )


def _document(policy: ManagedPolicy) -> dict[str, Any]:
    return {
        "id": policy.id,
        "path": policy.path,
        "description": policy.description,
        "default": policy.default_version_id,
        "next_version": policy.next_version,
        "versions": [
            {
                "id": version.id,
                "document": version.document,
                "created": version.created_at.isoformat(),
            }
            for version in policy.versions
        ],
    }


def _save(connection: sa.Connection, policy: ManagedPolicy, now: datetime) -> None:
    resources.update(connection, SERVICE, _TYPE, policy.name, now=now, document=_document(policy))
