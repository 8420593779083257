"""The loop of deliveries with a channel of the test's own: whose turn it is, and what trouble does.

Real receivers are in tests/contract/sns.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.databases import opened_database
from tests.waiting import async_until

from penstock.clock import utc_now
from penstock.services.logs import Logs
from penstock.services.sns import Sns
from penstock.services.sns.attempt import Attempt, Delivered
from penstock.services.sns.deliveries import Deliveries
from penstock.services.sns.message import Content, Message
from penstock.services.sns.subscription import Subscription
from penstock.storage import due_queue
from penstock.storage.database import Database
from penstock.storage.log_files import LogFiles

PLACE = {"account_id": "123456789012", "region": "us-east-1"}
SLOW, QUICK = "http://slow.test/", "http://quick.test/"


class World:
    """Two confirmed subscriptions to one topic, and the channel that brings their messages."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database = database
        self.sns = Sns(database, utc_now, **PLACE)
        logs = Logs(database, LogFiles(directory), utc_now, **PLACE)
        self.deliveries = Deliveries(
            database, self.sns, logs, utc_now, {"http": self}, lambda _protocol, _attempts: None
        )
        self.begun: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.open = asyncio.Event()
        self.topic = ""

    async def deliver(self, message: Message, subscription: Subscription) -> Attempt:
        self.begun[subscription.endpoint] += 1
        if message.texts["default"] == "a bug":
            raise RuntimeError("of the channel")
        if subscription.endpoint == SLOW:
            await self.open.wait()
        self.ended[subscription.endpoint] += 1
        return Delivered(200, "")

    async def subscribe(self) -> None:
        topic, _tags, _new = await self.sns.create_topic("alarms", {}, {})
        self.topic = topic.arn
        for endpoint in (SLOW, QUICK):
            made, _new = await self.sns.subscribe(topic.arn, "http", endpoint, {}, "")
            await self.sns.confirm(topic.arn, made.token, authenticated=True)

    async def publish(self, *texts: str) -> None:
        await self.sns.publish(self.topic, [Content({"default": text}, None, {}) for text in texts])

    def rows(self) -> int:
        def count(connection: sa.Connection) -> int:
            tables = ("sns_messages", "sns_deliveries")
            found = (connection.execute(sa.text(f"SELECT count(*) FROM {t}")) for t in tables)
            return sum(each.scalar_one() for each in found)

        return self.database.read_now(count)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with opened_database(tmp_path) as database:
        world = World(database, tmp_path / "logs")
        await world.subscribe()
        await world.deliveries.start()
        yield world
        await world.deliveries.close()


async def test_a_slow_endpoint_takes_no_turn_of_another(world: World) -> None:
    await world.publish(*"abcdefghij")
    await async_until(lambda: world.ended[QUICK] == 10)
    assert (world.begun[SLOW], world.ended[SLOW]) == (4, 0)
    world.open.set()
    await async_until(lambda: world.ended[SLOW] == 10)
    await async_until(lambda: world.rows() == 0)
    assert world.begun == world.ended, "each once"


async def test_a_bug_of_a_channel_ends_one_message_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.open.set()
    await world.publish("a bug", "b")
    await async_until(lambda: world.rows() == 0)
    assert world.ended == {SLOW: 1, QUICK: 1}
    assert "an internal error, see the server's log" in caplog.text
    assert "of the channel" in caplog.text


async def test_a_row_that_nobody_can_read_is_taken_up_with_a_pause(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It was due again at once, for ever."""
    monkeypatch.setattr(due_queue, "_TROUBLE_SECONDS", 0.2)
    world.open.set()
    await async_until(lambda: world.rows() == 0)
    await world.deliveries.close()
    await world.publish("a")
    spoil = sa.text("UPDATE sns_messages SET document = '{}'")
    await world.database.write(lambda c: c.execute(spoil))
    await world.deliveries.start()
    await world.publish("b")
    await async_until(lambda: world.ended == {SLOW: 1, QUICK: 1})
    await async_until(lambda: caplog.text.count("it is tried again") >= 4)
    assert caplog.text.count("it is tried again") < 10
    assert world.rows() == 3, "the message and its two deliveries stand"
