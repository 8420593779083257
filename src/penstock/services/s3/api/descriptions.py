"""Between a request's members and what an object keeps, and back to a response's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request
from penstock.services.s3 import buckets, tag_sets
from penstock.services.s3.api.identity import owner
from penstock.services.s3.buckets import Versioning
from penstock.services.s3.objects import NULL_VERSION, Description, Objects, StoredObject

_KEPT = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "StorageClass",
    "WebsiteRedirectLocation",
)
_DEFAULT_CONTENT_TYPE = "binary/octet-stream"
_MOST_METADATA_BYTES = 2048
ALGORITHMS = (
    "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5", "XXHASH64", "XXHASH3",
    "XXHASH128",
)  # fmt: skip


def description(request: Request) -> Description:
    """Return what the object of this write will have; MetadataTooLarge, InvalidTag."""
    metadata = request.get("Metadata") or {}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > _MOST_METADATA_BYTES:
        raise ServiceError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            status=400,
            Size=str(size),
            MaxSizeAllowed=str(_MOST_METADATA_BYTES),
        )
    return Description(kept_headers(request), metadata, tag_sets.of_header(request.get("Tagging")))


def kept_headers(request: Request) -> dict[str, str]:
    """Return the headers of a write that its object keeps."""
    headers = {name: request[name] for name in _KEPT if request.get(name)}
    if "ContentEncoding" in headers:  # how the body was sent is not part of the object
        codings = [one.strip() for one in headers["ContentEncoding"].split(",")]
        headers["ContentEncoding"] = ",".join(one for one in codings if one != "aws-chunked")
    expires: datetime | None = request.get("Expires")
    if expires is not None:
        headers["Expires"] = expires.isoformat()
    if headers.get("StorageClass") == "STANDARD":
        del headers["StorageClass"]
    return {name: value for name, value in headers.items() if value}


def object_members(found: StoredObject) -> dict[str, Any]:
    """Return the members that GetObject and HeadObject share, without length and version."""
    headers: dict[str, Any] = dict(found.headers)
    headers.setdefault("ContentType", _DEFAULT_CONTENT_TYPE)
    if "Expires" in headers:
        headers["Expires"] = datetime.fromisoformat(headers["Expires"])
    return {
        **headers,
        "AcceptRanges": "bytes",
        "ETag": quoted(found.etag),
        "LastModified": found.last_modified,
        "Metadata": found.metadata,
        "PartsCount": len(found.part_sizes) or None,
        "TagCount": len(found.tags) or None,
    }


def checksum_members(checksums: Mapping[str, str], kind: str | None = None) -> dict[str, Any]:
    """Return `ChecksumCRC32` and its kin, and their type when given."""
    members: dict[str, Any] = {
        f"Checksum{algorithm.upper()}": value for algorithm, value in checksums.items()
    }
    if members and kind is not None:
        members["ChecksumType"] = kind
    return members


def claimed_checksums(request: Request) -> dict[str, str]:
    """Return the checksums among a request's members, algorithm in lower case → base64."""
    return {
        algorithm.lower(): request[f"Checksum{algorithm}"]
        for algorithm in ALGORITHMS
        if request.get(f"Checksum{algorithm}")
    }


def listed_object(found: StoredObject, call: Call | None) -> dict[str, Any]:
    """Return an object as lists have it, with its owner for a `call`."""
    return {
        "Key": found.key,
        "LastModified": found.last_modified,
        "ETag": quoted(found.etag),
        "ChecksumAlgorithm": [algorithm.upper() for algorithm in found.checksums],
        "ChecksumType": found.checksum_type,
        "Size": found.size,
        "StorageClass": found.headers.get("StorageClass", "STANDARD"),
        "Owner": owner(call) if call is not None else None,
    }


async def shown_version_id(objects: Objects, bucket: str, version_id: str) -> str | None:
    """Return the version id as answers show it: none where versioning never was on."""
    if version_id != NULL_VERSION:
        return version_id
    found = await objects.read(lambda c: buckets.find(c, bucket))
    unversioned = found is None or found.versioning is Versioning.OFF
    return None if unversioned else version_id


def quoted(etag: str) -> str:
    """Return an ETag as HTTP writes it."""
    return f'"{etag}"'
