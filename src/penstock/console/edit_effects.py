"""What saving an edited pipeline does to what runs: said before somebody saves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.console.visit import Visit

_MOST_EXECUTIONS = 100
_UNFINISHED = frozenset({"InProgress", "Stopping"})


@dataclass(frozen=True, slots=True)
class Effects:
    """The executions that would be cancelled, and the approvals that would be void."""

    executions: Sequence[str] = ()
    approvals: Sequence[str] = ()
    """Each as `Stage › Action`."""
    unknown: str = ""
    """Why it could not be found out; "" when it was."""


async def effects(visit: Visit, declaration: Mapping[str, Any]) -> Effects:
    """Return what saving another declaration than this, the pipeline's own, would end."""
    name = declaration["name"]
    try:
        listed = await visit.call(
            "codepipeline",
            "ListPipelineExecutions",
            {"pipelineName": name, "maxResults": _MOST_EXECUTIONS},
        )
        unfinished = [
            one["pipelineExecutionId"]
            for one in listed["pipelineExecutionSummaries"]
            if one["status"] in _UNFINISHED
        ]
        if not unfinished:
            return Effects()
        state = await visit.call("codepipeline", "GetPipelineState", {"name": name})
    except ServiceError as error:
        return Effects(unknown=error.message)
    return Effects(unfinished, waiting_approvals(declaration, state))


def waiting_approvals(declaration: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """Return the approval actions that wait for a decision."""
    approvals = {
        (stage["name"], action["name"])
        for stage in declaration["stages"]
        for action in stage["actions"]
        if action["actionTypeId"]["category"] == "Approval"
    }
    return [
        f"{stage['stageName']} › {action['actionName']}"
        for stage in state["stageStates"]
        for action in stage.get("actionStates", ())
        if (stage["stageName"], action["actionName"]) in approvals
        and action.get("latestExecution", {}).get("status") == "InProgress"
    ]
