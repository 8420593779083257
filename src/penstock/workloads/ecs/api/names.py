"""How requests name ECS's resources, and their tags."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from penstock.arns import parse_arn, resource_of
from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, ResourceMeant
from penstock.workloads.ecs.ecs import Ecs

_KINDS = ("cluster/", "service/", "task/", "container-instance/", "task-definition/")


def resource_meant(ecs: Ecs) -> ResourceMeant:
    """Return the resolver of resources for authorization: a family alone means its newest
    revision, and an ARN means what operations take it for: the resource of that name here,
    whichever account or Region it tells."""

    async def meant(resource: str) -> str:
        if resource_of(resource, "task-definition/"):
            found = await ecs.task_definitions.get(resource)
            if found is not None:
                return found.arn
        for kind in _KINDS:
            name = resource_of(resource, kind)
            if name and parse_arn(resource).service == "ecs":
                here = parse_arn(ecs.clusters.arn(name))
                return str(replace(here, resource=f"{kind}{name}"))
        return resource

    return meant


def invalid(message: str) -> ServiceError:
    """Return an InvalidParameterException."""
    return ServiceError("InvalidParameterException", message)


def given_tags(
    call: Call, pairs: Iterable[Mapping[str, str]], present: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the request's tags over those `present`, by key; raise InvalidParameterException.

    CloudFormation alone may set keys of AWS's own. Texts: unverified.
    """
    pairs = list(pairs)
    added = tagging.from_pairs(pairs, "key", "value")
    if len(added) < len(pairs):
        raise invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    reserved = tagging.reserved_key(added)
    if reserved is not None and call.via is None:
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
    result = {**(present or {}), **added}
    if sum(not key.startswith("aws:") for key in result) > tagging.MOST_TAGS:
        raise invalid(f"The maximum number of tags per resource is {tagging.MOST_TAGS}.")
    return result


def shown_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as ECS lists them."""
    return tagging.to_pairs(tags, "key", "value")
