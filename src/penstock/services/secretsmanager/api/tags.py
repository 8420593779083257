"""Tags of secrets."""

from collections.abc import Iterable, Mapping

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.secretsmanager.secrets import Secrets, StoredSecret, refuse_deleted


def with_tags(
    tags: Mapping[str, str], added: Iterable[Mapping[str, str]], via: str | None
) -> Mapping[str, str]:
    """Return `tags` with the request's `added` ones; ServiceError beyond AWS's limit."""
    given = tagging.from_pairs(added)
    refuse_reserved(given, via)
    result = {**tags, **given}
    if (count := tagging.counted(result)) > tagging.MOST_TAGS:
        raise ServiceError(
            "InvalidParameterException",
            f"A secret can have at most {tagging.MOST_TAGS} tags, found {count}.",
        )
    return result


def refuse_reserved(keys: Iterable[str], via: str | None) -> None:
    """Raise InvalidParameter for a key that only AWS's services set and remove. Unverified text."""
    if (key := tagging.reserved_key(keys, via)) is not None:
        raise ServiceError(
            "InvalidParameterException",
            f"Tag keys that begin with aws: are AWS's own, found {key}.",
        )


async def tag_resource(secrets: Secrets, call: Call, request: Request) -> Response:
    """Add tags, replacing those of the same keys."""

    def add(stored: StoredSecret) -> StoredSecret:
        refuse_deleted(stored.secret)
        return StoredSecret(stored.secret, with_tags(stored.tags, request["Tags"], call.via))

    await secrets.change(request["SecretId"], add)
    return {}


async def untag_resource(secrets: Secrets, call: Call, request: Request) -> Response:
    """Remove the tags of some keys."""
    refuse_reserved(request["TagKeys"], call.via)

    def remove(stored: StoredSecret) -> StoredSecret:
        refuse_deleted(stored.secret)
        return StoredSecret(stored.secret, tagging.without(stored.tags, request["TagKeys"]))

    await secrets.change(request["SecretId"], remove)
    return {}
