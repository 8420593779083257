"""Queries on S3's multipart uploads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.storage.tables.objects import parts, uploads


@dataclass(frozen=True, slots=True)
class UploadRow:
    """An upload under way: what its object will have. `checksum_algorithm` is in lower case.

    Upload ids of one key sort by the time of their start.
    """

    upload_id: str
    bucket: str
    key: str
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    tags: Mapping[str, str]
    checksum_algorithm: str | None
    checksum_type: str | None
    initiator: str
    initiated_at: datetime


@dataclass(frozen=True, slots=True)
class PartRow:
    """An uploaded part. `etag` is its MD5 in hex, without quotes."""

    upload_id: str
    part_number: int
    blob_id: str
    size: int
    etag: str
    checksums: Mapping[str, str]
    last_modified: datetime


def insert(connection: sa.Connection, row: UploadRow) -> None:
    """Store a new upload."""
    values = {name: getattr(row, name) for name in UploadRow.__slots__}
    values |= {name: dict(values[name]) for name in ("headers", "metadata", "tags")}
    connection.execute(uploads.insert().values(values))


def get(connection: sa.Connection, bucket: str, key: str, upload_id: str) -> UploadRow | None:
    """Return the upload of that bucket and key, or None."""
    found = connection.execute(
        uploads.select().where(
            uploads.c.upload_id == upload_id, uploads.c.bucket == bucket, uploads.c.key == key
        )
    ).first()
    return UploadRow(**found._mapping) if found else None


def scan(
    connection: sa.Connection,
    bucket: str,
    start: str = "",
    end: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[UploadRow]:
    """Return uploads with start <= key < end, by key and upload id.

    Of key `start` only those with an upload id above `after`, when given.
    """
    query = uploads.select().where(uploads.c.bucket == bucket, uploads.c.key >= start)
    if after is not None:
        query = query.where(sa.or_(uploads.c.key > start, uploads.c.upload_id > after))
    if end is not None:
        query = query.where(uploads.c.key < end)
    found = connection.execute(query.order_by(uploads.c.key, uploads.c.upload_id).limit(limit))
    return [UploadRow(**row._mapping) for row in found]


def put_part(connection: sa.Connection, row: PartRow) -> str | None:
    """Store a part; return the blob id of the one it replaces."""
    here = (parts.c.upload_id == row.upload_id) & (parts.c.part_number == row.part_number)
    replaced = connection.execute(sa.select(parts.c.blob_id).where(here)).scalar()
    connection.execute(parts.delete().where(here))
    values = {name: getattr(row, name) for name in PartRow.__slots__}
    values["checksums"] = dict(row.checksums)
    connection.execute(parts.insert().values(values))
    return replaced


def parts_of(connection: sa.Connection, upload_id: str) -> list[PartRow]:
    """Return an upload's parts by number."""
    found = connection.execute(
        parts.select().where(parts.c.upload_id == upload_id).order_by(parts.c.part_number)
    )
    return [PartRow(**row._mapping) for row in found]


def delete(connection: sa.Connection, upload_id: str) -> list[str]:
    """Remove the upload and its parts; return the parts' blob ids."""
    blobs = [part.blob_id for part in parts_of(connection, upload_id)]
    connection.execute(parts.delete().where(parts.c.upload_id == upload_id))
    connection.execute(uploads.delete().where(uploads.c.upload_id == upload_id))
    return blobs
