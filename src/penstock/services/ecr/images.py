"""Images as ECR knows them: what the registry has now, with what is recorded of each push.

Tags and digests always come from the registry. The record of a push (when, by whom) comes
from its notification; for an image whose notification is late or was lost, from the first
look at the registry.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.services.ecr.registry_client import RegistryClient, image_size
from penstock.services.ecr.repositories import SERVICE
from penstock.storage import resources

_TYPE = "image"
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Image:
    """One image. `size` in bytes is None for a multi-platform list."""

    digest: str
    media_type: str
    size: int | None
    tags: Sequence[str]
    pushed_at: datetime
    pushed_by: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of an image between looks at the registry."""

    digest: str
    media_type: str
    size: int | None
    pushed_at: datetime
    pushed_by: str | None


def read_records(connection: sa.Connection, repository: str) -> dict[str, Record]:
    """Return digest → record of the repository's images, those deleted unnoticed included."""
    found = resources.scan(connection, SERVICE, _TYPE, prefix=f"{repository}@")
    return {
        one.document["digest"]: Record(
            one.document["digest"],
            one.document["media_type"],
            one.document["size"],
            one.created_at,
            one.document["pushed_by"],
        )
        for one in found
    }


def keep_record(
    connection: sa.Connection, repository: str, repository_arn: str, record: Record
) -> None:
    """Store a record; a later push of the same image replaces it."""
    name = f"{repository}@{record.digest}"
    resources.delete(connection, SERVICE, _TYPE, name)
    document = {
        "digest": record.digest,
        "media_type": record.media_type,
        "size": record.size,
        "pushed_by": record.pushed_by,
    }
    at = record.pushed_at
    arn = f"{repository_arn}@{record.digest}"
    resources.insert(
        connection, resources.Resource(SERVICE, _TYPE, name, arn, document, {}, at, at)
    )


def drop_records(connection: sa.Connection, repository: str, digests: Sequence[str]) -> None:
    """Forget images."""
    for digest in digests:
        resources.delete(connection, SERVICE, _TYPE, f"{repository}@{digest}")


async def tags_by_digest(client: RegistryClient, repository: str) -> dict[str, list[str]]:
    """Return digest → tags, in order, as the registry has them now."""
    tags = await client.tags(repository)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def look(tag: str) -> str | None:
        async with gate:
            return await client.digest(repository, tag)

    found: dict[str, list[str]] = {}
    for tag, digest in zip(tags, await asyncio.gather(*map(look, tags)), strict=True):
        if digest is not None:
            found.setdefault(digest, []).append(tag)
    return found


async def look_at(
    client: RegistryClient,
    repository: str,
    digest: str,
    pushed_at: datetime,
    pushed_by: str | None,
) -> Record | None:
    """Return a record of the image as the registry has it, None when it has none."""
    manifest = await client.manifest(repository, digest)
    if manifest is None:
        return None
    return Record(manifest.digest, manifest.media_type, image_size(manifest), pushed_at, pushed_by)


def with_tags(records: Mapping[str, Record], tags: Mapping[str, Sequence[str]]) -> list[Image]:
    """Join records and tags, oldest push first."""
    images = [
        Image(
            record.digest,
            record.media_type,
            record.size,
            tuple(tags.get(record.digest, ())),
            record.pushed_at,
            record.pushed_by,
        )
        for record in records.values()
    ]
    return sorted(images, key=lambda image: (image.pushed_at, image.digest))
