"""What many tasks store in the same moment, stored as one unit of work.

The steps of a stack begin and end by the hundred at once. A unit of work, and the statements in it,
cost nearly as much for one of them as for all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
_MOST_IN_ONE_UNIT = 256


class GroupCommit(Generic[Item]):
    """Stores items in the order in which they come: one group at a time, and as the next group all
    that came meanwhile. Safe from any task of one event loop."""

    def __init__(self, store: Callable[[Sequence[Item]], Awaitable[None]]) -> None:
        """`store` stores all of its items or, when it raises, none of them."""
        self._store = store
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._storing: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> None:
        """Return once the item is stored; what storing it by itself raises is raised here alone.

        Cancelling the caller does not undo it.
        """
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, stored))
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_waiting())
            self._storing.add_done_callback(self._leave_waiting)
        await stored

    async def _store_waiting(self) -> None:
        while self._waiting:
            group = self._waiting[:_MOST_IN_ONE_UNIT]
            del self._waiting[:_MOST_IN_ONE_UNIT]
            await self._store_group(group)

    def _leave_waiting(self, ended: asyncio.Task[None]) -> None:
        """Have nobody wait for a task that was ended, perhaps before it began."""
        if ended is self._storing:
            for _, stored in self._waiting:
                stored.cancel()
            self._waiting.clear()

    async def _store_group(self, group: Sequence[tuple[Item, asyncio.Future[None]]]) -> None:
        try:
            await self._store([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 (every error is handed to whose item it is of)
            if len(group) > 1:  # each by itself: the error is that of some only
                await asyncio.gather(*(self._store_group([each]) for each in group))
            elif not group[0][1].done():
                group[0][1].set_exception(error)
        else:
            for _, stored in group:
                if not stored.done():  # done: its caller was cancelled
                    stored.set_result(None)
        finally:
            for _, stored in group:
                stored.cancel()  # of those not done, where this task itself was ended
