"""A hosted repository as it is kept: one resource, and a bare repository on disk.

Texts of a missing repository and of a taken name (`hosting.py`): moto codecommit/exceptions.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.storage import resources

SERVICE, TYPE = "codecommit", "repository"


@dataclass(frozen=True, slots=True)
class Repository:
    """`id` never changes and names the directory; `default_branch` is None while empty."""

    id: str
    name: str
    arn: str
    description: str | None
    default_branch: str | None
    tags: Mapping[str, str]
    created_at: datetime
    updated_at: datetime


def from_resource(resource: resources.Resource) -> Repository:
    """Read a stored repository."""
    document = resource.document
    return Repository(
        document["id"],
        resource.name,
        resource.arn,
        document["description"],
        document["default_branch"],
        resource.tags,
        resource.created_at,
        resource.updated_at,
    )


def to_resource(repository: Repository) -> resources.Resource:
    """Shape a repository for storage."""
    return resources.Resource(
        SERVICE,
        TYPE,
        repository.name,
        repository.arn,
        {
            "id": repository.id,
            "description": repository.description,
            "default_branch": repository.default_branch,
        },
        repository.tags,
        repository.created_at,
        repository.updated_at,
    )


def load(connection: sa.Connection, name: str) -> Repository:
    """Return the repository `name`; raise AWS's RepositoryDoesNotExistException."""
    resource = resources.get(connection, SERVICE, TYPE, name)
    if resource is None:
        raise ServiceError("RepositoryDoesNotExistException", f"{name} does not exist")
    return from_resource(resource)


def load_all(connection: sa.Connection) -> list[Repository]:
    """Return every repository in order of name."""
    return [from_resource(resource) for resource in resources.scan(connection, SERVICE, TYPE)]


def load_by_id(connection: sa.Connection, id: str) -> Repository | None:
    """Return the repository with this id, None when it was deleted."""
    return next((found for found in load_all(connection) if found.id == id), None)


def save(connection: sa.Connection, repository: Repository, *, replaces: str) -> None:
    """Store a changed repository over the one named `replaces`."""
    resources.delete(connection, SERVICE, TYPE, replaces)
    resources.insert(connection, to_resource(repository))
