"""Tags of log groups."""

from collections.abc import Mapping

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.logs.api.identifiers import group_of_arn
from penstock.services.logs.log_groups import Logs


async def tag_resource(logs: Logs, call: Call, request: Request) -> Response:
    """Add tags, replacing those of the same keys."""

    def add(tags: Mapping[str, str]) -> Mapping[str, str]:
        result = {**tags, **request["tags"]}
        if len(result) > tagging.MOST_TAGS:
            raise ServiceError(
                "TooManyTagsException",
                f"A resource can have at most {tagging.MOST_TAGS} tags, found {len(result)}.",
            )
        return result

    await logs.set_tags(group_of_arn(request["resourceArn"]), add)
    return {}


async def untag_resource(logs: Logs, call: Call, request: Request) -> Response:
    """Remove the tags of some keys."""
    group = group_of_arn(request["resourceArn"])
    await logs.set_tags(group, lambda tags: tagging.without(tags, request["tagKeys"]))
    return {}


async def list_tags_for_resource(logs: Logs, call: Call, request: Request) -> Response:
    """Return a group's tags."""
    group = await logs.group(group_of_arn(request["resourceArn"]))
    return {"tags": group.tags}
