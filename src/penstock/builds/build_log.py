"""Writes a build's log live: lines are gathered for a tenth of a second and stored together.

Once its commands run, each line of a build has a fixed offset in its stream, so writing the
same lines again after a restart adds nothing.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable

from penstock.aws.errors import ServiceError
from penstock.builds.output import LogLine
from penstock.errors import EngineError
from penstock.services.logs import Logs
from penstock.storage.log_files import LogEvent, OffsetGap

_LOG = logging.getLogger(__name__)
_BATCH_SECONDS = 0.1
_MOST_WAITING = 2000
_MOST_WAITING_CHARACTERS = 4 * 1024 * 1024


class BuildLog:
    """One build's log. Without a `group` nothing is kept: the project's logs are disabled."""

    def __init__(
        self, logs: Logs, group: str | None, stream: str | None, offset: int | None
    ) -> None:
        self._logs = logs
        self._group, self._stream = group, stream
        self.offset = offset
        """Where the next line goes; None until the first is stored: at the end."""
        self._waiting: list[LogLine] = []
        self._waiting_characters = 0
        self._storing = asyncio.Lock()
        self._failure: Exception | None = None

    async def create(self) -> None:
        """Make the log group and stream. Safe to repeat."""
        if self._group is not None and self._stream is not None:
            await self._logs.ensure_group(self._group)
            await self._logs.ensure_stream(self._group, self._stream)

    async def write(self, lines: Iterable[LogLine]) -> None:
        """Add lines; waits only while too many are not stored yet. Raises EngineError."""
        for line in lines:
            self._waiting.append(line)
            self._waiting_characters += len(line.text)
        if self._failure is not None:
            raise self._failure
        if (
            len(self._waiting) >= _MOST_WAITING
            or self._waiting_characters >= _MOST_WAITING_CHARACTERS
        ):
            await self.store()

    async def store(self) -> None:
        """Store what was written, durably. Raises EngineError when the disk refuses.

        A cancelled caller leaves the storing running: `offset` must know what was stored.
        """
        await asyncio.shield(asyncio.create_task(self._store()))

    async def _store(self) -> None:
        async with self._storing:
            lines, self._waiting, self._waiting_characters = self._waiting, [], 0
            if not lines:
                return
            if self._group is None or self._stream is None:
                self.offset = (self.offset or 0) + len(lines)
                return
            events = [LogEvent(int(line.at.timestamp() * 1000), line.text) for line in lines]
            try:
                stored = await self._logs.put(
                    self._group, self._stream, events, at_offset=self.offset
                )
            except OffsetGap:  # the stream was made anew meanwhile
                self.offset = None
                await self._logs.put(self._group, self._stream, events)
                return
            except ServiceError as error:  # the group or stream was deleted meanwhile
                _LOG.warning("the log %s %s is not kept: %s", self._group, self._stream, error)
                self._group = None
                self.offset = (self.offset or 0) + len(lines)
                return
            self.offset = stored if self.offset is None else self.offset + len(lines)

    @contextlib.asynccontextmanager
    async def storing(self) -> AsyncIterator[None]:
        """Store what is written every tenth of a second, and all of it at the end."""
        storing = asyncio.create_task(self._store_regularly())
        try:
            yield
        finally:
            storing.cancel()
            await asyncio.wait([storing])
            await self.store()

    async def _store_regularly(self) -> None:
        while self._failure is None:
            await asyncio.sleep(_BATCH_SECONDS)
            try:
                await self.store()
            except EngineError as error:
                self._failure = error
