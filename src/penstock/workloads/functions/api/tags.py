"""Tags of functions.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html
"""

from collections.abc import Iterable

from penstock.aws import tags as tagging
from penstock.aws.service import Call, Request, Response
from penstock.workloads.functions.api.domain import Lambda
from penstock.workloads.functions.function import Reference, reference
from penstock.workloads.functions.functions import Tags
from penstock.workloads.functions.refusals import invalid


async def list_tags(domain: Lambda, call: Call, request: Request) -> Response:
    """Return a function's tags."""
    _, tags = await domain.functions.get(_named(domain, request))
    return {"Tags": dict(tags)}


async def tag_resource(domain: Lambda, call: Call, request: Request) -> Response:
    """Add tags, replacing those of the same keys."""
    refuse_reserved(request["Tags"], call.via)

    def add(tags: Tags) -> Tags:
        result = {**tags, **request["Tags"]}
        if tagging.counted(result) > tagging.MOST_TAGS:
            raise invalid("The number of tags exceeds the limit of 50 tags.")  # unverified
        return result

    await domain.functions.change_tags(_named(domain, request), add)
    return {}


async def untag_resource(domain: Lambda, call: Call, request: Request) -> Response:
    """Remove the tags of some keys."""
    refuse_reserved(request["TagKeys"], call.via)
    await domain.functions.change_tags(
        _named(domain, request), lambda tags: tagging.without(tags, request["TagKeys"])
    )
    return {}


def refuse_reserved(keys: Iterable[str], via: str | None) -> None:
    """Raise InvalidParameterValue for a key that AWS keeps for itself. Unverified text."""
    if (key := tagging.reserved_key(keys, via)) is not None:
        raise invalid(f"Tag keys that begin with aws: are AWS's own, found {key}.")


def _named(domain: Lambda, request: Request) -> Reference:
    return reference(request["Resource"], domain.functions.place)
