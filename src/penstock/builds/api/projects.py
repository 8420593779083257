"""CodeBuild's operations on projects.

Texts: AWS's where public reports show them (`Project already exists: …`, `Project cannot be
found: …`); those of deeper checks are unverified.
Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.aws.tags import from_pairs, reserved_key
from penstock.builds.api.shapes import project_shape
from penstock.builds.credentials import SERVICE_PRINCIPAL
from penstock.builds.projects import Projects
from penstock.storage.resources import Resource

_PAGE = 100
_NOT_DOCUMENT = ("name", "tags")


async def create_project(domain: Projects, call: Call, request: Request) -> Response:
    """Keep a new project; the caller must be allowed to pass its role."""
    await may_pass(call, request["serviceRole"])
    tags = _tags(request, call) or {}
    project = await domain.create(request["name"], _document(request), tags)
    return {"project": project_shape(project)}


async def update_project(domain: Projects, call: Call, request: Request) -> Response:
    """Replace the given members of a project."""
    if "serviceRole" in request:
        await may_pass(call, request["serviceRole"])
    tags = _tags(request, call)
    project = await domain.update(request["name"], _document(request), tags, via=call.via)
    return {"project": project_shape(project)}


async def delete_project(domain: Projects, call: Call, request: Request) -> Response:
    """Remove a project; its builds stay."""
    await domain.delete(request["name"])
    return {}


async def batch_get_projects(domain: Projects, call: Call, request: Request) -> Response:
    """Return the projects of these names or ARNs, and the names of those that are not there."""
    found, missing = [], []
    for name in request["names"]:
        project = await domain.get(name)
        if project is None:
            missing.append(name)
        else:
            found.append(project_shape(project))
    return {"projects": found, "projectsNotFound": missing}


async def list_projects(domain: Projects, call: Call, request: Request) -> Response:
    """List project names, 100 at a time, by name or by time."""
    descending = request.get("sortOrder") == "DESCENDING"
    sort_by = request.get("sortBy", "NAME")
    projects = sorted(await domain.all(), key=lambda p: _sort_key(p, sort_by), reverse=descending)
    chosen, token = page(
        projects,
        request.get("nextToken"),
        _PAGE,
        lambda project: _sort_key(project, sort_by),
        descending=descending,
        error_code="InvalidInputException",
    )
    response: dict[str, Any] = {"projects": [project.name for project in chosen]}
    return response | ({"nextToken": token} if token else {})


async def invalidate_project_cache(domain: Projects, call: Call, request: Request) -> Response:
    """Drop the layer caches of a project that no build is using."""
    await domain.invalidate_cache(request["projectName"])
    return {}


async def may_pass(call: Call, role_arn: str) -> None:
    """Raise AccessDeniedException unless the caller may pass the role to CodeBuild."""
    await call.authorize(
        call.principal, "iam:PassRole", role_arn, {"iam:PassedToService": SERVICE_PRINCIPAL}
    )


def _document(request: Request) -> dict[str, Any]:
    return {member: value for member, value in request.items() if member not in _NOT_DOCUMENT}


def _tags(request: Request, call: Call) -> Mapping[str, str] | None:
    if "tags" not in request:
        return None
    tags = from_pairs(request["tags"], "key", "value")
    if (key := reserved_key(tags, call.via)) is not None:
        raise ServiceError(
            "InvalidInputException", f"Tag keys that begin with aws: are AWS's own, found {key}."
        )
    return tags


def _sort_key(project: Resource, sort_by: str) -> str:
    """A sortable key that is unique: times have microseconds, names break ties."""
    if sort_by == "CREATED_TIME":
        return f"{project.created_at.isoformat(timespec='microseconds')} {project.name}"
    if sort_by == "LAST_MODIFIED_TIME":
        return f"{project.updated_at.isoformat(timespec='microseconds')} {project.name}"
    return project.name
