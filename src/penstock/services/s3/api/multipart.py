"""Multipart uploads: begun, filled part by part, completed or aborted."""

import re
from typing import Any
from urllib.parse import quote

from penstock.aws.service import Call, Request, Response
from penstock.services.s3 import errors, multipart
from penstock.services.s3.api.copy_sources import CopySource, open_source
from penstock.services.s3.api.descriptions import (
    checksum_members,
    claimed_checksums,
    description,
    quoted,
    shown_version_id,
)
from penstock.services.s3.api.identity import check_owner, owner
from penstock.services.s3.api.refusals import check_write
from penstock.services.s3.api.writing import LARGEST_PUT_BYTES, check_length
from penstock.services.s3.content import Summed
from penstock.services.s3.multipart import Completion
from penstock.services.s3.objects import Objects, StoredObject
from penstock.storage import uploads
from penstock.storage.uploads import PartRow, UploadRow

_MOST_AT_ONCE = 1000
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{1,18})", re.ASCII)


async def create_multipart_upload(objects: Objects, call: Call, request: Request) -> Response:
    """Begin an upload; the object will have what is said here."""
    check_owner(call, request)
    check_write(request)
    algorithm = request.get("ChecksumAlgorithm")
    upload = await multipart.create(
        objects,
        request["Bucket"],
        request["Key"],
        description(request),
        call.principal.arn,
        algorithm.lower() if algorithm else None,
        request.get("ChecksumType"),
    )
    return {
        "Bucket": upload.bucket,
        "Key": upload.key,
        "UploadId": upload.upload_id,
        "ChecksumAlgorithm": algorithm,
        "ChecksumType": upload.checksum_type,
    }


async def upload_part(objects: Objects, call: Call, request: Request) -> Response:
    """Store a part from the request's body."""
    check_write(request)
    check_length(request)
    upload = await _upload(objects, call, request)
    part = await multipart.put_part(objects, upload, request["PartNumber"], request["Body"])
    return {"ETag": quoted(part.etag), **checksum_members(part.checksums)}


async def upload_part_copy(objects: Objects, call: Call, request: Request) -> Response:
    """Store a part from an object, or from a range of its bytes."""
    check_write(request)
    upload = await _upload(objects, call, request)
    source = CopySource.of(request)

    def select(found: StoredObject) -> tuple[int, int]:
        return _copied_range(request.get("CopySourceRange"), found.size)

    found, content = await open_source(objects, call, request, source, select)
    try:
        part = await multipart.put_part(
            objects, upload, request["PartNumber"], Summed(content, upload.checksum_algorithm)
        )
    finally:
        await content.aclose()
    return {
        "CopyPartResult": {
            "ETag": quoted(part.etag),
            "LastModified": part.last_modified,
            **checksum_members(part.checksums),
        },
        "CopySourceVersionId": await shown_version_id(objects, found.bucket, found.version_id),
    }


async def complete_multipart_upload(objects: Objects, call: Call, request: Request) -> Response:
    """Make the object of the listed parts."""
    check_owner(call, request)
    bucket, key = request["Bucket"], request["Key"]
    completion = Completion(
        parts=(request.get("MultipartUpload") or {}).get("Parts", ()),
        checksums=claimed_checksums(request),
        size=request.get("MpuObjectSize"),
        if_match=request.get("IfMatch"),
        if_none_match=request.get("IfNoneMatch"),
    )
    stored = await multipart.complete(objects, bucket, key, request["UploadId"], completion)
    return {
        "Location": f"{call.endpoint_url}/{bucket}/{quote(key)}",
        "Bucket": bucket,
        "Key": key,
        "ETag": quoted(stored.etag),
        "VersionId": await shown_version_id(objects, bucket, stored.version_id),
        **checksum_members(stored.checksums, stored.checksum_type),
    }


async def abort_multipart_upload(objects: Objects, call: Call, request: Request) -> Response:
    """Remove an upload and its parts."""
    check_owner(call, request)
    await multipart.abort(objects, request["Bucket"], request["Key"], request["UploadId"])
    return {}


async def list_parts(objects: Objects, call: Call, request: Request) -> Response:
    """List an upload's parts by number."""
    upload = await _upload(objects, call, request)
    after = int(request.get("PartNumberMarker") or 0)
    limit = min(request.get("MaxParts", _MOST_AT_ONCE), _MOST_AT_ONCE)
    parts = await objects.read(lambda c: uploads.parts_of(c, upload.upload_id))
    following = [part for part in parts if part.part_number > after]
    shown = following[:limit]
    truncated = 0 < len(shown) < len(following)
    return {
        "Bucket": upload.bucket,
        "Key": upload.key,
        "UploadId": upload.upload_id,
        "PartNumberMarker": after,
        "NextPartNumberMarker": shown[-1].part_number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": truncated,
        "Parts": [_part(part) for part in shown],
        "Initiator": {"ID": upload.initiator, "DisplayName": upload.initiator},
        "Owner": owner(call),
        "StorageClass": upload.headers.get("StorageClass", "STANDARD"),
        "ChecksumAlgorithm": upload.checksum_algorithm and upload.checksum_algorithm.upper(),
        "ChecksumType": upload.checksum_type,
    }


def _part(part: PartRow) -> dict[str, Any]:
    return {
        "PartNumber": part.part_number,
        "LastModified": part.last_modified,
        "ETag": quoted(part.etag),
        "Size": part.size,
        **checksum_members(part.checksums),
    }


def _copied_range(header: str | None, size: int) -> tuple[int, int]:
    """Return (start, end) of an x-amz-copy-source-range, end excluded."""
    start, end = 0, size
    if header is not None:
        found = _RANGE.fullmatch(header)
        if found is None or int(found[1]) > int(found[2]):
            raise errors.invalid_argument(
                "x-amz-copy-source-range",
                header,
                "The x-amz-copy-source-range value must be of the form bytes=first-last where "
                "first and last are the zero-based offsets of the first and last bytes to copy",
            )
        start, end = int(found[1]), int(found[2]) + 1
        if end > size:
            raise errors.invalid_argument(
                "x-amz-copy-source-range",
                header,
                f"Range specified is not valid for source object of size: {size}",
            )
    if end - start > LARGEST_PUT_BYTES:
        raise errors.invalid_request(
            "The specified copy source is larger than the maximum allowable size for a copy "
            f"source: {LARGEST_PUT_BYTES}"
        )
    return start, end


async def _upload(objects: Objects, call: Call, request: Request) -> UploadRow:
    check_owner(call, request)
    return await objects.read(
        lambda c: multipart.load(c, request["Bucket"], request["Key"], request["UploadId"])
    )
