"""Queries on S3's objects: read, replace, list in order of keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.tables.objects import objects, parts


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One version of an object. `etag` is without quotes, `size` in bytes."""

    bucket: str
    key: str
    version_id: str
    is_latest: bool
    is_delete_marker: bool
    blob_id: str | None
    size: int
    etag: str
    last_modified: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers kept with it, as the model names them (`ContentType`, `StorageClass`, …).
    `Expires` is in ISO 8601."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Algorithm in lower case → base64 (for a multipart composite with `-<parts>`)."""
    checksum_type: str | None = None
    part_sizes: Sequence[int] = ()
    """Of a multipart upload, in bytes."""
    upload_id: str | None = None
    position: int = 0


def _row(found: sa.Row[Any]) -> ObjectRow:
    return ObjectRow(**found._mapping)


def latest(connection: sa.Connection, bucket: str, key: str) -> ObjectRow | None:
    """Return the newest version, a delete marker included, or None."""
    found = connection.execute(
        objects.select().where(
            objects.c.bucket == bucket, objects.c.is_latest, objects.c.key == key
        )
    ).first()
    return _row(found) if found else None


def version(connection: sa.Connection, bucket: str, key: str, version_id: str) -> ObjectRow | None:
    """Return one version, or None."""
    found = connection.execute(
        objects.select().where(
            objects.c.bucket == bucket,
            objects.c.key == key,
            objects.c.version_id == version_id,
        )
    ).first()
    return _row(found) if found else None


def of_upload(connection: sa.Connection, bucket: str, key: str, upload_id: str) -> ObjectRow | None:
    """Return the version that a multipart upload became, or None."""
    found = connection.execute(
        objects.select().where(
            objects.c.bucket == bucket, objects.c.key == key, objects.c.upload_id == upload_id
        )
    ).first()
    return _row(found) if found else None


def insert_latest(connection: sa.Connection, row: ObjectRow) -> str | None:
    """Store a version as the newest, replacing the one of the same version id.

    Return the replaced version's blob id, which the caller removes after the commit.
    """
    here = (objects.c.bucket == row.bucket) & (objects.c.key == row.key)
    replaced = version(connection, row.bucket, row.key, row.version_id)
    if replaced is not None:
        connection.execute(objects.delete().where(objects.c.position == replaced.position))
    connection.execute(objects.update().where(here, objects.c.is_latest).values(is_latest=False))
    values = {name: getattr(row, name) for name in ObjectRow.__slots__ if name != "position"}
    values |= {name: dict(values[name]) for name in ("headers", "metadata", "tags", "checksums")}
    values["part_sizes"] = list(row.part_sizes)
    connection.execute(objects.insert().values(values))
    return replaced.blob_id if replaced else None


def delete_version(connection: sa.Connection, row: ObjectRow) -> None:
    """Remove one version; the newest of the rest becomes the latest."""
    connection.execute(objects.delete().where(objects.c.position == row.position))
    if not row.is_latest:
        return
    newest = connection.execute(
        sa.select(sa.func.max(objects.c.position)).where(
            objects.c.bucket == row.bucket, objects.c.key == row.key
        )
    ).scalar()
    if newest is not None:
        connection.execute(
            objects.update().where(objects.c.position == newest).values(is_latest=True)
        )


def set_tags(connection: sa.Connection, row: ObjectRow, tags: Mapping[str, str]) -> None:
    """Replace a version's tags."""
    connection.execute(
        objects.update().where(objects.c.position == row.position).values(tags=dict(tags))
    )


def is_empty(connection: sa.Connection, bucket: str) -> bool:
    """Return whether a bucket has no version of any object."""
    found = connection.execute(
        sa.select(objects.c.position).where(objects.c.bucket == bucket).limit(1)
    ).first()
    return found is None


def present_keys(
    connection: sa.Connection,
    bucket: str,
    start: str,
    end: str | None,
    limit: int,
    *,
    behind: bool = False,
) -> list[ObjectRow]:
    """Return the latest versions (no delete markers) with start <= key < end, in order.

    `behind` leaves out the key `start` itself.
    """
    query = objects.select().where(
        objects.c.bucket == bucket,
        objects.c.is_latest,
        objects.c.key > start if behind else objects.c.key >= start,
        objects.c.is_delete_marker.is_(False),
    )
    if end is not None:
        query = query.where(objects.c.key < end)
    return [_row(found) for found in connection.execute(query.order_by(objects.c.key).limit(limit))]


def versions(
    connection: sa.Connection,
    bucket: str,
    start: str,
    end: str | None,
    before: tuple[str, int] | None,
    limit: int,
) -> list[ObjectRow]:
    """Return all versions with start <= key < end, by key and then newest first.

    `before` (key, position) leaves out that key's versions of that position and newer.
    """
    query = objects.select().where(objects.c.bucket == bucket, objects.c.key >= start)
    if end is not None:
        query = query.where(objects.c.key < end)
    if before is not None:
        key, position = before
        query = query.where(
            sa.or_(
                objects.c.key > key, sa.and_(objects.c.key == key, objects.c.position < position)
            )
        )
    ordered = query.order_by(objects.c.key, objects.c.position.desc()).limit(limit)
    return [_row(found) for found in connection.execute(ordered)]


def blob_ids(connection: sa.Connection) -> set[str]:
    """Return every blob that an object or a part of an upload has."""
    found = connection.execute(
        sa.select(objects.c.blob_id)
        .where(objects.c.blob_id.is_not(None))
        .union_all(sa.select(parts.c.blob_id))
    )
    return {str(blob_id) for (blob_id,) in found}
