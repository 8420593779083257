"""GetObject, HeadObject and GetObjectAttributes."""

from dataclasses import dataclass
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.s3 import preconditions
from penstock.services.s3.api.descriptions import (
    checksum_members,
    object_members,
    quoted,
    shown_version_id,
)
from penstock.services.s3.api.identity import check_owner, hiding_what_is_missing
from penstock.services.s3.api.refusals import refuse
from penstock.services.s3.objects import Objects, StoredObject

_OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}
_CUSTOMER_KEYS = ("SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of an object from `start` to before `end`; `is_range` when that is a part only."""

    start: int
    end: int
    is_range: bool


async def get_object(objects: Objects, call: Call, request: Request) -> Response:
    """Return an object's content, or the range or part of it that is asked for."""
    _check(call, request)

    def select(found: StoredObject) -> tuple[int, int]:
        preconditions.check_read(request, found.etag, found.last_modified)
        span = _span(request, found)
        return span.start, span.end

    bucket, key = request["Bucket"], request["Key"]
    async with hiding_what_is_missing(call, bucket):
        found, content = await objects.open(bucket, key, request.get("VersionId"), select)
    return {**await _members(objects, request, found), "Body": content}


async def head_object(objects: Objects, call: Call, request: Request) -> Response:
    """Return what GetObject would, without the content."""
    _check(call, request)
    bucket, key = request["Bucket"], request["Key"]
    async with hiding_what_is_missing(call, bucket):
        found = await objects.head(bucket, key, request.get("VersionId"))
    preconditions.check_read(request, found.etag, found.last_modified)
    return await _members(objects, request, found)


async def get_object_attributes(objects: Objects, call: Call, request: Request) -> Response:
    """Return those of an object's attributes that are asked for."""
    _check(call, request)
    bucket, key = request["Bucket"], request["Key"]
    async with hiding_what_is_missing(call, bucket):
        found = await objects.head(bucket, key, request.get("VersionId"))
    attributes: dict[str, Any] = {
        "ETag": found.etag,
        "Checksum": checksum_members(found.checksums, found.checksum_type) or None,
        "ObjectParts": {"TotalPartsCount": len(found.part_sizes)} if found.part_sizes else None,
        "StorageClass": found.headers.get("StorageClass", "STANDARD"),
        "ObjectSize": found.size,
    }
    wanted = set(request["ObjectAttributes"])
    return {
        "LastModified": found.last_modified,
        "VersionId": await shown_version_id(objects, bucket, found.version_id),
        **{name: value for name, value in attributes.items() if name in wanted},
    }


def _check(call: Call, request: Request) -> None:
    check_owner(call, request)
    refuse(request, *_CUSTOMER_KEYS)
    if request.get("Range") and request.get("PartNumber"):
        raise ServiceError(
            "InvalidRequest", "Cannot specify both Range header and partNumber query parameter"
        )


def _span(request: Request, found: StoredObject) -> Span:
    number = request.get("PartNumber")
    if number is not None:
        return _part(number, found)
    chosen = preconditions.byte_range(request.get("Range"), found.size)
    if chosen is None:
        return Span(0, found.size, is_range=False)
    return Span(*chosen, is_range=True)


def _part(number: int, found: StoredObject) -> Span:
    """Return where a part is; an object that was put whole is its own only part."""
    sizes = found.part_sizes or [found.size]
    if not 1 <= number <= len(sizes):
        raise ServiceError(
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
            status=416,
            ActualPartCount=str(len(sizes)),
            PartNumberRequested=str(number),
        )
    start = sum(sizes[: number - 1])
    return Span(start, start + sizes[number - 1], is_range=found.size > 0)


async def _members(objects: Objects, request: Request, found: StoredObject) -> dict[str, Any]:
    span = _span(request, found)
    members = object_members(found)
    if request.get("PartNumber") is None:
        members["PartsCount"] = None
    for override, member in _OVERRIDES.items():
        if request.get(override):
            members[member] = request[override]
    if request.get("ChecksumMode") == "ENABLED" and not span.is_range:
        members |= checksum_members(found.checksums, found.checksum_type)
    if span.is_range:
        members["ContentRange"] = f"bytes {span.start}-{span.end - 1}/{found.size}"
    members["ContentLength"] = span.end - span.start
    members["ETag"] = quoted(found.etag)
    members["VersionId"] = await shown_version_id(objects, found.bucket, found.version_id)
    return members
