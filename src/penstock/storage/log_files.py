"""Log streams: append-only, addressed by offset, kept as compressed files, followed live.

A stream comes into being with its first append. What `append` acknowledged is on disk; what
a crash cut off is dropped, a whole batch at a time.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

from penstock.storage.log_records import LogEvent
from penstock.storage.log_stream import Extent, LogStream, OffsetGap, Span

__all__ = ["Extent", "LogEvent", "LogFiles", "OffsetGap", "Span"]

T = TypeVar("T")

_STREAM_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,127}")
_RECENT_STREAMS = 256
_FOLLOW_PAGE = 1000


class _Followed:
    """A stream and those who wait for its next change; lives in one event loop."""

    def __init__(self, files: LogStream) -> None:
        self.files = files
        self.changes = 0
        self.deletions = 0
        self.waiters: set[asyncio.Future[None]] = set()

    def changed(self) -> None:
        self.changes += 1
        waiters, self.waiters = self.waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class LogFiles:
    """The streams under `root`, a directory that one process at a time uses.

    A stream id is 2 to 128 letters, digits, `-` and `_`. Offsets count events from 0.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._streams: WeakValueDictionary[str, _Followed] = WeakValueDictionary()
        self._recent: deque[_Followed] = deque(maxlen=_RECENT_STREAMS)

    async def append(
        self, stream_id: str, events: Sequence[LogEvent], at_offset: int | None = None
    ) -> int:
        """Add `events` as one batch and return the next offset, once they are durable.

        With `at_offset`, the offset of the first of them, repeating is safe: what is already
        there is not added again. Raises OffsetGap when the stream ends before `at_offset`,
        EngineError when the disk refuses. Batches up to some megabytes.
        """
        stream = self._stream(stream_id)
        return await self._change(stream, lambda: stream.files.append(events, at_offset))

    async def read(self, stream_id: str, offset: int, limit: int) -> tuple[list[LogEvent], int]:
        """Return at most `limit` events from `offset` on, and the offset after them."""
        stream = self._stream(stream_id)
        return await asyncio.to_thread(stream.files.read, offset, limit)

    async def read_backward(
        self, stream_id: str, before: int, limit: int
    ) -> tuple[list[LogEvent], int]:
        """Return the last `limit` events below offset `before`, oldest first, and the first's
        offset."""
        files = self._stream(stream_id).files
        return await asyncio.to_thread(files.read_backward, before, limit)

    async def spans(self, stream_id: str, start_ms: int, end_ms: int) -> list[Span]:
        """Return the ranges of offsets where events of that time (end excluded) may be."""
        return await asyncio.to_thread(self._stream(stream_id).files.spans, start_ms, end_ms)

    async def drop_before(self, stream_id: str, cutoff_ms: int) -> None:
        """Free the space of the oldest events, earlier than `cutoff_ms`; offsets stay.

        It frees whole chunks, so some earlier events remain.
        """
        await asyncio.to_thread(self._stream(stream_id).files.drop_before, cutoff_ms)

    async def stream_ids(self) -> list[str]:
        """Return the ids of all streams that have files."""
        return await asyncio.to_thread(lambda: [path.name for path in self._root.glob("??/*")])

    async def size(self, stream_id: str) -> int:
        """Return the number of events, 0 for an unknown stream."""
        return await asyncio.to_thread(self._stream(stream_id).files.size)

    async def extent(self, stream_id: str) -> Extent:
        """Return how many events there are, and of when."""
        return await asyncio.to_thread(self._stream(stream_id).files.extent)

    async def delete(self, stream_id: str) -> None:
        """Remove the stream; its followers end. Removing an unknown one is no error."""
        stream = self._stream(stream_id)
        stream.deletions += 1
        await self._change(stream, stream.files.delete)

    async def follow(
        self, stream_id: str, offset: int = 0
    ) -> AsyncIterator[tuple[list[LogEvent], int]]:
        """Yield events from `offset` on, with the offset after them, as they are appended.

        Ends when the stream is deleted; otherwise it is the caller who stops.
        """
        stream = self._stream(stream_id)
        deletions = stream.deletions
        while stream.deletions == deletions:
            seen = stream.changes
            events, offset = await asyncio.to_thread(stream.files.read, offset, _FOLLOW_PAGE)
            if events:
                yield events, offset
            elif seen == stream.changes and stream.deletions == deletions:
                waiter = asyncio.get_running_loop().create_future()
                stream.waiters.add(waiter)
                try:
                    await waiter
                finally:
                    stream.waiters.discard(waiter)

    async def _change(self, stream: _Followed, change: Callable[[], T]) -> T:
        # A cancelled caller leaves the change running; followers still hear of it.
        done = asyncio.get_running_loop().run_in_executor(None, change)
        done.add_done_callback(lambda _: stream.changed())
        return await asyncio.shield(done)

    def _stream(self, stream_id: str) -> _Followed:
        if not _STREAM_ID.fullmatch(stream_id):
            raise ValueError(f"expected a stream id of letters and digits, found {stream_id!r}")
        stream = self._streams.get(stream_id)
        if stream is None:
            stream = _Followed(LogStream(self._root / stream_id[:2] / stream_id))
            self._streams[stream_id] = stream
        self._recent.append(stream)
        return stream
