"""ECR's repositories as they are kept, and AWS's texts about them.

The three texts are as Terraform and the AWS CLI print them for AWS's users, and as in moto
ecr/exceptions.py. Those of `api/` that name no source are unverified.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.storage import resources

SERVICE, TYPE = "ecr", "repository"


@dataclass(frozen=True, slots=True)
class Repository:
    """One ECR repository; `scan_on_push` is kept as asked, though nothing scans here."""

    name: str
    arn: str
    registry_id: str
    scan_on_push: bool
    tags: Mapping[str, str]
    created_at: datetime


def from_resource(resource: resources.Resource) -> Repository:
    """Read a stored repository."""
    return Repository(
        resource.name,
        resource.arn,
        resource.document["registry_id"],
        resource.document["scan_on_push"],
        resource.tags,
        resource.created_at,
    )


def insert(connection: sa.Connection, repository: Repository) -> None:
    """Store a new repository; raise RepositoryAlreadyExistsException."""
    document = {
        "registry_id": repository.registry_id,
        "scan_on_push": repository.scan_on_push,
    }
    at = repository.created_at
    resource = resources.Resource(
        SERVICE, TYPE, repository.name, repository.arn, document, repository.tags, at, at
    )
    try:
        resources.insert(connection, resource)
    except resources.ResourceExists:
        raise ServiceError(
            "RepositoryAlreadyExistsException",
            f"The repository with name '{repository.name}' already exists in the registry with "
            f"id '{repository.registry_id}'",
        ) from None


def load(connection: sa.Connection, name: str, registry_id: str) -> Repository:
    """Return a repository; raise RepositoryNotFoundException."""
    found = resources.get(connection, SERVICE, TYPE, name)
    if found is None or found.document["registry_id"] != registry_id:
        raise not_found(name, registry_id)
    return from_resource(found)


def load_all(connection: sa.Connection) -> list[Repository]:
    """Return every repository in order of name."""
    return [from_resource(resource) for resource in resources.scan(connection, SERVICE, TYPE)]


def not_found(name: str, registry_id: str) -> ServiceError:
    """AWS's answer about a repository that does not exist."""
    return ServiceError(
        "RepositoryNotFoundException",
        f"The repository with name '{name}' does not exist in the registry with id '{registry_id}'",
    )
