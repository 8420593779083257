"""The outbox: order of commits, waking followers, resuming after a restart."""

import asyncio
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from penstock.storage.database import Database, Work
from penstock.storage.outbox import (
    Event,
    NewEvent,
    Outbox,
    last_position,
    publish,
    publish_all,
    read_after,
)
from penstock.storage.schema import metadata

_NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def _publish(connection: sa.Connection, subject: str) -> None:
    publish(connection, "build.Completed", subject, {"status": "SUCCEEDED"}, _NOW)


async def test_an_event_is_read_as_it_was_published(database: Database) -> None:
    await database.write(lambda c: _publish(c, "app:1"))
    assert await database.read(lambda c: read_after(c, 0)) == [
        Event(1, "build.Completed", "app:1", {"status": "SUCCEEDED"}, _NOW)
    ]
    assert await database.read(last_position) == 1


async def test_an_event_exists_exactly_when_its_cause_does(database: Database) -> None:
    def failing(connection: sa.Connection) -> None:
        _publish(connection, "never")
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(failing)
    assert await database.read(last_position) == 0


async def test_positions_increase_in_the_order_of_commits(database: Database) -> None:
    order: list[str] = []

    def numbered(connection: sa.Connection, subject: str) -> None:
        if random.random() < 0.2:
            raise LookupError
        _publish(connection, subject)
        order.append(subject)

    await asyncio.gather(
        *(database.write(lambda c, n=n: numbered(c, f"s-{n}")) for n in range(200)),
        return_exceptions=True,
    )
    events = await database.read(lambda c: read_after(c, 0))
    assert [event.subject for event in events] == order
    positions = [event.position for event in events]
    assert positions == sorted(set(positions))


async def test_a_follower_waits_and_is_woken(database: Database) -> None:
    outbox = Outbox(database)
    waiting = asyncio.create_task(outbox.next_after(0))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await database.write(lambda c: _publish(c, "app:1"))
    events = await asyncio.wait_for(waiting, 5)
    assert [event.subject for event in events] == ["app:1"]


async def test_a_follower_sees_every_event_once_across_a_restart(tmp_path: Path) -> None:
    seen: list[str] = []
    position = 0
    for start in (0, 100):  # two runs of the server
        database = Database.open(tmp_path / "test.db")
        metadata.create_all(database.engine)
        outbox = Outbox(database)

        async def publish_all(database: Database = database, start: int = start) -> None:
            for n in range(start, start + 100):
                await database.write(lambda c, n=n: _publish(c, f"s-{n}"))

        publishing = asyncio.create_task(publish_all())
        enough = 60 if start == 0 else 200  # the first run ends with events unseen
        while len(seen) < enough:
            for event in await asyncio.wait_for(outbox.next_after(position, limit=7), 5):
                seen.append(event.subject)
                position = event.position
        await publishing
        database.close()
    assert seen == [f"s-{n}" for n in range(200)]


async def test_several_followers_each_see_everything(database: Database) -> None:
    outbox = Outbox(database)

    async def follow() -> list[str]:
        seen: list[str] = []
        while len(seen) < 50:
            seen += [event.subject for event in await outbox.next_after(len(seen))]
        return seen

    followers = [asyncio.create_task(follow()) for _ in range(3)]
    for n in range(50):
        await database.write(lambda c, n=n: _publish(c, f"s-{n}"))
    for follower in followers:
        assert await asyncio.wait_for(follower, 5) == [f"s-{n}" for n in range(50)]


async def test_a_cancelled_follower_leaves_nothing_behind(database: Database) -> None:
    outbox = Outbox(database)
    waiting = asyncio.create_task(outbox.next_after(0))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await database.write(lambda c: _publish(c, "app:1"))
    assert len(await outbox.next_after(0)) == 1


async def test_a_follower_of_some_kinds_sees_only_those(database: Database) -> None:
    outbox = Outbox(database)
    kinds = ["build.Completed", "build.PhaseChanged", "build.Completed"]

    def several(connection: sa.Connection) -> None:
        new = [NewEvent(kind, f"s-{n}", {}, _NOW) for n, kind in enumerate(kinds)]
        publish_all(connection, new)
        publish_all(connection, [])

    await database.write(several)
    everything = await outbox.next_after(0)
    assert [event.subject for event in everything] == ["s-0", "s-1", "s-2"]
    found = await outbox.next_after(0, kinds={"build.Completed", "build.Started"})
    assert [(event.position, event.subject) for event in found] == [(1, "s-0"), (3, "s-2")]


async def test_a_follower_of_some_kinds_sleeps_through_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the pipeline engine read back each event that it wrote itself."""
    outbox = Outbox(database)
    reads = 0
    read = database.read

    async def counted(work: Work[list[Event]]) -> list[Event]:
        nonlocal reads
        reads += 1
        return await read(work)

    monkeypatch.setattr(database, "read", counted)
    waiting = asyncio.create_task(outbox.next_after(0, kinds={"build.Completed"}))
    await asyncio.sleep(0.05)
    for _ in range(20):
        await database.write(lambda c: publish(c, "build.PhaseChanged", "b", {}, _NOW))
    assert (waiting.done(), reads) == (False, 1)
    await database.write(lambda c: publish(c, "build.Completed", "b", {}, _NOW))
    [event] = await asyncio.wait_for(waiting, 5)
    assert (event.kind, event.position) == ("build.Completed", 21)
    assert reads == 2
