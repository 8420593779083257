"""Multipart uploads: parts are blobs of their own, joined into one when the upload completes.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from penstock.aws.checksums import new_checksum
from penstock.aws.errors import ServiceError
from penstock.aws.payload import Body
from penstock.errors import EngineError
from penstock.ids import new_alphanumeric
from penstock.services.s3 import buckets, errors
from penstock.services.s3.content import Summed
from penstock.services.s3.objects import Description, Objects, StoredObject, check_key
from penstock.storage import objects as rows
from penstock.storage import uploads
from penstock.storage.uploads import PartRow, UploadRow

SMALLEST_PART_BYTES = 5 * 1024 * 1024
_MOST_PARTS = 10_000
_ALWAYS_FULL = {"crc64nvme"}
_NEVER_FULL = {"sha1", "sha256", "sha512", "md5"}


@dataclass(frozen=True, slots=True)
class Completion:
    """What a caller says of an upload's end; `parts` are CompletedParts of the model.

    `checksums` are of the whole object, algorithm in lower case → base64.
    """

    parts: Sequence[Mapping[str, Any]]
    checksums: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    if_match: str | None = None
    if_none_match: str | None = None


async def create(
    objects: Objects,
    bucket: str,
    key: str,
    description: Description,
    initiator: str,
    algorithm: str | None = None,
    checksum_type: str | None = None,
) -> UploadRow:
    """Begin an upload. Raises NoSuchBucket, KeyTooLongError, InvalidRequest."""
    check_key(key)
    if algorithm is not None:
        new_checksum(algorithm)  # refuses what cannot be computed here
        checksum_type = _checksum_type(algorithm, checksum_type)
    elif checksum_type is not None:
        raise errors.invalid_request(
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
            "header."
        )
    now = objects.clock()
    upload = UploadRow(
        upload_id=f"{int(now.timestamp() * 1_000_000):016x}{new_alphanumeric(48)}",
        bucket=bucket,
        key=key,
        headers=description.headers,
        metadata=description.metadata,
        tags=description.tags,
        checksum_algorithm=algorithm,
        checksum_type=checksum_type,
        initiator=initiator,
        initiated_at=now,
    )

    def work(connection: sa.Connection) -> None:
        buckets.get(connection, bucket)
        uploads.insert(connection, upload)

    await objects.write(work)
    return upload


def _checksum_type(algorithm: str, wanted: str | None) -> str:
    default = "FULL_OBJECT" if algorithm in _ALWAYS_FULL else "COMPOSITE"
    impossible = "COMPOSITE" if algorithm in _ALWAYS_FULL else "FULL_OBJECT"
    if wanted == impossible and algorithm in _ALWAYS_FULL | _NEVER_FULL:
        raise errors.invalid_request(
            f"The {wanted} checksum type cannot be used with the {algorithm} checksum algorithm."
        )
    return wanted or default


def load(connection: sa.Connection, bucket: str, key: str, upload_id: str) -> UploadRow:
    """Return an upload under way; NoSuchBucket, NoSuchUpload."""
    buckets.get(connection, bucket)
    upload = uploads.get(connection, bucket, key, upload_id)
    if upload is None:
        raise errors.no_such_upload(upload_id)
    return upload


async def put_part(
    objects: Objects,
    upload: UploadRow,
    part_number: int,
    chunks: Body | Summed,
) -> PartRow:
    """Store a part in place of an earlier one of its number.

    Raises InvalidArgument, NoSuchUpload when the upload ended meanwhile, and InvalidRequest
    for a checksum that is not the upload's.
    """
    if not 1 <= part_number <= _MOST_PARTS:
        raise errors.invalid_argument(
            "partNumber",
            str(part_number),
            "Part number must be an integer between 1 and 10000, inclusive",
        )
    blob = await objects.blobs.put(chunks)
    part = PartRow(
        upload.upload_id, part_number, blob.id, blob.size, blob.md5_hex, chunks.checksums,
        objects.clock(),
    )  # fmt: skip

    def work(connection: sa.Connection) -> str | None:
        _check_algorithm(upload, part)
        load(connection, upload.bucket, upload.key, upload.upload_id)
        return uploads.put_part(connection, part)

    try:
        replaced = await objects.write(work)
    except (ServiceError, EngineError):
        await objects.blobs.delete(blob.id)
        raise
    await objects.release([replaced] if replaced else [])
    return part


def _check_algorithm(upload: UploadRow, part: PartRow) -> None:
    wanted = upload.checksum_algorithm
    if wanted is not None and wanted not in part.checksums:
        found = next(iter(part.checksums), "null")
        raise errors.invalid_request(
            f"Checksum Type mismatch occurred, expected checksum Type: {wanted}, actual checksum "
            f"Type: {found}"
        )


async def abort(objects: Objects, bucket: str, key: str, upload_id: str) -> None:
    """Remove an upload and its parts; NoSuchBucket, NoSuchUpload."""

    def work(connection: sa.Connection) -> list[str]:
        load(connection, bucket, key, upload_id)
        return uploads.delete(connection, upload_id)

    await objects.release(await objects.write(work))


async def complete(
    objects: Objects, bucket: str, key: str, upload_id: str, completion: Completion
) -> StoredObject:
    """Join the chosen parts into an object. Repeating it after success answers the same.

    Raises NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, InvalidRequest,
    BadDigest, and PreconditionFailed.
    """

    def look(connection: sa.Connection) -> StoredObject | tuple[UploadRow, list[PartRow]]:
        buckets.get(connection, bucket)
        made = rows.of_upload(connection, bucket, key, upload_id)
        if made is not None:
            return made
        upload = load(connection, bucket, key, upload_id)
        return upload, uploads.parts_of(connection, upload_id)

    found = await objects.read(look)
    if isinstance(found, StoredObject):
        return found
    upload, parts = found
    chosen = choose(parts, completion.parts)
    _check_size(chosen, completion)
    algorithm = upload.checksum_algorithm
    full = algorithm if upload.checksum_type == "FULL_OBJECT" else None
    joined = Summed(_join(objects, chosen), full)
    blob = await objects.blobs.put(joined)
    checksums = joined.checksums if full else composite_checksum(chosen, algorithm)
    description = Description(
        headers=upload.headers,
        metadata=upload.metadata,
        tags=upload.tags,
        checksums=checksums,
        checksum_type=upload.checksum_type if checksums else None,
        part_sizes=[part.size for part in chosen],
        upload_id=upload_id,
    )

    def end_upload(connection: sa.Connection) -> list[str]:
        load(connection, bucket, key, upload_id)
        _check_checksums(checksums, completion.checksums)
        return uploads.delete(connection, upload_id)

    return await objects.keep(
        bucket, key, blob, etag_of(chosen), description,
        completion.if_match, completion.if_none_match, also=end_upload,
    )  # fmt: skip


def choose(parts: Sequence[PartRow], wanted: Sequence[Mapping[str, Any]]) -> list[PartRow]:
    """Return the uploaded parts that a completion lists, in order."""
    if not wanted:
        raise ServiceError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published "
            "schema",
            status=400,
        )
    numbers = [part.get("PartNumber", 0) for part in wanted]
    if any(after <= before for before, after in pairwise(numbers)):
        raise ServiceError(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            status=400,
        )
    uploaded = {part.part_number: part for part in parts}
    chosen = []
    for number, described in zip(numbers, wanted, strict=True):
        part = uploaded.get(number)
        if part is None or not _is_as_described(part, described):
            raise errors.invalid_part(number, described.get("ETag", ""))
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size < SMALLEST_PART_BYTES:
            raise ServiceError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                status=400,
                ProposedSize=str(part.size),
                MinSizeAllowed=str(SMALLEST_PART_BYTES),
                PartNumber=str(part.part_number),
                ETag=part.etag,
            )
    return chosen


def _is_as_described(part: PartRow, described: Mapping[str, Any]) -> bool:
    return described.get("ETag", "").strip('"') == part.etag and all(
        described.get(f"Checksum{algorithm.upper()}", value) == value
        for algorithm, value in part.checksums.items()
    )


def etag_of(parts: Sequence[PartRow]) -> str:
    """Return the ETag of an object of these parts: the MD5 of their MD5s, and how many."""
    together = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{hashlib.md5(together, usedforsecurity=False).hexdigest()}-{len(parts)}"


def composite_checksum(parts: Sequence[PartRow], algorithm: str | None) -> dict[str, str]:
    """Return the checksum of the parts' checksums, and how many; empty without them."""
    if algorithm is None:
        return {}
    running = new_checksum(algorithm)
    for part in parts:
        running.update(base64.b64decode(part.checksums[algorithm]))
    return {algorithm: f"{running.value()}-{len(parts)}"}


def _check_size(parts: Sequence[PartRow], completion: Completion) -> None:
    size = sum(part.size for part in parts)
    if completion.size is not None and completion.size != size:
        raise errors.invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {completion.size} does not match "
            f"what was computed: {size}"
        )


def _check_checksums(found: Mapping[str, str], claimed: Mapping[str, str]) -> None:
    for algorithm, value in claimed.items():
        # A composite checksum may be given without its number of parts.
        if found.get(algorithm, "").partition("-")[0] != value.partition("-")[0]:
            raise ServiceError(
                "BadDigest",
                f"The {algorithm} you specified did not match the calculated checksum.",
                status=400,
            )


async def _join(objects: Objects, parts: Sequence[PartRow]) -> AsyncIterator[bytes]:
    for part in parts:
        try:
            async for chunk in objects.blobs.open(part.blob_id):
                yield chunk
        except FileNotFoundError as error:  # uploaded again or aborted meanwhile
            raise errors.invalid_part(part.part_number, part.etag) from error
