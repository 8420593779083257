"""The resources of a stack."""

import json
from collections.abc import Mapping
from typing import Any

from penstock.aws.service import Call, Request, Response
from penstock.stacks.api import drift as drifting
from penstock.stacks.api.lookup import invalid, page, present, stack_of
from penstock.stacks.stacks import Stacks
from penstock.storage.stack_drifts import ResourceDriftRow
from penstock.storage.stacks import ResourceRow, StackRow

_MOST_DESCRIBED = 100
_UNKNOWN = "Stack '{}' does not exist"


async def describe_stack_resource(stacks: Stacks, call: Call, request: Request) -> Response:
    """Describe one resource."""
    stack = await stack_of(stacks, request["StackName"], _UNKNOWN)
    name = request["LogicalResourceId"]
    drifts = await _drifts(stacks, stack)
    for row in await stacks.resources(stack.id):
        if row.logical_id == name:
            metadata = stacks.resource(row).metadata
            described = _common(row, drifts) | {
                "StackId": stack.id,
                "StackName": stack.name,
                "LastUpdatedTimestamp": row.updated_at,
                "Metadata": json.dumps(metadata) if metadata else None,
            }
            return {"StackResourceDetail": present(described)}
    raise invalid(f"Resource {name} does not exist for stack {request['StackName']}")


async def describe_stack_resources(stacks: Stacks, call: Call, request: Request) -> Response:
    """Describe a stack's resources, at most 100; the stack may be named by one of them."""
    stack = await _stack_meant(stacks, call, request)
    wanted = request.get("LogicalResourceId")
    found = [
        row for row in await stacks.resources(stack.id) if not wanted or row.logical_id == wanted
    ]
    if wanted and not found:
        raise invalid(f"Resource {wanted} does not exist for stack {stack.name}")
    drifts = await _drifts(stacks, stack)
    described = [
        present(
            _common(row, drifts)
            | {"StackId": stack.id, "StackName": stack.name, "Timestamp": row.updated_at}
        )
        for row in found[:_MOST_DESCRIBED]
    ]
    return {"StackResources": described}


async def list_stack_resources(stacks: Stacks, call: Call, request: Request) -> Response:
    """Summarise a stack's resources."""
    stack = await stack_of(stacks, request["StackName"], "Stack with id {} does not exist")
    shown, token = page(await stacks.resources(stack.id), request.get("NextToken"))
    drifts = await _drifts(stacks, stack)
    summaries = [
        present(_common(row, drifts) | {"LastUpdatedTimestamp": row.updated_at}) for row in shown
    ]
    return present({"StackResourceSummaries": summaries, "NextToken": token})


OPERATIONS = {
    "DescribeStackResource": describe_stack_resource,
    "DescribeStackResources": describe_stack_resources,
    "ListStackResources": list_stack_resources,
}


async def _stack_meant(stacks: Stacks, call: Call, request: Request) -> StackRow:
    name, physical = request.get("StackName"), request.get("PhysicalResourceId")
    if name and physical:
        raise invalid("You must specify either StackName or PhysicalResourceId, but not both.")
    if physical:
        stack_id = await stacks.stack_of_physical_id(physical)
        if stack_id is None:
            raise invalid(f"Stack for {physical} does not exist")
        # The caller was allowed `*`, which no policy on this stack speaks of.
        await call.authorize(call.principal, "cloudformation:DescribeStackResources", stack_id)
        return await stack_of(stacks, stack_id)
    if not name:
        raise invalid("StackName or PhysicalResourceId must be specified.")  # unverified
    return await stack_of(stacks, name, "Stack with id {} does not exist")


async def _drifts(stacks: Stacks, stack: StackRow) -> Mapping[str, ResourceDriftRow]:
    return {each.logical_id: each for each in await stacks.drift.resources(stack.id)}


def _common(row: ResourceRow, drifts: Mapping[str, ResourceDriftRow]) -> dict[str, Any]:
    return {
        "LogicalResourceId": row.logical_id,
        "PhysicalResourceId": row.physical_id or None,
        "ResourceType": row.type,
        "ResourceStatus": row.status,
        "ResourceStatusReason": row.reason,
        "DriftInformation": drifting.of_resource(row, drifts),
    }
