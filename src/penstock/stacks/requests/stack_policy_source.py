"""Where a request's stack policy comes from: its body, or an object in our own S3.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_SetStackPolicy.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.stacks.policies import stack_policy
from penstock.stacks.requests.template_source import object_of
from penstock.stacks.s3_object import NotText, TooLarge, text_of
from penstock.stacks.template.errors import invalid


async def policy_text(
    in_process: InProcess,
    principal: Principal,
    request: Mapping[str, Any],
    name: str = "StackPolicy",
) -> str | None:
    """Return the policy that a request gives by body or by URL, None where it gives none.

    `name` is that of its members: StackPolicy or StackPolicyDuringUpdate. An object is read as
    `principal`, who needs s3:GetObject. Raises ServiceError ValidationError, also for a text that
    is no policy.
    """
    body, url = request.get(f"{name}Body"), request.get(f"{name}URL")
    if body and url:
        raise invalid(f"You cannot specify both {name}URL and {name}Body")
    if url:
        body = await _fetched(in_process, principal, str(url), name)
    if body is None:
        return None
    stack_policy.parse(body)
    return str(body)


async def _fetched(in_process: InProcess, principal: Principal, url: str, name: str) -> str:
    found = object_of(url, in_process.endpoint_url, f"{name}URL")
    try:
        return await text_of(in_process, principal, found, stack_policy.LONGEST_BYTES)
    except ServiceError as error:
        raise invalid(f"S3 error: {error.message}") from None
    except TooLarge:  # unverified
        raise invalid(
            f"Stack policy may not exceed {stack_policy.LONGEST_BYTES} bytes in size."
        ) from None
    except NotText:
        raise invalid("Error validating stack policy: Invalid stack policy") from None
