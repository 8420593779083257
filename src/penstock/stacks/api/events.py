"""What happened to a stack."""

from typing import Any

from penstock.aws.pagination import decode_token, encode_token
from penstock.aws.service import Call, Request, Response
from penstock.stacks.api.lookup import PAGE, invalid, present, stack_of
from penstock.stacks.stacks import Stacks
from penstock.storage.stack_operations import EventRow


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
    following = encode_token(shown[-1].ordinal) if len(found) > PAGE else None
    return present(
        {"StackEvents": [_described(stacks, one) for one in shown], "NextToken": following}
    )


OPERATIONS = {"DescribeStackEvents": describe_stack_events}


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
        }
    )
