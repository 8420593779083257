"""A stack's policy: setting and getting it."""

from penstock.aws.service import Call, Request, Response
from penstock.stacks.api.lookup import invalid, stack_of
from penstock.stacks.requests.stack_policy_source import policy_text
from penstock.stacks.stacks import Stacks


async def set_stack_policy(stacks: Stacks, call: Call, request: Request) -> Response:
    """Give a stack a policy; it can be changed afterwards, and not be taken away."""
    row = await stack_of(stacks, request["StackName"])
    policy = await policy_text(stacks.in_process, call.principal, request)
    if policy is None:  # unverified
        raise invalid("Either StackPolicyURL or StackPolicyBody must be specified.")
    if row.deleted_at is not None:
        raise invalid(f"Stack [{row.name}] does not exist")
    await stacks.set_policy(row, policy)
    return {}


async def get_stack_policy(stacks: Stacks, call: Call, request: Request) -> Response:
    """Return the policy as it was given; a stack without one answers nothing."""
    row = await stack_of(stacks, request["StackName"])
    return {} if row.stack_policy is None else {"StackPolicyBody": row.stack_policy}


OPERATIONS = {"GetStackPolicy": get_stack_policy, "SetStackPolicy": set_stack_policy}
