"""Tags of parameters."""

from collections.abc import Callable, Iterable, Mapping

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.ssm.names import Reference
from penstock.services.ssm.parameters import Parameters, StoredParameter


def with_tags(
    tags: Mapping[str, str], added: Iterable[Mapping[str, str]], via: str | None
) -> Mapping[str, str]:
    """Return `tags` with the request's `added` ones; ServiceError beyond AWS's limit."""
    given = tagging.from_pairs(added)
    refuse_reserved(given, via)
    result = {**tags, **given}
    if (count := tagging.counted(result)) > tagging.MOST_TAGS:
        raise ServiceError(
            "TooManyTagsError",
            f"A parameter can have at most {tagging.MOST_TAGS} tags, found {count}.",
            status=400,
        )
    return result


def refuse_reserved(keys: Iterable[str], via: str | None) -> None:
    """Raise ValidationException for a key that only AWS's services set and remove. Unverified
    text."""
    if (key := tagging.reserved_key(keys, via)) is not None:
        raise ServiceError(
            "ValidationException",
            f"Tag keys that begin with aws: are AWS's own, found {key}.",
            status=400,
        )


async def add_tags_to_resource(parameters: Parameters, call: Call, request: Request) -> Response:
    """Add tags, replacing those of the same keys."""
    await _change(parameters, request, lambda tags: with_tags(tags, request["Tags"], call.via))
    return {}


async def remove_tags_from_resource(
    parameters: Parameters, call: Call, request: Request
) -> Response:
    """Remove the tags of some keys."""
    refuse_reserved(request["TagKeys"], call.via)
    await _change(parameters, request, lambda tags: tagging.without(tags, request["TagKeys"]))
    return {}


async def list_tags_for_resource(parameters: Parameters, call: Call, request: Request) -> Response:
    """Return a parameter's tags."""
    reference = _parameter(request)
    try:
        stored = await parameters.find(reference)
    except ServiceError:
        raise _no_such_resource() from None
    return {"TagList": tagging.to_pairs(stored.tags)}


async def _change(
    parameters: Parameters,
    request: Request,
    change: Callable[[Mapping[str, str]], Mapping[str, str]],
) -> None:
    def retag(stored: StoredParameter) -> StoredParameter:
        return StoredParameter(stored.parameter, change(stored.tags))

    try:
        await parameters.change(_parameter(request), retag)
    except ServiceError as error:
        if error.code == "ParameterNotFound":
            raise _no_such_resource() from None
        raise


def _parameter(request: Request) -> Reference:
    if request["ResourceType"] != "Parameter":
        raise ServiceError(
            "InvalidResourceType",
            f"Penstock has resources of type Parameter, found {request['ResourceType']}.",
        )
    return Reference(request["ResourceId"])


def _no_such_resource() -> ServiceError:
    return ServiceError(
        "InvalidResourceId",
        "The resource ID isn't valid. Verify that you entered the correct ID and try again.",
    )
