"""Roles and users: what has policies. Rows of the generic resource store.

A role's or user's document: {"id", "path", "inline": {name: document}, "attached": [arn],
"boundary": arn or null} and, for roles, {"trust", "description", "max_session_seconds"}.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
IAM's texts, here and in the modules beside: as recorded from AWS in
github.com/localstack/localstack tests/aws/services/iam/*.snapshot.json; one that these do not
show is marked unverified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from penstock.arns import arn, parse_arn
from penstock.aws.errors import ServiceError
from penstock.ids import new_base32
from penstock.storage import resources
from penstock.storage.resources import Resource

SERVICE = "iam"


class Kind(StrEnum):
    """What an identity is; the resource type of its row and the word in IAM's messages."""

    ROLE = "role"
    USER = "user"


_ID_PREFIXES = {Kind.ROLE: "AROA", Kind.USER: "AIDA"}


@dataclass(frozen=True, slots=True)
class Identity:
    """A role or a user as stored."""

    kind: Kind
    resource: Resource

    @property
    def name(self) -> str:
        """The friendly name."""
        return self.resource.name

    @property
    def arn(self) -> str:
        """The ARN, path included."""
        return self.resource.arn

    @property
    def id(self) -> str:
        """The unique id (`AROA…`, `AIDA…`), never used again once the identity is deleted."""
        return str(self.resource.document["id"])

    @property
    def path(self) -> str:
        """The path, `/` when none was given."""
        return str(self.resource.document["path"])

    @property
    def tags(self) -> Mapping[str, str]:
        """Tag keys and values."""
        return self.resource.tags

    @property
    def created_at(self) -> datetime:
        """When it was created."""
        return self.resource.created_at

    @property
    def inline_policies(self) -> Mapping[str, str]:
        """Inline policies: name → document text."""
        inline: Mapping[str, str] = self.resource.document["inline"]
        return inline

    @property
    def attached_policies(self) -> Sequence[str]:
        """ARNs of attached managed policies, in the order of attachment."""
        attached: Sequence[str] = self.resource.document["attached"]
        return attached

    @property
    def permissions_boundary(self) -> str | None:
        """The ARN of the managed policy that bounds its permissions."""
        boundary: str | None = self.resource.document["boundary"]
        return boundary


@dataclass(frozen=True, slots=True)
class Role(Identity):
    """A role."""

    @property
    def trust_policy(self) -> str:
        """The AssumeRolePolicyDocument's text."""
        return str(self.resource.document["trust"])

    @property
    def description(self) -> str | None:
        """The description, None when none was given."""
        description: str | None = self.resource.document["description"]
        return description

    @property
    def max_session_seconds(self) -> int:
        """MaxSessionDuration: the longest session that AssumeRole grants."""
        return int(self.resource.document["max_session_seconds"])


@dataclass(frozen=True, slots=True)
class User(Identity):
    """A user."""


def no_such(kind: Kind, name: str) -> ServiceError:
    """Return IAM's error for a missing role or user."""
    return ServiceError(
        "NoSuchEntityException", f"The {kind.value} with name {name} cannot be found."
    )


def insert(
    connection: sa.Connection,
    kind: Kind,
    name: str,
    path: str,
    account_id: str,
    tags: Mapping[str, str],
    now: datetime,
    **document: Any,
) -> None:
    """Store a new identity; names differ in more than case, else EntityAlreadyExists."""
    if any(other.name.lower() == name.lower() for other in scan(connection, kind)):
        raise ServiceError(
            "EntityAlreadyExistsException",
            f"{kind.value.capitalize()} with name {name} already exists.",
        )
    whole = {
        "id": _ID_PREFIXES[kind] + new_base32(17),
        "path": path,
        "inline": {},
        "attached": [],
        "boundary": None,
        **document,
    }
    resource_arn = arn("iam", "", account_id, f"{kind.value}{path}{name}")
    resources.insert(
        connection,
        Resource(SERVICE, kind.value, name, resource_arn, whole, tags, now, now),
    )


def find_role(connection: sa.Connection, name: str) -> Role | None:
    """Return the role, or None."""
    found = resources.get(connection, SERVICE, Kind.ROLE.value, name)
    return Role(Kind.ROLE, found) if found else None


def get_role(connection: sa.Connection, name: str) -> Role:
    """Return the role; NoSuchEntity."""
    found = find_role(connection, name)
    if found is None:
        raise no_such(Kind.ROLE, name)
    return found


def get_user(connection: sa.Connection, name: str) -> User:
    """Return the user; NoSuchEntity."""
    found = resources.get(connection, SERVICE, Kind.USER.value, name)
    if found is None:
        raise no_such(Kind.USER, name)
    return User(Kind.USER, found)


def get(connection: sa.Connection, kind: Kind, name: str) -> Identity:
    """Return the identity; NoSuchEntity."""
    return get_role(connection, name) if kind is Kind.ROLE else get_user(connection, name)


def find_by_arn(connection: sa.Connection, identity_arn: str) -> Identity | None:
    """Return the role or user with this very ARN, or None."""
    try:
        kind_text, _, rest = parse_arn(identity_arn).resource.partition("/")
        kind = Kind(kind_text)
    except ValueError:
        return None
    found = resources.get(connection, SERVICE, kind.value, rest.rpartition("/")[2])
    if found is None or found.arn != identity_arn:
        return None
    return Role(kind, found) if kind is Kind.ROLE else User(kind, found)


def with_path(connection: sa.Connection, resource: str) -> str:
    """Return the ARN of the role or user that a request named without its path.

    IAM's requests name identities by name alone; policies name them with the path. Any other
    resource is returned as it is.
    """
    head, _, name = resource.partition("/")
    kind_text = head.rpartition(":")[2]
    if not name or "/" in name or kind_text not in {kind.value for kind in Kind}:
        return resource
    found = resources.get(connection, SERVICE, kind_text, name)
    return found.arn if found else resource


def scan(connection: sa.Connection, kind: Kind, path_prefix: str = "/") -> list[Identity]:
    """Return the identities under a path, by name."""
    found = [
        Role(kind, row) if kind is Kind.ROLE else User(kind, row)
        for row in resources.scan(connection, SERVICE, kind.value)
    ]
    return [identity for identity in found if identity.path.startswith(path_prefix)]


def change(connection: sa.Connection, identity: Identity, now: datetime, **document: Any) -> None:
    """Replace members of the identity's document."""
    resources.update(
        connection,
        SERVICE,
        identity.kind.value,
        identity.name,
        now=now,
        document={**identity.resource.document, **document},
    )


def retag(
    connection: sa.Connection, identity: Identity, tags: Mapping[str, str], now: datetime
) -> None:
    """Replace the identity's tags."""
    resources.update(connection, SERVICE, identity.kind.value, identity.name, now=now, tags=tags)


def delete(connection: sa.Connection, identity: Identity) -> None:
    """Remove an identity that has no policies left, else DeleteConflict."""
    if identity.inline_policies:
        raise ServiceError(
            "DeleteConflictException", "Cannot delete entity, must delete policies first."
        )
    if identity.attached_policies:
        raise ServiceError(
            "DeleteConflictException", "Cannot delete entity, must detach all policies first."
        )
    resources.delete(connection, SERVICE, identity.kind.value, identity.name)
