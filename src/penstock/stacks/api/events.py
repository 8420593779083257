"""What happened to a stack: its events, and the operations that they belong to.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
and DescribeEvents recorded on AWS (github.com/radkawar/stackd, testdata/aws,
function_resource_policy_validation.json).
"""

from collections.abc import Sequence
from typing import Any

from penstock.aws.pagination import decode_token, encode_token
from penstock.aws.service import Call, Request, Response
from penstock.stacks.api.lookup import PAGE, invalid, present, stack_of
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.events import findings
from penstock.stacks.events.operation_events import IN_PROGRESS, OperationEvent
from penstock.stacks.stacks import Stacks
from penstock.storage.stack_operations import EventRow

_DESCRIBE_EVENTS = "cloudformation:DescribeEvents"


async def describe_stack_events(stacks: Stacks, call: Call, request: Request) -> Response:
    """Return a stack's events, newest first."""
    name = request.get("StackName")
    if not name:
        raise invalid("StackName must be specified.")  # unverified
    row = await stack_of(stacks, name)
    token = request.get("NextToken")
    before = int(decode_token(token, "ValidationError", form="n")[0]) if token else None
    found = await stacks.events(row.id, before, PAGE + 1)
    shown = found[:PAGE]
    operations = await stacks.operations_of([one.ordinal for one in shown], row.id)
    following = encode_token(shown[-1].ordinal) if len(found) > PAGE else None
    return present(
        {
            "StackEvents": [
                {**_described(stacks, one), **_operation(operations.get(one.ordinal))}
                for one in shown
            ],
            "NextToken": following,
        }
    )


async def describe_events(
    stacks: Stacks, change_sets: ChangeSets, call: Call, request: Request
) -> Response:
    """Return the events of a stack's operations, of one, or of a change set's making, newest
    first."""
    stack_id, chosen = await _chosen(stacks, change_sets, call, request)
    found = [one for one in await stacks.operation_events(stack_id) if _is_of(one, chosen)]
    if (request.get("Filters") or {}).get("FailedEvents"):
        found = [one for one in found if one.failed]
    shown, token = _newest(found, request.get("NextToken"))
    described = [_operation_event(stacks, one) for one in shown]
    return present({"OperationEvents": described, "NextToken": token})


OPERATIONS = {"DescribeStackEvents": describe_stack_events}
OF_BOTH = {"DescribeEvents": describe_events}


async def _chosen(
    stacks: Stacks, change_sets: ChangeSets, call: Call, request: Request
) -> tuple[str, dict[str, str]]:
    """Return the stack's id and what its events are chosen by.

    An operation's id alone names a stack that the caller was not asked about: that is done here.
    """
    name, change_set = request.get("StackName"), request.get("ChangeSetName")
    operation_id = request.get("OperationId")
    if change_set and (name or change_set.startswith("arn:")):
        row = (await change_sets.find(change_set, name)).row
        return row.stack_id, {"change_set_id": row.arn}
    if name:
        chosen = {"operation_id": operation_id} if operation_id else {}
        return (await stack_of(stacks, name)).id, chosen
    if operation_id and change_set:  # unverified
        raise invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
    if operation_id:
        stack_id = await stacks.stack_of_operation(operation_id)
        if stack_id is None:
            raise invalid(f"Operation [{operation_id}] does not exist")  # unverified
        await call.authorize(call.principal, _DESCRIBE_EVENTS, stack_id)
        return stack_id, {"operation_id": operation_id}
    raise invalid(  # aws-cloudformation/cloudformation-cli#1116, of a change set's bare name too
        "One of ChangeSetName, OperationId or StackName must be specified"
    )


def _is_of(event: OperationEvent, chosen: dict[str, str]) -> bool:
    if "operation_id" in chosen:
        return event.operation_id == chosen["operation_id"]
    if "change_set_id" in chosen:
        return event.own is not None and event.own.change_set_id == chosen["change_set_id"]
    return True


def _newest(
    found: Sequence[OperationEvent], token: str | None
) -> tuple[list[OperationEvent], str | None]:
    """Return a page, newest first; a token counts the events that are older than its page."""
    end = len(found)
    if token:
        end = min(end, int(decode_token(token, "ValidationError", form="n")[0]))
    start = max(0, end - PAGE)
    return list(reversed(found[start:end])), encode_token(start) if start else None


def _operation_event(stacks: Stacks, one: OperationEvent) -> dict[str, Any]:
    if one.event is not None:
        described = _described(stacks, one.event)
        described.pop("StackName")
        status = "PROVISIONING_ERROR" if one.failed else "PROGRESS"
        return {**described, **_operation(one.operation_id), "EventType": status}
    own = one.own
    assert own is not None
    described = {
        "EventId": own.id,
        "StackId": own.stack_id,
        "OperationId": own.operation_id,
        "OperationType": own.operation_type,
        "Timestamp": own.occurred_at,
    }
    if one.finding is None:
        ended = None if own.status == IN_PROGRESS else own.occurred_at
        return present(
            {
                **described,
                "OperationStatus": own.status,
                "EventType": "STACK_EVENT",
                "StartTime": own.started_at,
                "EndTime": ended,
            }
        )
    return {
        **described,
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": one.finding.logical_id,
        "PhysicalResourceId": "",
        "ResourceType": one.finding.resource_type,
        "ValidationFailureMode": one.finding.mode,
        "ValidationName": one.finding.name,
        "ValidationStatus": "FAILED",
        "ValidationStatusReason": one.finding.reason,
        "ValidationPath": one.finding.path,
    }


def _operation(operation_id: str | None) -> dict[str, str]:
    return {} if operation_id is None else {"OperationId": operation_id}


def _described(stacks: Stacks, row: EventRow) -> dict[str, Any]:
    return present(
        {
            "StackId": row.stack_id,
            "EventId": row.id,
            "StackName": row.stack_name,
            "LogicalResourceId": row.logical_id,
            "PhysicalResourceId": row.physical_id,
            "ResourceType": row.type,
            "Timestamp": row.occurred_at,
            "ResourceStatus": row.status,
            "ResourceStatusReason": row.reason,
            "ResourceProperties": stacks.event_properties(row),
            "ClientRequestToken": row.token,
            "DetailedStatus": "VALIDATION_FAILED" if findings.is_of_stack(row.reason) else None,
        }
    )
