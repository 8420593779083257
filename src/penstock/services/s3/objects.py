"""Objects: contents in blobs, everything else in rows.

A write stores the blob, then the row, then removes the blob that the row replaced: a crash
between leaves at most an unreferenced blob, swept at the next start.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.aws.payload import Body
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.ids import new_alphanumeric
from penstock.services.s3 import buckets, errors
from penstock.services.s3.buckets import Versioning
from penstock.services.s3.content import Content, Summed
from penstock.services.s3.preconditions import check_write
from penstock.storage import objects as rows
from penstock.storage.blobs import Blob, Blobs
from penstock.storage.database import Database, Work
from penstock.storage.objects import ObjectRow

T = TypeVar("T")
StoredObject = ObjectRow
NULL_VERSION = "null"
_VERSION_ID = re.compile(r"[A-Za-z0-9]{32}")
_LONGEST_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Description:
    """What an object has besides its content; see ObjectRow."""

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    checksum_type: str | None = None
    part_sizes: Sequence[int] = ()
    upload_id: str | None = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a delete did: it removed `version_id`, or added a delete marker of that id."""

    version_id: str | None
    is_delete_marker: bool


class Objects:
    """Every bucket's objects. `region` is where buckets are made without saying."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock, region: str) -> None:
        self._database = database
        self.blobs = blobs
        self.clock = clock
        self.region = region

    async def start(self) -> None:
        """Remove what a crash left: blobs that no object or upload has."""
        kept = await self._database.read(rows.blob_ids)
        for blob_id in await self.blobs.ids():
            if blob_id not in kept:
                await self.blobs.delete(blob_id)

    async def close(self) -> None:
        """Nothing runs between calls."""

    async def create_bucket(
        self, name: str, tags: Mapping[str, str] | None = None, *, again: bool = True
    ) -> None:
        """Make a bucket; InvalidBucketName, and BucketAlreadyOwnedByYou, which in us-east-1 is
        forgiven with `again`."""
        buckets.check_name(name)
        now = self.clock()
        await self.write(
            lambda c: buckets.create(c, name, self.region, tags or {}, now, again=again)
        )

    async def delete_bucket(self, name: str) -> None:
        """Remove an empty bucket and abort its uploads; NoSuchBucket, BucketNotEmpty."""
        await self.release(await self.write(lambda c: buckets.delete(c, name)))

    async def check_bucket(self, bucket: str) -> None:
        """Raise NoSuchBucket unless there is such a bucket."""
        await self.read(lambda c: buckets.get(c, bucket))

    async def put(
        self,
        bucket: str,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> StoredObject:
        """Store an object from a stream; NoSuchBucket."""
        headers = {"ContentType": content_type} if content_type else {}
        return await self.write_object(
            bucket, key, chunks, Description(headers=headers, metadata=metadata or {})
        )

    async def write_object(
        self,
        bucket: str,
        key: str,
        chunks: AsyncIterator[bytes],
        description: Description,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> StoredObject:
        """Store an object with all that it has; NoSuchBucket, PreconditionFailed.

        Conditions are asked before the content is read, and again when it is committed.
        """
        check_key(key)
        await self.read(lambda c: _check_write(c, bucket, key, if_match, if_none_match))
        blob = await self.blobs.put(chunks)
        if isinstance(chunks, Body | Summed) and chunks.checksums:
            description = replace(
                description, checksums=chunks.checksums, checksum_type="FULL_OBJECT"
            )
        return await self.keep(
            bucket, key, blob, blob.md5_hex, description, if_match, if_none_match
        )

    async def keep(
        self,
        bucket: str,
        key: str,
        blob: Blob,
        etag: str,
        description: Description,
        if_match: str | None = None,
        if_none_match: str | None = None,
        also: Work[list[str]] | None = None,
    ) -> StoredObject:
        """Make a stored blob the object's newest version, or remove it when that fails.

        `also` is done in the same unit of work and returns further blobs to remove.
        """

        def work(connection: sa.Connection) -> tuple[StoredObject, list[str]]:
            versioning = _check_write(connection, bucket, key, if_match, if_none_match)
            row = ObjectRow(
                bucket=bucket,
                key=key,
                version_id=_new_version_id(versioning),
                is_latest=True,
                is_delete_marker=False,
                blob_id=blob.id,
                size=blob.size,
                etag=etag,
                last_modified=self.clock(),
                headers=description.headers,
                metadata=description.metadata,
                tags=description.tags,
                checksums=description.checksums,
                checksum_type=description.checksum_type,
                part_sizes=description.part_sizes,
                upload_id=description.upload_id,
            )
            replaced = rows.insert_latest(connection, row)
            released = [replaced] if replaced else []
            return row, released + (also(connection) if also else [])

        try:
            row, released = await self.write(work)
        except (ServiceError, EngineError):
            # Certainly not written. After a cancellation the row may still arrive, and the
            # next start's sweep decides.
            await self.blobs.delete(blob.id)
            raise
        await self.release(released)
        return row

    async def head(self, bucket: str, key: str, version_id: str | None = None) -> StoredObject:
        """Return what is known of an object; NoSuchBucket, NoSuchKey, NoSuchVersion."""
        return await self.read(lambda c: find(c, bucket, key, version_id))

    async def get(
        self, bucket: str, key: str, version_id: str | None = None
    ) -> tuple[StoredObject, AsyncIterator[bytes]]:
        """Return an object and its content; NoSuchBucket, NoSuchKey, NoSuchVersion."""
        return await self.open(bucket, key, version_id, lambda found: (0, found.size))

    async def open(
        self,
        bucket: str,
        key: str,
        version_id: str | None,
        select: Callable[[StoredObject], tuple[int, int]],
    ) -> tuple[StoredObject, Content]:
        """As `get`, of the bytes (start, end) that `select` chooses; what it raises goes through.

        The content stays readable to its end when the object is deleted meanwhile. An
        object replaced between the look-up and the opening is looked up anew.
        """
        missing = None
        while True:
            found = await self.head(bucket, key, version_id)
            start, end = select(found)
            assert found.blob_id is not None
            try:
                return found, await Content.open(self.blobs, found.blob_id, start, end)
            except FileNotFoundError as error:
                if missing == found.blob_id:
                    raise EngineError(
                        f"the content of s3://{bucket}/{key} is lost: expected the file "
                        f"{self.blobs.path(found.blob_id)}. Restore it from a backup, or "
                        "delete the object.",
                        retryable=False,
                    ) from error
                missing = found.blob_id

    async def path(self, bucket: str, key: str) -> Path:
        """Return the file that holds the newest version's content; NoSuchBucket, NoSuchKey."""
        found = await self.head(bucket, key)
        assert found.blob_id is not None
        return self.blobs.path(found.blob_id)

    async def delete(
        self, bucket: str, key: str, version_id: str | None = None, if_match: str | None = None
    ) -> Deleted:
        """Delete an object, or a version of it; one that is gone is no error. NoSuchBucket."""

        def work(connection: sa.Connection) -> tuple[Deleted, list[str]]:
            versioning = _check_write(connection, bucket, key, if_match, None)
            if version_id is not None:
                return _delete_version(connection, bucket, key, version_id)
            if versioning is Versioning.OFF:
                _, released = _delete_version(connection, bucket, key, NULL_VERSION)
                return Deleted(None, is_delete_marker=False), released
            return self._add_delete_marker(connection, bucket, key, versioning)

        deleted, released = await self.write(work)
        await self.release(released)
        return deleted

    async def set_tags(
        self, bucket: str, key: str, version_id: str | None, tags: Mapping[str, str]
    ) -> StoredObject:
        """Replace an object's tags and return it; raises as `head`."""

        def work(connection: sa.Connection) -> StoredObject:
            found = find(connection, bucket, key, version_id)
            rows.set_tags(connection, found, tags)
            return found

        return await self.write(work)

    async def read(self, work: Work[T]) -> T:
        """Read on one snapshot."""
        return await self._database.read(work)

    async def write(self, work: Work[T]) -> T:
        """Write in one unit of work."""
        return await self._database.write(work)

    async def release(self, blob_ids: Sequence[str]) -> None:
        """Remove blobs that no row has any more; call it after the commit."""
        for blob_id in blob_ids:
            await self.blobs.delete(blob_id)

    def _add_delete_marker(
        self, connection: sa.Connection, bucket: str, key: str, versioning: Versioning
    ) -> tuple[Deleted, list[str]]:
        marker = ObjectRow(
            bucket=bucket,
            key=key,
            version_id=_new_version_id(versioning),
            is_latest=True,
            is_delete_marker=True,
            blob_id=None,
            size=0,
            etag="",
            last_modified=self.clock(),
        )
        replaced = rows.insert_latest(connection, marker)
        deleted = Deleted(marker.version_id, is_delete_marker=True)
        return deleted, [replaced] if replaced else []


def find(
    connection: sa.Connection, bucket: str, key: str, version_id: str | None = None
) -> StoredObject:
    """Return a readable object; NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed."""
    buckets.get(connection, bucket)
    if version_id is None:
        found = rows.latest(connection, bucket, key)
        if found is None or found.is_delete_marker:
            raise errors.no_such_key(key)
        return found
    check_version_id(version_id)
    found = rows.version(connection, bucket, key, version_id)
    if found is None:
        raise errors.no_such_version(key, version_id)
    if found.is_delete_marker:
        raise errors.is_delete_marker()
    return found


def _delete_version(
    connection: sa.Connection, bucket: str, key: str, version_id: str
) -> tuple[Deleted, list[str]]:
    check_version_id(version_id)
    found = rows.version(connection, bucket, key, version_id)
    if found is None:
        return Deleted(version_id, is_delete_marker=False), []
    rows.delete_version(connection, found)
    released = [found.blob_id] if found.blob_id else []
    return Deleted(version_id, found.is_delete_marker), released


def _new_version_id(versioning: Versioning) -> str:
    return new_alphanumeric(32) if versioning is Versioning.ENABLED else NULL_VERSION


def _check_write(
    connection: sa.Connection,
    bucket: str,
    key: str,
    if_match: str | None,
    if_none_match: str | None,
) -> Versioning:
    versioning = buckets.get(connection, bucket).versioning
    if if_match is not None or if_none_match is not None:
        before = rows.latest(connection, bucket, key)
        present = before is not None and not before.is_delete_marker
        check_write(if_match, if_none_match, before.etag if before and present else None)
    return versioning


def check_key(key: str) -> None:
    """Raise KeyTooLongError for a key of more than 1024 bytes."""
    size = len(key.encode())
    if size > _LONGEST_KEY_BYTES:
        raise ServiceError(
            "KeyTooLongError",
            "Your key is too long",
            status=400,
            Size=str(size),
            MaxSizeAllowed=str(_LONGEST_KEY_BYTES),
        )


def check_version_id(version_id: str) -> None:
    """Raise InvalidArgument for what no version id looks like."""
    if version_id != NULL_VERSION and not _VERSION_ID.fullmatch(version_id):
        raise errors.invalid_argument("versionId", version_id, "Invalid version id specified")
