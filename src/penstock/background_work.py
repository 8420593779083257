"""The coroutines that a loop has running beside itself."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any


class BackgroundWork:
    """Coroutines that are kept alive until they end; one that fails is logged, not hidden.

    Each is expected to be the boundary of its own errors: what is lost here is a bug.
    """

    def __init__(self, log: logging.Logger, lost: str) -> None:
        """`lost` is what the log says, critically, of one that failed."""
        self._log = log
        self._lost = lost
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the caller. Needs a running event loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Cancel all that runs, and wait for its end. Repeating is safe."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.critical("%s", self._lost, exc_info=error)
