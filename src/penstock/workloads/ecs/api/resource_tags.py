"""Tags of clusters, services, task definitions and tasks.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TagResource.html
"""

from collections.abc import Callable, Mapping

from penstock.arns import resource_of
from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.workloads.ecs.api.names import given_tags, invalid, shown_tags
from penstock.workloads.ecs.ecs import Ecs

_Change = Callable[[Mapping[str, str]], Mapping[str, str]]


async def tag_resource(ecs: Ecs, call: Call, request: Request) -> Response:
    """Add tags, replacing those of the same keys."""
    await _change(ecs, request["resourceArn"], lambda tags: given_tags(call, request["tags"], tags))
    return {}


async def untag_resource(ecs: Ecs, call: Call, request: Request) -> Response:
    """Remove the tags of some keys."""
    await _change(
        ecs, request["resourceArn"], lambda tags: tagging.without(tags, request["tagKeys"])
    )
    return {}


async def list_tags_for_resource(ecs: Ecs, call: Call, request: Request) -> Response:
    """Return a resource's tags."""
    return {"tags": shown_tags(await _change(ecs, request["resourceArn"], dict))}


async def _change(ecs: Ecs, arn: str, change: _Change) -> Mapping[str, str]:
    if resource_of(arn, "cluster/"):
        return (await ecs.clusters.set_tags(arn, change)).tags
    if resource_of(arn, "service/"):
        return await ecs.services.set_tags(arn, change)
    if resource_of(arn, "task-definition/"):
        return (await ecs.task_definitions.set_tags(arn, change)).tags
    if resource_of(arn, "task/"):
        tags = await ecs.tasks.set_tags(arn, change)
        if tags is None:
            raise ServiceError("ResourceNotFoundException", "The specified task was not found.")
        return tags
    raise invalid(
        f"Penstock has tags of clusters, task definitions, tasks and services; found {arn}."
    )


OPERATIONS = {
    "ListTagsForResource": list_tags_for_resource,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
