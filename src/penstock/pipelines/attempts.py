"""Which action executions of one pipeline execution count: those that no retry replaced. Pure.

ListActionExecutions gives every attempt and does not say which one a retry made void.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def newest_attempts(
    structure: Mapping[str, Any], details: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return each action's newest attempt, by stage and action.

    `structure` is GetPipeline's `pipeline`, `details` ListActionExecutions' of one execution.

    One that began before an action that comes before it is of an attempt that a retry replaced:
    the action has not begun again yet.
    """
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for detail in sorted(details, key=lambda d: d["startTime"]):
        newest[detail["stageName"], detail["actionName"]] = detail
    for stage in structure["stages"]:
        orders = {action["name"]: action.get("runOrder", 1) for action in stage["actions"]}
        begun = {
            name: newest[stage["name"], name]["startTime"]
            for name in orders
            if (stage["name"], name) in newest
        }
        for name, began in begun.items():
            if any(orders[n] < orders[name] and at > began for n, at in begun.items()):
                del newest[stage["name"], name]
    return newest
