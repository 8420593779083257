"""Buckets: rows of the generic resource store, and the rules for their names.

A bucket's document: {"region", "versioning": "" | "Enabled" | "Suspended"}.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.services.s3 import errors
from penstock.storage import objects, resources, uploads
from penstock.storage.resources import Resource, ResourceExists

_SERVICE, _TYPE = "s3", "bucket"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


class Versioning(StrEnum):
    """A bucket's versioning; it is never off again once it was enabled, only suspended."""

    OFF = ""
    ENABLED = "Enabled"
    SUSPENDED = "Suspended"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket."""

    name: str
    region: str
    versioning: Versioning
    tags: Mapping[str, str]
    created_at: datetime


def check_name(name: str) -> None:
    """Raise InvalidBucketName unless `name` follows the rules for new buckets."""
    valid = (
        _NAME.fullmatch(name) is not None
        and ".." not in name
        and not name.startswith(_RESERVED_PREFIXES)
        and not name.endswith(_RESERVED_SUFFIXES)
    )
    try:
        ipaddress.IPv4Address(name)
        valid = False
    except ValueError:
        pass
    if not valid:
        raise ServiceError(
            "InvalidBucketName", "The specified bucket is not valid.", status=400, BucketName=name
        )


def create(
    connection: sa.Connection,
    name: str,
    region: str,
    tags: Mapping[str, str],
    now: datetime,
    *,
    again: bool = True,
) -> None:
    """Store a bucket; in us-east-1 its owner may create it `again`, elsewhere
    BucketAlreadyOwnedByYou."""
    document = {"region": region, "versioning": Versioning.OFF.value}
    row = Resource(_SERVICE, _TYPE, name, arn("s3", "", "", name), document, tags, now, now)
    try:
        resources.insert(connection, row)
    except ResourceExists:
        if not again or region != "us-east-1" or get(connection, name).region != region:
            raise ServiceError(
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own "
                "it.",
                status=409,
                BucketName=name,
            ) from None


def get(connection: sa.Connection, name: str) -> Bucket:
    """Return the bucket; NoSuchBucket."""
    found = find(connection, name)
    if found is None:
        raise errors.no_such_bucket(name)
    return found


def find(connection: sa.Connection, name: str) -> Bucket | None:
    """Return the bucket, or None."""
    found = resources.get(connection, _SERVICE, _TYPE, name)
    return _bucket(found) if found else None


def scan(connection: sa.Connection, prefix: str = "") -> list[Bucket]:
    """Return every bucket by name."""
    return [_bucket(row) for row in resources.scan(connection, _SERVICE, _TYPE, prefix=prefix)]


def set_versioning(
    connection: sa.Connection, bucket: Bucket, versioning: Versioning, now: datetime
) -> None:
    """Enable or suspend versioning."""
    document = {"region": bucket.region, "versioning": versioning.value}
    resources.update(connection, _SERVICE, _TYPE, bucket.name, now=now, document=document)


def set_tags(
    connection: sa.Connection, bucket: Bucket, tags: Mapping[str, str], now: datetime
) -> None:
    """Replace the bucket's tags."""
    resources.update(connection, _SERVICE, _TYPE, bucket.name, now=now, tags=tags)


def delete(connection: sa.Connection, name: str) -> list[str]:
    """Remove an empty bucket with its unfinished uploads; return their blob ids.

    Raises NoSuchBucket, BucketNotEmpty.
    """
    versioned = get(connection, name).versioning is not Versioning.OFF
    if not objects.is_empty(connection, name):
        raise ServiceError(
            "BucketNotEmpty",
            "The bucket you tried to delete is not empty"
            + (". You must delete all versions in the bucket." if versioned else ""),
            status=409,
            BucketName=name,
        )
    released: list[str] = []
    for upload in uploads.scan(connection, name):
        released += uploads.delete(connection, upload.upload_id)
    resources.delete(connection, _SERVICE, _TYPE, name)
    return released


def _bucket(row: Resource) -> Bucket:
    return Bucket(
        row.name,
        row.document["region"],
        Versioning(row.document["versioning"]),
        row.tags,
        row.created_at,
    )
