"""CodeBuild's operations on builds.

Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/
Texts: moto codebuild/responses.py for ids of builds; the others are unverified.
"""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import decode_token, encode_token
from penstock.aws.service import Call, Principal, PrincipalKind, Request, Response
from penstock.builds.api.projects import may_pass
from penstock.builds.api.shapes import build_shape
from penstock.builds.build import EnvironmentVariable, StartBuild
from penstock.builds.builds import Builds
from penstock.builds.project import name_of, project_not_found

_PAGE = 100
_OF_THE_CALL = ("projectName", "idempotencyToken", "environmentVariablesOverride")


async def start_build(domain: Builds, call: Call, request: Request) -> Response:
    """Start a build of a project, with the request's overrides."""
    if "serviceRoleOverride" in request:
        await may_pass(call, request["serviceRoleOverride"])
    start = StartBuild(
        project_name=request["projectName"],
        idempotency_token=request.get("idempotencyToken") or None,
        initiator=initiator(call.principal),
        environment_overrides=tuple(
            EnvironmentVariable(**variable)
            for variable in request.get("environmentVariablesOverride", ())
        ),
        overrides={name: value for name, value in request.items() if name not in _OF_THE_CALL},
    )
    return {"build": build_shape(await domain.start(start))}


async def stop_build(domain: Builds, call: Call, request: Request) -> Response:
    """Ask for the end of a build."""
    build = await domain.stop(request["id"])
    if build is None:
        raise _not_found(request["id"])
    return {"build": build_shape(build)}


async def retry_build(domain: Builds, call: Call, request: Request) -> Response:
    """Start a build with the configuration of a former one."""
    build_id = request.get("id", "")
    build = await domain.retry(
        build_id, request.get("idempotencyToken") or None, initiator(call.principal)
    )
    if build is None:
        raise _not_found(build_id)
    return {"build": build_shape(build)}


async def batch_get_builds(domain: Builds, call: Call, request: Request) -> Response:
    """Return the builds of these ids or ARNs, and the ids of those that are not there."""
    found, missing = [], []
    for build_id in request["ids"]:
        build = await domain.get(build_id)
        if build is None:
            missing.append(build_id)
        else:
            found.append(build_shape(build))
    return {"builds": found, "buildsNotFound": missing}


async def list_builds(domain: Builds, call: Call, request: Request) -> Response:
    """List the ids of all builds, 100 at a time, the newest first unless asked otherwise."""
    return await _list(domain, None, request)


async def list_builds_for_project(domain: Builds, call: Call, request: Request) -> Response:
    """List the ids of a project's builds; raise ResourceNotFoundException."""
    name = name_of(request["projectName"])
    if not await domain.project_exists(name):
        raise project_not_found(call.region, call.account_id, name)
    return await _list(domain, name, request)


async def batch_delete_builds(domain: Builds, call: Call, request: Request) -> Response:
    """Remove builds that have ended."""
    deleted, kept = [], []
    for build_id in request["ids"]:
        build = await domain.get(build_id)
        if build is None:
            kept.append({"id": build_id, "statusCode": "BUILD_NOT_FOUND"})
        elif await domain.delete(build.id):
            deleted.append(build.arn)
        else:
            kept.append({"id": build_id, "statusCode": "BUILD_IN_PROGRESS"})
    return {"buildsDeleted": deleted, "buildsNotDeleted": kept}


async def _list(domain: Builds, project_name: str | None, request: Request) -> Response:
    after = None
    if request.get("nextToken"):
        [number] = decode_token(request["nextToken"], "InvalidInputException", form="n")
        after = int(number)
    found = await domain.list(
        project_name=project_name,
        descending=request.get("sortOrder", "DESCENDING") == "DESCENDING",
        after=after,
        limit=_PAGE + 1,
    )
    response: dict[str, Any] = {"ids": [build_id for _, build_id in found[:_PAGE]]}
    if len(found) > _PAGE:
        response["nextToken"] = encode_token(found[_PAGE - 1][0])
    return response


def _not_found(build_id: str) -> ServiceError:
    if ":" not in build_id:
        return ServiceError("InvalidInputException", "Invalid build ID provided")
    return ServiceError("ResourceNotFoundException", f"Build {build_id} does not exist")


def initiator(principal: Principal) -> str:
    """Return a caller as a build names it: a user's name, or `role/session`."""
    if principal.kind is PrincipalKind.ROOT:
        return "root"
    return principal.arn.split("/", 1)[-1]
