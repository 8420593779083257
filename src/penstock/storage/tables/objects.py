"""S3's objects (every version a row), multipart uploads and their parts.

A row's blob is removed after the row is gone; a blob without a row is swept at start.
"""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

# Keys sort by their UTF-8 bytes, as S3 lists them: SQLite's default, PostgreSQL's "C".
Key = sa.String().with_variant(sa.String(collation="C"), "postgresql")

objects = sa.Table(
    "objects",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("bucket", sa.String, nullable=False),
    sa.Column("key", Key, nullable=False),
    sa.Column("version_id", sa.String, nullable=False),  # `null` outside versioning
    sa.Column("is_latest", sa.Boolean, nullable=False),
    sa.Column("is_delete_marker", sa.Boolean, nullable=False),
    sa.Column("blob_id", sa.String, nullable=True),  # NULL for a delete marker
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("etag", sa.String, nullable=False),
    sa.Column("headers", sa.JSON, nullable=False),
    sa.Column("metadata", sa.JSON, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("checksums", sa.JSON, nullable=False),
    sa.Column("checksum_type", sa.String, nullable=True),
    sa.Column("part_sizes", sa.JSON, nullable=False),
    sa.Column("upload_id", sa.String, nullable=True),
    sa.Column("last_modified", Timestamp, nullable=False),
    sa.UniqueConstraint("bucket", "key", "version_id"),
    sa.Index("ix_objects_latest", "bucket", "is_latest", "key"),
    sqlite_autoincrement=True,
)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("upload_id", sa.String, primary_key=True),
    sa.Column("bucket", sa.String, nullable=False),
    sa.Column("key", Key, nullable=False),
    sa.Column("headers", sa.JSON, nullable=False),
    sa.Column("metadata", sa.JSON, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("checksum_algorithm", sa.String, nullable=True),
    sa.Column("checksum_type", sa.String, nullable=True),
    sa.Column("initiator", sa.String, nullable=False),  # the caller's ARN
    sa.Column("initiated_at", Timestamp, nullable=False),
    sa.Index("ix_uploads_bucket_key", "bucket", "key"),
)

parts = sa.Table(
    "upload_parts",
    metadata,
    sa.Column("upload_id", sa.String, primary_key=True),
    sa.Column("part_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("blob_id", sa.String, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("etag", sa.String, nullable=False),
    sa.Column("checksums", sa.JSON, nullable=False),
    sa.Column("last_modified", Timestamp, nullable=False),
)
