"""Tags of buckets and objects: their rules and their shapes.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError

_MOST_OF_AN_OBJECT = 10
_MOST_OF_A_BUCKET = 50
_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_TEXT = re.compile(r"[\w\s+\-=._:/@]*")


def of_bucket(
    tag_set: Sequence[Mapping[str, Any]], before: Mapping[str, str], via: str | None
) -> dict[str, str]:
    """Return the tags that replace `before` of a bucket, key → value.

    AWS's own tags must stay as they are, unless `via` is AWS. Raises InvalidTag, BadRequest.
    """
    pairs = [(tag["Key"], tag["Value"]) for tag in tag_set]
    tags = _checked(pairs, _MOST_OF_A_BUCKET, "Bucket", before=before, via=via)
    gone = next((key for key in before if tagging.is_reserved(key) and key not in tags), None)
    if gone is not None and via != tagging.CLOUDFORMATION:
        # https://github.com/hashicorp/terraform-provider-aws/issues/7323
        raise ServiceError(
            "InvalidTag", "System Tags cannot be removed by requester", status=400, TagKey=gone
        )
    return tags


def of_object(tag_set: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return an object's tags, key → value. Raises InvalidTag, BadRequest."""
    return _checked([(tag["Key"], tag["Value"]) for tag in tag_set], _MOST_OF_AN_OBJECT, "Object")


def of_header(text: str | None) -> dict[str, str]:
    """Return the tags of an x-amz-tagging header, `a=1&b=2` percent-encoded."""
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise ServiceError(
            "InvalidArgument",
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
            "parameters without tag name duplicates.",
            status=400,
            ArgumentName="x-amz-tagging",
            ArgumentValue=text,
        ) from None
    return _checked(pairs, _MOST_OF_AN_OBJECT, "Object")


def tag_set(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the model has them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _checked(
    pairs: Sequence[tuple[str, str]],
    most: int,
    what: str,
    *,
    before: Mapping[str, str] = MappingProxyType({}),
    via: str | None = None,
) -> dict[str, str]:
    if tagging.counted(key for key, _ in pairs) > most:
        raise ServiceError("BadRequest", f"{what} tags cannot be greater than {most}", status=400)
    for key, value in pairs:
        if not 0 < len(key) <= _LONGEST_KEY or not _TEXT.fullmatch(key):
            raise ServiceError(
                "InvalidTag", "The TagKey you have provided is invalid", status=400, TagKey=key
            )
        if before.get(key) != value and tagging.reserved_key([key], via) is not None:
            raise ServiceError(
                "InvalidTag",
                "System tags cannot be added/updated by requester",
                status=400,
                TagKey=key,
            )
        if len(value) > _LONGEST_VALUE or not _TEXT.fullmatch(value):
            raise ServiceError(
                "InvalidTag", "The TagValue you have provided is invalid", status=400, TagKey=key
            )
    tags = dict(pairs)
    if len(tags) < len(pairs):
        raise ServiceError(
            "InvalidTag", "Cannot provide multiple Tags with the same key", status=400
        )
    return tags
