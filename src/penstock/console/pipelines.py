"""The pages of CodePipeline: the list, one pipeline, one execution; and what can be done there."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from penstock.aws.errors import ServiceError
from penstock.console import pipeline_view
from penstock.console.pipeline_view import Execution, Revision
from penstock.console.visit import Visit
from penstock.pipelines import attempts

_PIPELINES_ON_A_PAGE = 50
_EXECUTIONS_ON_A_PAGE = 20
_VARIABLE = "variable:"


async def home(visit: Visit) -> Response:
    """The console begins with the pipelines."""
    return visit.go("/console/pipelines")


async def index(visit: Visit) -> Response:
    """List the pipelines, each with its stages."""
    position = await visit.position()
    request: dict[str, Any] = {"maxResults": _PIPELINES_ON_A_PAGE}
    if token := visit.request.query_params.get("token"):
        request["nextToken"] = token
    answer = await visit.call("codepipeline", "ListPipelines", request)
    return visit.page(
        "pipelines.html",
        live=("pipelines", position),
        pipelines=[await _row(visit, one["name"]) for one in answer["pipelines"]],
        next_token=answer.get("nextToken"),
    )


async def _row(visit: Visit, name: str) -> Mapping[str, Any]:
    """Return what the list says of a pipeline; `problem` where the visitor may not look."""
    try:
        state = await visit.call("codepipeline", "GetPipelineState", {"name": name})
        executions = await _executions(visit, name, 1)
    except ServiceError as error:
        return {"name": name, "problem": error.message}
    stages = [
        (stage["stageName"], stage.get("latestExecution", {}).get("status"))
        for stage in state["stageStates"]
    ]
    return {"name": name, "problem": "", "stages": stages, "latest": next(iter(executions), None)}


async def show(visit: Visit) -> Response:
    """Show one pipeline."""
    position = await visit.position()
    name = visit.label("name")
    found = await visit.call("codepipeline", "GetPipeline", {"name": name})
    declaration = found["pipeline"]
    state = await visit.call("codepipeline", "GetPipelineState", {"name": name})
    executions = await _executions(visit, name, _EXECUTIONS_ON_A_PAGE)
    revisions = await _revisions(visit, name, state, executions)
    own = await _own_actions(visit, declaration, state)
    return visit.page(
        "pipeline.html",
        live=(f"pipeline:{name}", position),
        name=name,
        declaration=declaration,
        metadata=found["metadata"],
        stages=pipeline_view.stages(declaration, state, revisions, own),
        executions=executions,
        shown_at_most=_EXECUTIONS_ON_A_PAGE,
    )


async def show_execution(visit: Visit) -> Response:
    """Show one execution: what it ran with, and every action of it."""
    position = await visit.position()
    name, execution_id = visit.label("name"), visit.label("execution_id")
    wanted = {"pipelineName": name, "pipelineExecutionId": execution_id}
    found = await visit.call("codepipeline", "GetPipelineExecution", wanted)
    execution = found["pipelineExecution"]
    actions = await visit.call(
        "codepipeline",
        "ListActionExecutions",
        {"pipelineName": name, "filter": {"pipelineExecutionId": execution_id}},
    )
    trigger = execution.get("trigger", {})
    return visit.page(
        "execution.html",
        live=(f"pipeline:{name}", position),
        name=name,
        execution=execution,
        trigger=pipeline_view.trigger_words(
            trigger.get("triggerType", ""), trigger.get("triggerDetail", "")
        ),
        revisions=pipeline_view.revisions(execution.get("artifactRevisions", ())),
        actions=[shown_action(one) for one in actions["actionExecutionDetails"]],
    )


def shown_action(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a page says of one of ListActionExecutions' details."""
    result = detail["output"]["executionResult"]
    given = detail["input"]
    return {
        **detail,
        "provider": given["actionTypeId"]["provider"],
        "configuration": given.get("resolvedConfiguration") or given.get("configuration", {}),
        "variables": detail["output"].get("outputVariables", {}),
        "summary": result.get("externalExecutionSummary", ""),
        "error": result.get("errorDetails", {}),
        "link": pipeline_view.link(
            given["actionTypeId"]["provider"],
            given.get("resolvedConfiguration") or given.get("configuration", {}),
            result.get("externalExecutionId", ""),
            result.get("externalExecutionUrl", ""),
        )
        or pipeline_view.review_link(
            given["actionTypeId"]["category"], detail["actionExecutionId"], detail["status"]
        ),
    }


async def release(visit: Visit) -> Response:
    """Start an execution, with the variables that were filled in."""
    variables = [
        {"name": name.removeprefix(_VARIABLE), "value": value}
        for name, value in visit.form.items()
        if name.startswith(_VARIABLE) and value
    ]
    request: dict[str, Any] = {"name": visit.label("name")}
    if variables:
        request["variables"] = variables
    await visit.call("codepipeline", "StartPipelineExecution", request)
    return _back(visit)


async def stop(visit: Visit) -> Response:
    """Stop an execution, waiting for its running actions or abandoning them."""
    request: dict[str, Any] = {
        "pipelineName": visit.label("name"),
        "pipelineExecutionId": visit.form.get("execution", ""),
        "abandon": visit.form.get("how") == "abandon",
    }
    if reason := visit.form.get("reason", "").strip():
        request["reason"] = reason
    await visit.call("codepipeline", "StopPipelineExecution", request)
    return _back(visit)


async def retry(visit: Visit) -> Response:
    """Run a stage again: its failed actions, or all of them."""
    request = {
        "pipelineName": visit.label("name"),
        "stageName": visit.form.get("stage", ""),
        "pipelineExecutionId": visit.form.get("execution", ""),
        "retryMode": visit.form.get("mode", "FAILED_ACTIONS"),
    }
    await visit.call("codepipeline", "RetryStageExecution", request)
    return _back(visit)


async def set_transition(visit: Visit) -> Response:
    """Enable or disable the way into a stage."""
    request = {
        "pipelineName": visit.label("name"),
        "stageName": visit.form.get("stage", ""),
        "transitionType": "Inbound",
    }
    if visit.form.get("to") == "enabled":
        await visit.call("codepipeline", "EnableStageTransition", request)
    else:
        request["reason"] = visit.form.get("reason", "").strip()
        await visit.call("codepipeline", "DisableStageTransition", request)
    return _back(visit)


def _back(visit: Visit) -> Response:
    return visit.go(f"/console/pipelines/{quote(visit.label('name'), safe='')}")


async def _executions(visit: Visit, name: str, most: int) -> list[Execution]:
    answer = await visit.call(
        "codepipeline", "ListPipelineExecutions", {"pipelineName": name, "maxResults": most}
    )
    return [pipeline_view.execution(one) for one in answer["pipelineExecutionSummaries"]]


async def _revisions(
    visit: Visit, name: str, state: Mapping[str, Any], executions: Sequence[Execution]
) -> dict[str, Sequence[Revision]]:
    """Return the revisions of every execution that is in a stage, also of those long ago."""
    known: dict[str, Sequence[Revision]] = {each.id: each.revisions for each in executions}
    for stage in state["stageStates"]:
        execution_id = stage.get("latestExecution", {}).get("pipelineExecutionId")
        if execution_id is None or execution_id in known:
            continue
        found = await visit.call(
            "codepipeline",
            "GetPipelineExecution",
            {"pipelineName": name, "pipelineExecutionId": execution_id},
        )
        known[execution_id] = pipeline_view.revisions(
            found["pipelineExecution"].get("artifactRevisions", ())
        )
    return known


async def _own_actions(
    visit: Visit, declaration: Mapping[str, Any], state: Mapping[str, Any]
) -> dict[str, frozenset[str]]:
    """Return the action executions that count of every execution that is in a stage.

    GetPipelineState gives each action's newest, which may be an earlier execution's, or of an
    attempt that a retry replaced. Empty where the visitor may not ask.
    """
    inside = {
        stage["latestExecution"]["pipelineExecutionId"]
        for stage in state["stageStates"]
        if "latestExecution" in stage
    }
    found: dict[str, frozenset[str]] = {}
    for execution_id in inside:
        wanted = {
            "pipelineName": declaration["name"],
            "filter": {"pipelineExecutionId": execution_id},
        }
        try:
            answer = await visit.call("codepipeline", "ListActionExecutions", wanted)
        except ServiceError as error:
            if "AccessDenied" in error.code:
                return {}
            raise
        if "nextToken" not in answer:
            details = answer["actionExecutionDetails"]
            counting = attempts.newest_attempts(declaration, details).values()
            found[execution_id] = frozenset(each["actionExecutionId"] for each in counting)
    return found
