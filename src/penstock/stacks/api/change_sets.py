"""The operations on change sets.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from typing import Any

import msgspec

from penstock.aws.pagination import decode_token, encode_token, page
from penstock.aws.service import Call, Request, Response
from penstock.aws.tags import to_pairs
from penstock.stacks.change_sets.change_set import ChangeSet
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.change_sets.description import describe_changes
from penstock.stacks.display import MASK
from penstock.stacks.planning import rollback_configuration
from penstock.stacks.planning.plan import Plan
from penstock.storage.change_sets import ChangeSetRow

_MOST_BYTES = 1_000_000
"""AWS gives 1 MB of changes a page."""
_MOST_SUMMARIES = 100
_BAD_TOKEN = "ValidationError"


async def create_change_set(change_sets: ChangeSets, call: Call, request: Request) -> Response:
    """Plan what a stack's creation or update would do."""
    made = await change_sets.create(call.principal, request)
    return {"Id": made.row.arn, "StackId": made.row.stack_id}


async def describe_change_set(change_sets: ChangeSets, call: Call, request: Request) -> Response:
    """Return a change set and what it would change, a page at a time."""
    found = await change_sets.find(request["ChangeSetName"], request.get("StackName"))
    planned = found.document.plan
    failed = found.row.status == "FAILED"
    with_values = request.get("IncludePropertyValues", False)
    described = {} if planned is None or failed else _planned(planned, request, with_values)
    return {"Changes": [], **_described(found, with_values=with_values), **described}


async def list_change_sets(change_sets: ChangeSets, call: Call, request: Request) -> Response:
    """Return the stack's change sets."""
    found = await change_sets.all(request["StackName"])
    chosen, token = page(
        found,
        request.get("NextToken"),
        _MOST_SUMMARIES,
        key=lambda row: row.ordinal,
        error_code=_BAD_TOKEN,
    )
    answer: dict[str, Any] = {"Summaries": [_summary(row) for row in chosen]}
    if token is not None:
        answer["NextToken"] = token
    return answer


async def execute_change_set(change_sets: ChangeSets, call: Call, request: Request) -> Response:
    """Begin to make the changes."""
    await change_sets.execute(
        request["ChangeSetName"],
        request.get("StackName"),
        call.principal,
        request.get("ClientRequestToken"),
        disable_rollback=request.get("DisableRollback"),
        retain_except_on_create=request.get("RetainExceptOnCreate", False),
    )
    return {}


async def delete_change_set(change_sets: ChangeSets, call: Call, request: Request) -> Response:
    """Remove a change set."""
    await change_sets.delete(request["ChangeSetName"], request.get("StackName"))
    return {}


OPERATIONS = {
    "CreateChangeSet": create_change_set,
    "DeleteChangeSet": delete_change_set,
    "DescribeChangeSet": describe_change_set,
    "ExecuteChangeSet": execute_change_set,
    "ListChangeSets": list_change_sets,
}


def _described(found: ChangeSet, *, with_values: bool) -> dict[str, Any]:
    planned, options = found.document.plan, found.document.options
    described = _summary(found.row)
    warns = (found.row.status_reason or "").startswith("[WARN]")
    if warns and not with_values:  # of the values that only the other form shows
        described.pop("StatusReason", None)
    described |= {
        "NotificationARNs": list(planned.notification_arns) if planned else [],
        "RollbackConfiguration": rollback_configuration.described(
            planned.monitoring_minutes if planned else 0
        ),
        "DeploymentConfig": {"Mode": "STANDARD", "DisableRollback": False},
        "Capabilities": list(found.document.capabilities),
    }
    if "OnStackFailure" in options:
        described["OnStackFailure"] = options["OnStackFailure"]
    if planned and planned.parameters:
        described["Parameters"] = [_parameter(planned, name) for name in planned.parameters]
    if planned and planned.tags:
        described["Tags"] = to_pairs(planned.tags)
    return described


def _planned(planned: Plan, request: Request, with_values: bool) -> dict[str, Any]:
    """Return the page of changes that the request's token asks for."""
    changes = describe_changes(planned, with_values)
    start = 0
    if request.get("NextToken"):
        [text] = decode_token(request["NextToken"], _BAD_TOKEN, form="n")
        start = int(text)
    size, end = 0, start
    while end < len(changes):
        size += len(msgspec.json.encode(changes[end]))
        if size > _MOST_BYTES and end > start:
            break
        end += 1
    answer: dict[str, Any] = {"Changes": changes[start:end]}
    if end < len(changes):  # the plan is stored and never changes: an index stays right
        answer["NextToken"] = encode_token(end)
    return answer


def _parameter(planned: Plan, name: str) -> dict[str, str]:
    given = planned.parameters[name]
    described = {"ParameterKey": name, "ParameterValue": MASK if given.no_echo else given.value}
    if given.resolved is not None:
        described["ResolvedValue"] = MASK if given.no_echo else given.resolved
    return described


def _summary(row: ChangeSetRow) -> dict[str, Any]:
    summary = {
        "StackId": row.stack_id,
        "StackName": row.stack_name,
        "ChangeSetId": row.arn,
        "ChangeSetName": row.name,
        "ExecutionStatus": row.execution_status,
        "Status": row.status,
        "StatusReason": row.status_reason,
        "CreationTime": row.created_at,
        "Description": row.description,
        "IncludeNestedStacks": row.include_nested,
        "ParentChangeSetId": row.parent_arn,
        "RootChangeSetId": row.root_arn,
    }
    return {key: value for key, value in summary.items() if value is not None}
