"""The generic resource store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from penstock.storage import resources
from penstock.storage.database import Database
from penstock.storage.resources import Resource, ResourceExists

_NOW = datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)
_ROLE = Resource(
    "iam",
    "role",
    "build",
    "arn:aws:iam::123456789012:role/build",
    {"a": [1]},
    {"k": "v"},
    _NOW,
    _NOW,
)


async def test_what_is_inserted_is_found_by_name_and_by_arn(database: Database) -> None:
    await database.write(lambda c: resources.insert(c, _ROLE))
    assert await database.read(lambda c: resources.get(c, "iam", "role", "build")) == _ROLE
    assert await database.read(lambda c: resources.get_by_arn(c, _ROLE.arn)) == _ROLE
    assert await database.read(lambda c: resources.get(c, "iam", "user", "build")) is None
    assert await database.read(lambda c: resources.get_by_arn(c, "arn:x")) is None


async def test_a_taken_name_is_refused(database: Database) -> None:
    await database.write(lambda c: resources.insert(c, _ROLE))
    with pytest.raises(ResourceExists, match="iam role build"):
        await database.write(lambda c: resources.insert(c, replace(_ROLE, document={})))
    assert await database.read(lambda c: resources.get(c, "iam", "role", "build")) == _ROLE


async def test_scan_is_in_order_and_respects_prefix_case_and_position(database: Database) -> None:
    names = ["b", "A", "a_1", "a%2", "a", "ab"]

    def insert_all(connection: sa.Connection) -> None:
        for name in names:
            resources.insert(connection, replace(_ROLE, name=name))

    await database.write(insert_all)

    async def scan(**arguments: object) -> list[str]:
        found = await database.read(
            lambda c: resources.scan(c, "iam", "role", **arguments)  # type: ignore[arg-type]
        )
        return [resource.name for resource in found]

    assert await scan() == sorted(names)
    assert await scan(prefix="a") == ["a", "a%2", "a_1", "ab"]
    assert await scan(prefix="A") == ["A"]
    assert await scan(prefix="a_") == ["a_1"]
    assert await scan(after="a", limit=2) == ["a%2", "a_1"]
    assert await scan(prefix="a", after="a%2", limit=1) == ["a_1"]


async def test_update_replaces_the_document_or_the_tags(database: Database) -> None:
    await database.write(lambda c: resources.insert(c, _ROLE))
    later = _NOW + timedelta(seconds=1)

    def update(connection: sa.Connection) -> bool:
        return resources.update(connection, "iam", "role", "build", now=later, document={"b": 2})

    assert await database.write(update)
    stored = await database.read(lambda c: resources.get(c, "iam", "role", "build"))
    assert stored == replace(_ROLE, document={"b": 2}, updated_at=later)
    assert not await database.write(
        lambda c: resources.update(c, "iam", "role", "gone", now=later, tags={})
    )


async def test_delete_tells_whether_it_was_there(database: Database) -> None:
    await database.write(lambda c: resources.insert(c, _ROLE))
    assert await database.write(lambda c: resources.delete(c, "iam", "role", "build"))
    assert not await database.write(lambda c: resources.delete(c, "iam", "role", "build"))


async def test_times_are_kept_exactly_and_in_utc(database: Database) -> None:
    zoned = _NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    early = datetime(1965, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    await database.write(
        lambda c: resources.insert(c, replace(_ROLE, created_at=zoned, updated_at=early))
    )
    stored = await database.read(lambda c: resources.get(c, "iam", "role", "build"))
    assert stored is not None
    assert (stored.created_at, stored.updated_at) == (_NOW, early)
    assert stored.created_at.tzinfo is UTC


async def test_a_naive_time_is_refused(database: Database) -> None:
    naive = _NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="expected an aware datetime"):
        await database.write(lambda c: resources.insert(c, replace(_ROLE, created_at=naive)))
