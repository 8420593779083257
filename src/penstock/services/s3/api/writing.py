"""PutObject, CopyObject, DeleteObject and DeleteObjects."""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.s3.api.copy_sources import CopySource, open_source
from penstock.services.s3.api.descriptions import (
    checksum_members,
    description,
    kept_headers,
    quoted,
    shown_version_id,
)
from penstock.services.s3.api.identity import check_owner
from penstock.services.s3.api.refusals import check_write, refuse
from penstock.services.s3.content import Summed
from penstock.services.s3.objects import Description, Objects, StoredObject

LARGEST_PUT_BYTES = 5 * 1024**3
_MOST_DELETED_AT_ONCE = 1000
_CHANGES = ("StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption")


async def put_object(objects: Objects, call: Call, request: Request) -> Response:
    """Store an object from the request's body."""
    check_owner(call, request)
    check_write(request)
    check_length(request)
    stored = await objects.write_object(
        request["Bucket"],
        request["Key"],
        request["Body"],
        description(request),
        request.get("IfMatch"),
        request.get("IfNoneMatch"),
    )
    return {
        "ETag": quoted(stored.etag),
        "VersionId": await shown_version_id(objects, stored.bucket, stored.version_id),
        **checksum_members(stored.checksums, stored.checksum_type),
    }


def check_length(request: Request) -> None:
    """Raise EntityTooLarge for a body beyond 5 GiB, before it is read."""
    length = request["Body"].length
    if length is not None and length > LARGEST_PUT_BYTES:
        raise ServiceError(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            status=400,
            ProposedSize=str(length),
            MaxSizeAllowed=str(LARGEST_PUT_BYTES),
        )


async def copy_object(objects: Objects, call: Call, request: Request) -> Response:
    """Store a copy of an object, with its metadata and tags or with new ones."""
    check_owner(call, request)
    check_write(request)
    source = CopySource.of(request)
    _check_changes_something(source, request)
    found, content = await open_source(objects, call, request, source, lambda f: (0, f.size))
    try:
        if found.size > LARGEST_PUT_BYTES:
            raise ServiceError(
                "InvalidRequest",
                "The specified copy source is larger than the maximum allowable size for a copy "
                f"source: {LARGEST_PUT_BYTES}",
            )
        algorithm = request.get("ChecksumAlgorithm") or next(iter(found.checksums), None)
        stored = await objects.write_object(
            request["Bucket"],
            request["Key"],
            Summed(content, algorithm.lower() if algorithm else None),
            await _copied_description(call, request, found),
            request.get("IfMatch"),
            request.get("IfNoneMatch"),
        )
    finally:
        await content.aclose()
    return {
        "CopyObjectResult": {
            "ETag": quoted(stored.etag),
            "LastModified": stored.last_modified,
            **checksum_members(stored.checksums, stored.checksum_type),
        },
        "CopySourceVersionId": await shown_version_id(objects, found.bucket, found.version_id),
        "VersionId": await shown_version_id(objects, stored.bucket, stored.version_id),
    }


def _check_changes_something(source: CopySource, request: Request) -> None:
    onto_itself = (source.bucket, source.key) == (request["Bucket"], request["Key"])
    changes = request.get("MetadataDirective") == "REPLACE" or any(map(request.get, _CHANGES))
    if onto_itself and source.version_id is None and not changes:
        raise ServiceError(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself "
            "without changing the object's metadata, storage class, website redirect location or "
            "encryption attributes.",
        )


async def _copied_description(call: Call, request: Request, found: StoredObject) -> Description:
    given = description(request)
    headers, metadata, tags = given.headers, given.metadata, given.tags
    if request.get("MetadataDirective", "COPY") == "COPY":
        not_copied = ("StorageClass", "WebsiteRedirectLocation")
        copied = {k: v for k, v in found.headers.items() if k not in not_copied}
        asked = {k: v for k, v in kept_headers(request).items() if k in not_copied}
        headers, metadata = {**copied, **asked}, found.metadata
    if request.get("TaggingDirective", "COPY") == "COPY":
        tags = found.tags
        if tags:
            resource = f"arn:aws:s3:::{found.bucket}/{found.key}"
            await call.authorize(call.principal, "s3:GetObjectTagging", resource)
    return Description(headers, metadata, tags)


async def delete_object(objects: Objects, call: Call, request: Request) -> Response:
    """Delete an object, or one version of it."""
    check_owner(call, request)
    refuse(request, "MFA", "IfMatchLastModifiedTime", "IfMatchSize")
    deleted = await objects.delete(
        request["Bucket"], request["Key"], request.get("VersionId"), request.get("IfMatch")
    )
    return {
        "VersionId": deleted.version_id,
        "DeleteMarker": True if deleted.is_delete_marker else None,
    }


async def delete_objects(objects: Objects, call: Call, request: Request) -> Response:
    """Delete many objects; what fails is told by key and stops nothing."""
    check_owner(call, request)
    refuse(request, "MFA")
    _check_digest_given(call)
    wanted = request["Delete"]["Objects"]
    if not 0 < len(wanted) <= _MOST_DELETED_AT_ONCE:
        raise ServiceError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published "
            "schema",
            status=400,
        )
    deleted: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    await objects.check_bucket(request["Bucket"])
    for one in wanted:
        try:
            deleted.append(await _delete_one(objects, call, request["Bucket"], one))
        except ServiceError as error:
            code = "AccessDenied" if error.code == "AccessDeniedException" else error.code
            named = {"Key": one["Key"], "VersionId": one.get("VersionId")}
            failed.append({**named, "Code": code, "Message": error.message})
    return {"Deleted": [] if request["Delete"].get("Quiet") else deleted, "Errors": failed}


async def _delete_one(objects: Objects, call: Call, bucket: str, one: Request) -> dict[str, Any]:
    version_id = one.get("VersionId")
    action = "s3:DeleteObjectVersion" if version_id else "s3:DeleteObject"
    await call.authorize(call.principal, action, f"arn:aws:s3:::{bucket}/{one['Key']}")
    refuse(one, "LastModifiedTime", "Size")
    gone = await objects.delete(bucket, one["Key"], version_id, one.get("ETag"))
    return {
        "Key": one["Key"],
        "VersionId": version_id,
        "DeleteMarker": True if gone.is_delete_marker else None,
        "DeleteMarkerVersionId": gone.version_id if gone.is_delete_marker else None,
    }


def _check_digest_given(call: Call) -> None:
    if "content-md5" in call.headers:
        return
    if not any(name.startswith("x-amz-checksum-") for name in call.headers):
        raise ServiceError(
            "InvalidRequest", "Missing required header for this request: Content-MD5"
        )
