"""The pages of CodeBuild: builds, one build with its phases and its log as it grows."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from penstock.aws.errors import ServiceError
from penstock.builds.build import PhaseType
from penstock.console import terminal_text
from penstock.console.visit import Visit

_BUILDS_ON_A_PAGE = 25
_LINES_AT_ONCE = 2000
_OF_PIPELINE = "codepipeline/"


async def index(visit: Visit) -> Response:
    """List builds, the newest first: all of them, or a project's."""
    position = await visit.position()
    project = visit.request.query_params.get("project", "")
    request: dict[str, Any] = {"sortOrder": "DESCENDING"}
    if token := visit.request.query_params.get("token"):
        request["nextToken"] = token
    if project:
        request["projectName"] = project
        answer = await visit.call("codebuild", "ListBuildsForProject", request)
    else:
        answer = await visit.call("codebuild", "ListBuilds", request)
    ids = answer["ids"][:_BUILDS_ON_A_PAGE]
    projects = await visit.call("codebuild", "ListProjects")
    return visit.page(
        "builds.html",
        live=("builds", position),
        project=project,
        projects=projects["projects"],
        builds=await _builds(visit, ids),
        more=len(answer["ids"]) > len(ids) or "nextToken" in answer,
    )


async def show(visit: Visit) -> Response:
    """Show one build."""
    position = await visit.position()
    build_id = visit.label("build_id")
    build = await _build(visit, build_id)
    initiator = build.get("initiator", "")
    return visit.page(
        "build.html",
        live=(f"build:{build_id}", position),
        build=build,
        phases=_phases(build),
        pipeline=initiator.removeprefix(_OF_PIPELINE) if _OF_PIPELINE in initiator else "",
        log=await _log(visit, build, visit.request.query_params) if visit.whole else None,
    )


async def log(visit: Visit) -> Response:
    """Return the lines after `from`, or before `before`; 204 while there is nothing new."""
    build = await _build(visit, visit.label("build_id"))
    query = visit.request.query_params
    found = await _log(visit, build, query)
    if "from" in query and not found["lines"] and not build["buildComplete"] and found["waiting"]:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return visit.page("build_log.html", log=found, build=build)


async def stop(visit: Visit) -> Response:
    """Stop a build."""
    build_id = visit.label("build_id")
    await visit.call("codebuild", "StopBuild", {"id": build_id})
    return visit.go(f"/console/builds/{quote(build_id, safe='')}")


def _phases(build: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return all phases of a build, also those to come: the page keeps its height."""
    reached = {phase["phaseType"]: phase for phase in build.get("phases", ())}
    last = PhaseType.COMPLETED.value
    return [
        reached.get(name, {"phaseType": name})
        for name in (phase.value for phase in PhaseType)
        if name != last
    ]


async def _build(visit: Visit, build_id: str) -> Mapping[str, Any]:
    found = await _builds(visit, [build_id])
    if not found:
        raise ServiceError("ResourceNotFoundException", f"Build {build_id} does not exist")
    return found[0]


async def _builds(visit: Visit, ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    if not ids:
        return []
    answer = await visit.call("codebuild", "BatchGetBuilds", {"ids": list(ids)})
    found: Sequence[Mapping[str, Any]] = answer["builds"]
    return found


async def _log(
    visit: Visit, build: Mapping[str, Any], query: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return lines of the log and the tokens that lead on: `after` for newer, `before` for older.

    The first time the newest lines are read. `waiting` says that more may come.
    """
    place = build.get("logs", {})
    kept = place.get("cloudWatchLogs", {}).get("status") != "DISABLED"
    found: dict[str, Any] = {
        "kept": kept,
        "lines": [],
        "after": "",
        "before": "",
        "older": "before" in query,
        "problem": "",
        "waiting": kept and not build["buildComplete"],
    }
    if not kept or "groupName" not in place:
        return found
    request = {
        "logGroupName": place["groupName"],
        "logStreamName": place["streamName"],
        "limit": _LINES_AT_ONCE,
    }
    if token := query.get("from") or query.get("before"):
        request["nextToken"] = token
    try:
        answer = await visit.call("logs", "GetLogEvents", request)
    except ServiceError as error:
        return {**found, "problem": error.message, "waiting": False}
    lines = [terminal_text.spans(event["message"]) for event in answer["events"]]
    forward = "from" in query
    earlier = "" if forward else answer["nextBackwardToken"]
    return {
        **found,
        "lines": lines,
        "after": answer["nextForwardToken"],
        "before": earlier if earlier and await _any_before(visit, request, earlier) else "",
        "waiting": found["waiting"] or (forward and len(lines) >= _LINES_AT_ONCE),
    }


async def _any_before(visit: Visit, request: Mapping[str, Any], token: str) -> bool:
    """Tell whether the log has lines before those that were read."""
    earlier = {**request, "nextToken": token, "limit": 1}
    return bool((await visit.call("logs", "GetLogEvents", earlier))["events"])
