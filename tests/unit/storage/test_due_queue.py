"""Whose turn it is, when, and what a queue does when something happens in the wrong moment."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.waiting import async_until

from penstock.clock import utc_now
from penstock.errors import EngineError
from penstock.storage import due_queue
from penstock.storage.database import Database, announce
from penstock.storage.due_queue import DueQueue

LOG = logging.getLogger("penstock.tests.due_queue")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

letters = sa.Table(
    "letters",
    sa.MetaData(),
    sa.Column("key", sa.Integer, primary_key=True),
    sa.Column("receiver", sa.String, nullable=False),
    sa.Column("due", sa.Float, nullable=False),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class Letter:
    key: int
    receiver: str
    due: float


class Letters:
    """The queries, and what they were asked."""

    ACCEPTED = "letters"

    def __init__(self) -> None:
        self.looks = 0
        self.trouble: list[Exception] = []
        self.during_look: Callable[[], None] = lambda: None

    def due(
        self,
        connection: sa.Connection,
        now: datetime,
        *,
        limit: int,
        under_way: Collection[Any],
        full: Collection[str],
    ) -> list[Letter]:
        self.looks += 1
        if self.trouble:
            raise self.trouble.pop()
        rows = connection.execute(
            letters.select()
            .where(
                letters.c.due <= now.timestamp(),
                letters.c.key.not_in(under_way),
                letters.c.receiver.not_in(full),
            )
            .order_by(letters.c.due, letters.c.key)
            .limit(limit)
        )
        return [Letter(**row._mapping) for row in rows]

    def next_due_at(self, connection: sa.Connection, after: datetime) -> datetime | None:
        found = connection.execute(
            sa.select(sa.func.min(letters.c.due)).where(letters.c.due > after.timestamp())
        ).scalar()
        self.during_look()
        return None if found is None else datetime.fromtimestamp(found, UTC)


class Post:
    """Three at once, two to one: letters are brought, kept in hand until `open`, or fail."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.letters = Letters()
        self.queue = self.made()
        self.open = asyncio.Event()
        self.open.set()
        self.script: list[Exception | float] = []
        """What becomes of attempts: trouble, or a letter that is due again so many seconds later;
        then each is brought."""
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.in_hand: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    def made(self) -> DueQueue[Letter]:
        return DueQueue(
            self.database, self.letters, self.attempt, utc_now,
            what="letters", log=LOG, most_at_once=3, most_to_one=2,
        )  # fmt: skip

    async def attempt(self, letter: Letter) -> None:
        self.begun.append(letter.key)
        for name in (letter.receiver, "all"):
            self.in_hand[name] += 1
            self.most[name] = max(self.most[name], self.in_hand[name])
        try:
            await self.open.wait()
            step = self.script.pop(0) if self.script else None
            if isinstance(step, Exception):
                raise step
            await self.database.write(lambda c: self.note(c, letter, step))
            if step is None:
                self.ended.append(letter.key)
        finally:
            self.in_hand.subtract((letter.receiver, "all"))

    def note(self, connection: sa.Connection, letter: Letter, seconds: float | None) -> None:
        one = letters.c.key == letter.key
        if seconds is None:
            connection.execute(letters.delete().where(one))
        else:
            due = utc_now().timestamp() + seconds
            connection.execute(letters.update().where(one).values(due=due))

    async def accept(self, *receivers: str, due_at: datetime = LONG_AGO) -> None:
        await self.database.write(lambda c: self.insert(c, receivers, due_at))

    def insert(self, connection: sa.Connection, receivers: tuple[str, ...], at: datetime) -> None:
        for receiver in receivers:
            connection.execute(letters.insert().values(receiver=receiver, due=at.timestamp()))
        announce(connection, Letters.ACCEPTED)


@pytest.fixture
async def post(database: Database) -> AsyncIterator[Post]:
    letters.create(database.engine)
    post = Post(database)
    yield post
    await post.queue.close()


async def test_what_was_left_is_taken_up_then_what_is_accepted(post: Post) -> None:
    await post.accept("a", "b")
    post.queue.start()
    await async_until(lambda: sorted(post.ended) == [1, 2])
    await post.accept("a")
    await async_until(lambda: sorted(post.ended) == [1, 2, 3])
    assert sorted(post.begun) == [1, 2, 3]


async def test_what_is_accepted_during_a_look_is_taken_up_after_it(post: Post) -> None:
    """The look found nothing, and the sleep that follows is a minute long."""
    loop = asyncio.get_running_loop()

    def accept() -> None:
        post.letters.during_look = lambda: None
        asyncio.run_coroutine_threadsafe(post.accept("late"), loop).result(10)

    post.letters.during_look = accept
    post.queue.start()
    await async_until(lambda: post.ended == [1])


async def test_one_that_is_due_later_is_taken_up_then(post: Post) -> None:
    due_at = utc_now() + timedelta(seconds=0.3)
    await post.accept("a", due_at=due_at)
    post.queue.start()
    await async_until(lambda: post.ended == [1])
    assert utc_now() >= due_at
    assert post.letters.looks < 6, "it sleeps meanwhile"


async def test_one_that_is_put_off_is_taken_up_again_when_it_is_due(post: Post) -> None:
    post.script = [0.3]
    await post.accept("a")
    started = utc_now()
    post.queue.start()
    await async_until(lambda: post.ended == [1])
    assert post.begun == [1, 1]
    assert utc_now() - started >= timedelta(seconds=0.3)


async def test_so_many_at_once_so_many_to_one_and_none_twice(post: Post) -> None:
    post.open.clear()
    await post.accept(*["a"] * 5, *["b"] * 4)
    post.queue.start()
    await async_until(lambda: len(post.begun) == 3)
    assert post.begun == [1, 6, 2], "one for each, then the oldest"
    await post.accept("c")
    await asyncio.sleep(0.1)
    assert len(post.begun) == 3
    post.open.set()
    await async_until(lambda: len(post.ended) == 10)
    assert sorted(post.begun) == list(range(1, 11))
    assert (post.most["all"], post.most["a"]) == (3, 2)
    assert post.most["b"] <= 2


async def test_backlogs_keep_no_receiver_out(post: Post) -> None:
    """Two functions with many events took every turn until all of theirs were done."""
    post.open.clear()
    await post.accept(*["a", "b"] * 20, "c")
    post.queue.start()
    await async_until(lambda: len(post.begun) == 3)
    assert post.begun == [1, 2, 41]
    post.open.set()
    await async_until(lambda: len(post.ended) == 41)
    assert post.most["all"] == 3
    assert max(post.most[each] for each in "abc") == 2


async def test_trouble_with_one_gives_it_a_pause_and_holds_up_no_other(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(due_queue, "_TROUBLE_SECONDS", 0.3)
    post.script = [EngineError("locked", retryable=True), RuntimeError("a bug")]
    await post.accept("a", "b", "c")
    started = utc_now()
    post.queue.start()
    await async_until(lambda: post.ended == [3])
    assert utc_now() - started < timedelta(seconds=0.3)
    await async_until(lambda: len(post.ended) == 3)
    assert len(post.begun) == 5
    said = sorted(each.getMessage() for each in caplog.records)
    assert said == [
        "one of the letters (1) waits: locked",
        "one of the letters met an internal error; it is tried again",
    ]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (EngineError("locked", retryable=True), "letters wait: locked"),
        (RuntimeError("a bug"), "letters wait after an internal error"),
    ],
)
async def test_trouble_with_looking_is_waited_for(
    post: Post,
    trouble: Exception,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(due_queue, "_TROUBLE_SECONDS", 0.1)
    post.letters.trouble = [trouble]
    await post.accept("a")
    post.queue.start()
    await async_until(lambda: post.ended == [1])
    assert [each.getMessage() for each in caplog.records] == [said]


async def test_what_is_under_way_at_the_close_is_taken_up_at_the_next_start(post: Post) -> None:
    post.open.clear()
    await post.accept("a", "b")
    post.queue.start()
    await async_until(lambda: len(post.begun) == 2)
    await post.queue.close()
    assert post.in_hand.total() == 0
    post.open.set()
    await post.accept("c")
    await asyncio.sleep(0.05)
    assert post.ended == [], "it is closed"
    post.queue.start()
    await async_until(lambda: sorted(post.ended) == [1, 2, 3])


async def test_a_second_start_does_nothing(post: Post) -> None:
    post.open.clear()
    await post.accept("a")
    post.queue.start()
    post.queue.start()
    await async_until(lambda: post.begun == [1])
    post.open.set()
    await async_until(lambda: post.ended == [1])
    await post.queue.close()
    await post.queue.close()
    assert post.begun == [1]


async def test_it_closes_although_something_is_accepted_in_that_moment(post: Post) -> None:
    """`asyncio.wait_for` of Python 3.11 took the message for the answer to being cancelled."""
    for steps in range(8):
        post.queue.start()
        await asyncio.sleep(0.05)
        post.queue._wake.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(5) as limit:
            await post.queue.close()
        assert not limit.expired()


def test_a_commit_after_the_end_of_its_event_loop_is_no_error(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    letters.create(database.engine)

    async def left() -> Post:
        post = Post(database)
        post.queue.start()
        await asyncio.sleep(0)
        return post

    post = asyncio.run(left())
    for _ in range(2):  # the callbacks of a commit come before the next
        database.submit(lambda c: post.insert(c, ("a",), LONG_AGO)).result(10)
    assert caplog.records == []
