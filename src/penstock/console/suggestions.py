"""What a form's fields offer to pick from: what this server knows and the visitor may list.

Each list is one page of AWS's answer; whoever may not read it types instead.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.console.visit import Visit

_STACK_SERVICE = "cloudformation.amazonaws.com"


async def gather(visit: Visit, names: set[str]) -> dict[str, Sequence[str]]:
    """Return the lists of these names; those that nobody has here are left out."""
    found: dict[str, Sequence[str]] = {}
    for name in sorted(names & set(_LISTS)):
        try:
            found[name] = await _LISTS[name](visit)
        except ServiceError:  # not for this visitor, or not offered: the field goes without
            found[name] = ()
    return found


async def _repositories(visit: Visit) -> list[str]:
    answer = await visit.call("codecommit", "ListRepositories")
    return [one["repositoryName"] for one in answer["repositories"]]


async def _connections(visit: Visit) -> list[str]:
    answer = await visit.call("codestar-connections", "ListConnections")
    return [one["ConnectionArn"] for one in answer.get("Connections", ())]


async def _buckets(visit: Visit) -> list[str]:
    answer = await visit.call("s3", "ListBuckets")
    return [one["Name"] for one in answer.get("Buckets", ())]


async def _projects(visit: Visit) -> list[str]:
    return list((await visit.call("codebuild", "ListProjects"))["projects"])


async def _topics(visit: Visit) -> list[str]:
    return [one["TopicArn"] for one in (await visit.call("sns", "ListTopics"))["Topics"]]


async def _stacks(visit: Visit) -> list[str]:
    answer = await visit.call("cloudformation", "ListStacks")
    live = [one for one in answer["StackSummaries"] if one["StackStatus"] != "DELETE_COMPLETE"]
    return [one["StackName"] for one in live]


async def _roles(visit: Visit) -> list[str]:
    return [one["Arn"] for one in await _all_roles(visit)]


async def _stack_roles(visit: Visit) -> list[str]:
    """Return the roles that CloudFormation may assume."""
    roles = await _all_roles(visit)
    return [one["Arn"] for one in roles if _STACK_SERVICE in one["AssumeRolePolicyDocument"]]


async def _all_roles(visit: Visit) -> Sequence[Mapping[str, Any]]:
    roles: Sequence[Mapping[str, Any]] = (await visit.call("iam", "ListRoles"))["Roles"]
    return roles


_LISTS: Mapping[str, Callable[[Visit], Awaitable[Sequence[str]]]] = {
    "repositories": _repositories,
    "connections": _connections,
    "buckets": _buckets,
    "projects": _projects,
    "topics": _topics,
    "stacks": _stacks,
    "roles": _roles,
    "stack-roles": _stack_roles,
}
