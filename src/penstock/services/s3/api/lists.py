"""ListObjectsV2, ListObjects, ListObjectVersions and ListMultipartUploads."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import decode_token, encode_token
from penstock.aws.service import Call, Request, Response
from penstock.services.s3 import errors
from penstock.services.s3.api.descriptions import listed_object
from penstock.services.s3.api.identity import check_owner, owner
from penstock.services.s3.listing import Fetch, Page, Place, common_prefix, past, walk
from penstock.services.s3.objects import Objects, StoredObject
from penstock.storage import objects as rows
from penstock.storage import uploads
from penstock.storage.uploads import UploadRow

T = TypeVar("T")
_MOST_AT_ONCE = 1000
_ENCODED = (
    "Delimiter", "KeyMarker", "Marker", "NextKeyMarker", "NextMarker", "Prefix", "StartAfter",
)  # fmt: skip
_LISTS = ("Contents", "Versions", "DeleteMarkers", "Uploads")


async def list_objects_v2(objects: Objects, call: Call, request: Request) -> Response:
    """List objects; a continuation token tells the last entry, not its number."""
    token, start_after = request.get("ContinuationToken"), request.get("StartAfter")
    place: Place | None = Place()
    if token is not None:
        place = _continued(token)
    elif start_after:
        place = _behind(start_after, request)
    page = await _list(objects, call, request, "MaxKeys", _objects_of, _behind_object, place)
    shown_owner = call if request.get("FetchOwner") else None
    response = {
        **_echo(request, "Delimiter", "EncodingType", "StartAfter"),
        "Prefix": request.get("Prefix") or "",
        "Name": request["Bucket"],
        "MaxKeys": _limit(request, "MaxKeys"),
        "KeyCount": len(page),
        "Contents": [listed_object(found, shown_owner) for found in page.items],
        "ContinuationToken": token,
        "NextContinuationToken": _continuation(page.last),
        **_shared(page),
    }
    return _encoded(response)


async def list_objects(objects: Objects, call: Call, request: Request) -> Response:
    """List objects by marker; the next is told only with a delimiter, as S3 does."""
    marker = request.get("Marker") or ""
    place = _behind(marker, request) if marker else Place()
    page = await _list(objects, call, request, "MaxKeys", _objects_of, _behind_object, place)
    last = page.last.key if isinstance(page.last, StoredObject) else page.last
    response = {
        **_echo(request, "Delimiter", "EncodingType"),
        "Prefix": request.get("Prefix") or "",
        "Marker": marker,
        "NextMarker": last if request.get("Delimiter") else None,
        "Name": request["Bucket"],
        "MaxKeys": _limit(request, "MaxKeys"),
        "Contents": [listed_object(found, call) for found in page.items],
        **_shared(page),
    }
    return _encoded(response)


async def list_object_versions(objects: Objects, call: Call, request: Request) -> Response:
    """List versions and delete markers, by key and each newest first."""
    marker, version_marker = request.get("KeyMarker") or "", request.get("VersionIdMarker")
    if version_marker and not marker:
        raise errors.invalid_argument(
            "version-id-marker",
            version_marker,
            "A version-id marker cannot be specified without a key marker.",
        )
    place = _behind(marker, request, behind=0) if marker else Place()
    if version_marker:
        place = await _behind_version_id(objects, request["Bucket"], marker, version_marker)
    page = await _list(objects, call, request, "MaxKeys", _versions_of, _behind_version, place)
    last = page.last
    response = {
        **_echo(request, "Delimiter", "EncodingType"),
        "Prefix": request.get("Prefix") or "",
        "KeyMarker": marker,
        "VersionIdMarker": version_marker or "",
        "NextKeyMarker": last.key if isinstance(last, StoredObject) else last,
        "NextVersionIdMarker": last.version_id if isinstance(last, StoredObject) else None,
        "Name": request["Bucket"],
        "MaxKeys": _limit(request, "MaxKeys"),
        "Versions": [_version(f, call) for f in page.items if not f.is_delete_marker],
        "DeleteMarkers": [_marker(f, call) for f in page.items if f.is_delete_marker],
        **_shared(page),
    }
    return _encoded(response)


async def list_multipart_uploads(objects: Objects, call: Call, request: Request) -> Response:
    """List uploads that are neither completed nor aborted, by key and by their start."""
    marker, upload_marker = request.get("KeyMarker") or "", request.get("UploadIdMarker")
    place: Place | None = Place()
    if marker:
        place = _behind(marker, request, behind=chr(0x10FFFF))
        if upload_marker:
            place = Place(marker, upload_marker)
    page = await _list(objects, call, request, "MaxUploads", _uploads_of, _behind_upload, place)
    last = page.last
    response = {
        **_echo(request, "Delimiter", "EncodingType"),
        "Prefix": request.get("Prefix") or "",
        "Bucket": request["Bucket"],
        "KeyMarker": marker,
        "UploadIdMarker": upload_marker or "",
        "NextKeyMarker": last.key if isinstance(last, UploadRow) else last,
        "NextUploadIdMarker": last.upload_id if isinstance(last, UploadRow) else None,
        "MaxUploads": _limit(request, "MaxUploads"),
        "Uploads": [_upload(found, call) for found in page.items],
        **_shared(page),
    }
    return _encoded(response)


# what is listed


def _objects_of(connection: Any, bucket: str) -> Fetch[StoredObject]:
    def fetch(place: Place, end: str | None, limit: int) -> Sequence[StoredObject]:
        behind = place.behind is not None
        return rows.present_keys(connection, bucket, place.key, end, limit, behind=behind)

    return fetch


def _behind_object(found: StoredObject) -> Place:
    return Place(found.key, 0)


def _versions_of(connection: Any, bucket: str) -> Fetch[StoredObject]:
    def fetch(place: Place, end: str | None, limit: int) -> Sequence[StoredObject]:
        before = None if place.behind is None else (place.key, int(place.behind))
        return rows.versions(connection, bucket, place.key, end, before, limit)

    return fetch


def _behind_version(found: StoredObject) -> Place:
    return Place(found.key, found.position)


def _uploads_of(connection: Any, bucket: str) -> Fetch[UploadRow]:
    def fetch(place: Place, end: str | None, limit: int) -> Sequence[UploadRow]:
        after = None if place.behind is None else str(place.behind)
        return uploads.scan(connection, bucket, place.key, end, after, limit)

    return fetch


def _behind_upload(found: UploadRow) -> Place:
    return Place(found.key, found.upload_id)


async def _list(
    objects: Objects,
    call: Call,
    request: Request,
    limit_member: str,
    fetch_of: Callable[[Any, str], Fetch[T]],
    place_of: Callable[[T], Place],
    place: Place | None,
) -> Page[T]:
    """Walk one snapshot of the bucket."""
    check_owner(call, request)
    limit = _limit(request, limit_member)
    bucket = request["Bucket"]
    await objects.check_bucket(bucket)
    return await objects.read(
        lambda c: walk(
            fetch_of(c, bucket),
            place_of,
            place,
            limit,
            prefix=request.get("Prefix") or "",
            delimiter=request.get("Delimiter") or "",
        )
    )


def _limit(request: Request, member: str) -> int:
    wanted: int = request.get(member, _MOST_AT_ONCE)
    if wanted < 0:
        name = "max-keys" if member == "MaxKeys" else "max-uploads"
        shown = "maxKeys" if member == "MaxKeys" else "max-uploads"
        raise errors.invalid_argument(
            name, str(wanted), f"Argument {shown} must be an integer between 0 and 2147483647"
        )
    return min(wanted, _MOST_AT_ONCE)


# where a list goes on


def _behind(marker: str, request: Request, behind: str | int = 0) -> Place | None:
    """Return the place behind a key, or behind the common prefix that `marker` is."""
    rolled_up = common_prefix(marker, request.get("Prefix") or "", request.get("Delimiter") or "")
    return past(marker) if rolled_up == marker else Place(marker, behind)


async def _behind_version_id(objects: Objects, bucket: str, key: str, version_id: str) -> Place:
    """Return the place behind a version; all of the key's when it is gone meanwhile."""
    found = await objects.read(lambda c: rows.version(c, bucket, key, version_id))
    return Place(key) if found is None else _behind_version(found)


def _continuation(last: StoredObject | str | None) -> str | None:
    if last is None:
        return None
    if isinstance(last, str):
        return encode_token("prefix", last)
    return encode_token("key", last.key)


def _continued(token: str) -> Place | None:
    try:
        kind, text = decode_token(token, "InvalidArgument", form="ss")
    except ServiceError:
        raise errors.invalid_argument(
            "continuation-token", token, "The continuation token provided is incorrect"
        ) from None
    return past(text) if kind == "prefix" else Place(text, 0)


# the answer


def _echo(request: Request, *members: str) -> dict[str, Any]:
    return {member: request.get(member) for member in members}


def _shared(page: Page[Any]) -> dict[str, Any]:
    return {
        "CommonPrefixes": [{"Prefix": prefix} for prefix in page.prefixes],
        "IsTruncated": page.last is not None,
    }


def _version(found: StoredObject, call: Call) -> dict[str, Any]:
    described = listed_object(found, call)
    return {**described, "VersionId": found.version_id, "IsLatest": found.is_latest}


def _marker(found: StoredObject, call: Call) -> dict[str, Any]:
    return {
        "Key": found.key,
        "VersionId": found.version_id,
        "IsLatest": found.is_latest,
        "LastModified": found.last_modified,
        "Owner": owner(call),
    }


def _upload(found: UploadRow, call: Call) -> dict[str, Any]:
    return {
        "Key": found.key,
        "UploadId": found.upload_id,
        "Initiated": found.initiated_at,
        "Initiator": {"ID": found.initiator, "DisplayName": found.initiator},
        "Owner": owner(call),
        "StorageClass": found.headers.get("StorageClass", "STANDARD"),
        "ChecksumAlgorithm": found.checksum_algorithm and found.checksum_algorithm.upper(),
        "ChecksumType": found.checksum_type,
    }


def _encoded(response: dict[str, Any]) -> Response:
    """Encode names as EncodingType `url` wants: keys may hold what XML cannot."""
    if response["EncodingType"] != "url":
        return response
    encoded = {
        **response,
        **{name: _url(response[name]) for name in _ENCODED if response.get(name)},
        "CommonPrefixes": [{"Prefix": _url(one["Prefix"])} for one in response["CommonPrefixes"]],
    }
    for name in _LISTS:
        if name in response:
            encoded[name] = [{**item, "Key": _url(item["Key"])} for item in response[name]]
    return encoded


def _url(text: str) -> str:
    return quote(text, safe="/")
