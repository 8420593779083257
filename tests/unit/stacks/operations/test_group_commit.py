"""What is stored as one: in which order, who is told of what, and who is not."""

import asyncio
from collections.abc import Sequence

import pytest

from penstock.stacks.operations.group_commit import GroupCommit


class Refused(Exception):
    """A store takes none of what it was given together with this item."""


class Ended(BaseException):
    """Ends the task that it is raised in."""


class Store:
    """What was stored, group by group; items in `refused` it does not take."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.refused: set[int] = set()
        self.open = asyncio.Event()
        self.open.set()
        self.commit = GroupCommit(self.store)

    async def store(self, items: Sequence[int]) -> None:
        await self.open.wait()
        if self.refused.intersection(items):
            raise Refused(*items)
        self.groups.append(list(items))

    async def add(self, *items: int) -> list[BaseException | None]:
        """Add items at once; return what each was answered."""
        return await asyncio.gather(
            *(self.commit.add(item) for item in items), return_exceptions=True
        )


async def test_what_comes_at_once_is_one_group() -> None:
    store = Store()
    assert await store.add(1, 2, 3) == [None] * 3
    assert await store.add(4) == [None]
    assert store.groups == [[1, 2, 3], [4]]


async def test_what_comes_meanwhile_is_the_next_group() -> None:
    store = Store()
    store.open.clear()
    first = asyncio.create_task(store.add(1))
    await asyncio.sleep(0.01)
    rest = asyncio.create_task(store.add(2, 3))
    await asyncio.sleep(0.01)
    assert not first.done()
    assert not rest.done()
    store.open.set()
    await asyncio.gather(first, rest)
    assert store.groups == [[1], [2, 3]]


async def test_a_refused_one_fails_alone() -> None:
    store = Store()
    store.refused = {2, 4}
    one, two, three, four, five = await store.add(1, 2, 3, 4, 5)
    assert (one, three, five) == (None, None, None)
    assert isinstance(two, Refused)
    assert two.args == (2,)
    assert isinstance(four, Refused)
    assert four.args == (4,)
    assert store.groups == [[1], [3], [5]], "what is left keeps its order"


async def test_one_alone_is_not_tried_twice() -> None:
    store = Store()
    store.refused = {1}
    tried: list[Sequence[int]] = []
    original = store.store

    async def counted(items: Sequence[int]) -> None:
        tried.append(items)
        await original(items)

    store.commit = GroupCommit(counted)
    [error] = await store.add(1)
    assert isinstance(error, Refused)
    assert tried == [[1]]


async def test_who_is_cancelled_takes_no_other_along() -> None:
    store = Store()
    store.open.clear()
    first, second = (asyncio.create_task(store.commit.add(item)) for item in (1, 2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0)
    store.open.set()
    await second
    assert first.cancelled()
    assert store.groups == [[1, 2]]
    store.refused = {3}
    third = asyncio.create_task(store.commit.add(3))
    await asyncio.sleep(0)
    third.cancel()
    assert await store.add(4) == [None]


async def test_hundreds_are_several_groups() -> None:
    store = Store()
    await store.add(*range(600))
    assert [len(group) for group in store.groups] == [256, 256, 88]
    assert [item for group in store.groups for item in group] == list(range(600))


async def test_nobody_waits_for_what_was_ended() -> None:
    store = Store()
    ends = True

    async def store_or_end(items: Sequence[int]) -> None:
        if ends:
            raise Ended
        await store.store(items)

    store.commit = GroupCommit(store_or_end)
    async with asyncio.timeout(5):
        for error in await store.add(*range(300)):  # of the group and of the next one
            assert isinstance(error, asyncio.CancelledError)
        ends = False
        assert await store.add(1) == [None]
    assert store.groups == [[1]]


async def test_nobody_waits_for_what_was_ended_before_it_began() -> None:
    store = Store()
    added = asyncio.create_task(store.commit.add(1))
    await asyncio.sleep(0)
    assert store.commit._storing is not None
    store.commit._storing.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await added
        assert await store.add(2) == [None]
    assert store.groups == [[2]]


@pytest.fixture(autouse=True)
async def quiet() -> None:
    """A task that `Ended` ended is a bug that the loop would log."""
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
