"""The end of a build from outside: a stop, or its time-out."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from penstock.builds.build import BuildStatus

T = TypeVar("T")


class Interrupted(Exception):
    """The build's work ended early, as `status` says: STOPPED or TIMED_OUT."""

    def __init__(self, status: BuildStatus) -> None:
        super().__init__(status.value)
        self.status = status


class Interruption:
    """One build's; the first reason counts. Belongs to one event loop."""

    def __init__(self) -> None:
        self.status: BuildStatus | None = None
        self._requested = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def request(self, status: BuildStatus) -> None:
        """End the build's work; repeating changes nothing."""
        if self.status is None:
            self.status = status
            self._requested.set()

    def at(self, seconds: float) -> None:
        """Time the build out after `seconds` from now; only the first call counts."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, seconds), self.request, BuildStatus.TIMED_OUT)

    def forget(self) -> None:
        """Drop the timer: the build has ended."""
        if self._timer is not None:
            self._timer.cancel()

    async def comes_before(self, work: "asyncio.Task[Any]") -> bool:
        """Wait until `work` is done or the interruption came; tell whether it came first."""
        requested = asyncio.create_task(self._requested.wait())
        try:
            await asyncio.wait([work, requested], return_when=asyncio.FIRST_COMPLETED)
        finally:
            requested.cancel()
        return not work.done()

    async def race(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` does; cancel it and raise Interrupted if interrupted first."""
        task = asyncio.create_task(work)
        try:
            if await self.comes_before(task):
                task.cancel()
                await asyncio.wait([task])
                assert self.status is not None
                raise Interrupted(self.status)
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
