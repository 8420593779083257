"""Tags of log groups."""

from collections.abc import Iterable, Mapping

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.logs.api.identifiers import group_of_arn
from penstock.services.logs.log_groups import Logs


def refuse_reserved(keys: Iterable[str], call: Call) -> None:
    """Raise InvalidParameter for a key that only AWS's services set and remove. Unverified text."""
    if (key := tagging.reserved_key(keys, call.via)) is not None:
        raise ServiceError(
            "InvalidParameterException",
            f"Tag keys that begin with aws: are AWS's own, found {key}.",
        )


async def tag_resource(logs: Logs, call: Call, request: Request) -> Response:
    """Add tags, replacing those of the same keys."""
    refuse_reserved(request["tags"], call)

    def add(tags: Mapping[str, str]) -> Mapping[str, str]:
        result = {**tags, **request["tags"]}
        if (count := tagging.counted(result)) > tagging.MOST_TAGS:
            raise ServiceError(
                "TooManyTagsException",
                f"A resource can have at most {tagging.MOST_TAGS} tags, found {count}.",
            )
        return result

    await logs.set_tags(group_of_arn(request["resourceArn"]), add)
    return {}


async def untag_resource(logs: Logs, call: Call, request: Request) -> Response:
    """Remove the tags of some keys."""
    refuse_reserved(request["tagKeys"], call)
    group = group_of_arn(request["resourceArn"])
    await logs.set_tags(group, lambda tags: tagging.without(tags, request["tagKeys"]))
    return {}


async def list_tags_for_resource(logs: Logs, call: Call, request: Request) -> Response:
    """Return a group's tags."""
    group = await logs.group(group_of_arn(request["resourceArn"]))
    return {"tags": group.tags}
