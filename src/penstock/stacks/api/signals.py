"""Signals to resources."""

from penstock.aws.service import Call, Request, Response
from penstock.stacks.api.lookup import stack_of
from penstock.stacks.stacks import Stacks


async def signal_resource(stacks: Stacks, call: Call, request: Request) -> Response:
    """Tell a resource that waits that it is ready, or that it failed."""
    stack = await stack_of(stacks, request["StackName"])
    await stacks.signals.send(
        stack, request["LogicalResourceId"], request["UniqueId"], request["Status"]
    )
    return {}
