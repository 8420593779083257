"""Tags of topics.

Source: https://docs.aws.amazon.com/sns/latest/api/API_TagResource.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.sns.refusals import check_arn, invalid
from penstock.services.sns.sns import Sns, Tags


def checked_tags(pairs: Sequence[Mapping[str, str]], call: Call) -> dict[str, str]:
    """Return a request's tags by key; InvalidParameter, TagLimitExceeded."""
    tags = tagging.from_pairs(pairs)
    if len(tags) < len(pairs):
        raise invalid("Duplicated keys are not allowed.")
    _refuse_reserved(tags, call)
    _check_count(tags)
    return tags


async def tag_resource(sns: Sns, call: Call, request: Request) -> Response:
    """Add tags, replacing those of the same keys."""
    added = checked_tags(request["Tags"], call)

    def add(tags: Tags) -> Tags:
        result = {**tags, **added}
        _check_count(result)
        return result

    await _changed(sns, request, add)
    return {}


async def untag_resource(sns: Sns, call: Call, request: Request) -> Response:
    """Remove the tags of some keys."""
    _refuse_reserved(request["TagKeys"], call)
    await _changed(sns, request, lambda tags: tagging.without(tags, request["TagKeys"]))
    return {}


async def list_tags_for_resource(sns: Sns, call: Call, request: Request) -> Response:
    """Return a topic's tags."""
    check_arn(request["ResourceArn"], "ResourceArn")
    try:
        _, tags = await sns.topic(request["ResourceArn"])
    except ServiceError:
        raise _no_resource() from None
    return {"Tags": tagging.to_pairs(tags)}


async def _changed(sns: Sns, request: Request, change: Callable[[Tags], Tags]) -> None:
    check_arn(request["ResourceArn"], "ResourceArn")
    try:
        await sns.change_tags(request["ResourceArn"], change)
    except ServiceError as error:
        if error.code == "NotFoundException":
            raise _no_resource() from None
        raise


def _no_resource() -> ServiceError:
    return ServiceError("ResourceNotFoundException", "Resource does not exist")  # unverified


def _check_count(tags: Mapping[str, str]) -> None:
    if tagging.counted(tags) > tagging.MOST_TAGS:
        raise ServiceError(  # moto sns/models.py
            "TagLimitExceededException",
            "Could not complete request: tag quota of per resource exceeded",
        )


def _refuse_reserved(keys: Iterable[str], call: Call) -> None:
    if (key := tagging.reserved_key(keys, call.via)) is not None:
        raise invalid(f"Tags Reason: keys that begin with aws: are AWS's own, found {key}")
