"""The pages of CloudFormation: stacks, and one stack with its resources, events and outputs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.console import change_sets
from penstock.console.pipeline_view import stack_path
from penstock.console.visit import Visit
from penstock.stacks.planning.nesting import NESTED_STACK

_EVENTS_ON_A_PAGE = 50
_SUPPORT = ("running", "kept", "recorded")
_DELETED = "DELETE_COMPLETE"


async def index(visit: Visit) -> Response:
    """List the stacks: those that live, and the newest of those that were deleted."""
    position = await visit.position()
    request: dict[str, Any] = {}
    if token := visit.request.query_params.get("token"):
        request["NextToken"] = token
    answer = await visit.call("cloudformation", "ListStacks", request)
    rows = [{**one, "path": stack_path(one["StackId"])} for one in answer["StackSummaries"]]
    return visit.page(
        "stacks.html",
        live=("stacks", position),
        stacks=[row for row in rows if row["StackStatus"] != _DELETED],
        deleted=[row for row in rows if row["StackStatus"] == _DELETED],
        next_token=answer.get("NextToken"),
    )


async def show(visit: Visit) -> Response:
    """Show one stack, by its name or, also once it was deleted, by its id."""
    position = await visit.position()
    name = _name_or_id(visit)
    found = await visit.call("cloudformation", "DescribeStacks", {"StackName": name})
    stack = found["Stacks"][0]
    stack_id, parent_id = stack["StackId"], stack.get("ParentId")
    resources = await _resources(visit, stack_id)
    events = await visit.call("cloudformation", "DescribeStackEvents", {"StackName": stack_id})
    return visit.page(
        "stack.html",
        live=(f"stack:{stack['StackName']}", position),
        stack=stack,
        parent_path=stack_path(parent_id) if parent_id else "",
        parent_name=parent_id.split("/")[1] if parent_id else "",
        resources=resources,
        counts=_counts(resources),
        change_sets=await change_sets.of_stack(visit, stack_id),
        events=events["StackEvents"][:_EVENTS_ON_A_PAGE],
        shown_at_most=_EVENTS_ON_A_PAGE,
        template=await _template(visit, stack_id) if visit.whole else "",
    )


def _name_or_id(visit: Visit) -> str:
    name, uuid = visit.label("name"), visit.request.path_params.get("uuid")
    if uuid is None:
        return name
    in_process = visit.site.in_process
    return arn("cloudformation", in_process.region, in_process.account_id, f"stack/{name}/{uuid}")


async def _resources(visit: Visit, stack_id: str) -> Sequence[Mapping[str, Any]]:
    """Return the resources, each with what stands behind it here: see docs/console.md."""
    found: list[Mapping[str, Any]] = []
    request: dict[str, Any] = {"StackName": stack_id}
    while True:
        answer = await visit.call("cloudformation", "ListStackResources", request)
        found += answer["StackResourceSummaries"]
        if not answer.get("NextToken"):
            break
        request["NextToken"] = answer["NextToken"]
    support = await visit.site.support(stack_id)
    return [
        {
            **resource,
            "Support": support.get(resource["LogicalResourceId"], ""),
            "Path": _nested_path(resource),
        }
        for resource in found
    ]


def _nested_path(resource: Mapping[str, Any]) -> str:
    """Return the page of a nested stack; "" for any other resource, and for one not made yet."""
    physical_id = resource.get("PhysicalResourceId")
    nested = resource["ResourceType"] == NESTED_STACK and physical_id
    return stack_path(str(physical_id)) if nested else ""


def _counts(resources: Sequence[Mapping[str, Any]]) -> str:
    """Return `running 11, kept 14, recorded 0`; "" while nothing is known."""
    counted = Counter(resource["Support"] for resource in resources if resource["Support"])
    return ", ".join(f"{name} {counted[name]}" for name in _SUPPORT) if counted else ""


async def _template(visit: Visit, stack_id: str) -> str:
    """Return the template's text; "" for a stack that has none yet."""
    try:
        answer = await visit.call("cloudformation", "GetTemplate", {"StackName": stack_id})
    except ServiceError:  # REVIEW_IN_PROGRESS, or not for this visitor: the page goes without
        return ""
    return str(answer.get("TemplateBody", ""))
