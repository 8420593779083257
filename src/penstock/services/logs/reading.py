"""Reading one stream forward and backward from a token (GetLogEvents).

A token is a direction and an offset: `f/000…012/s` reads on from offset 12, `b/000…012/s`
reads back below it. At an end of the stream the same token comes back, as AWS documents.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
"""

import re
from dataclasses import dataclass

from penstock.aws.errors import ServiceError
from penstock.storage.log_files import LogEvent, LogFiles, Span

_PAGE_BYTES = 1 << 20
_STEP = 1000
_TOKEN = re.compile(r"([fb])/(\d{56})/s")


@dataclass(frozen=True, slots=True)
class Position:
    """Where to read from, and which way."""

    forward: bool
    offset: int

    def __str__(self) -> str:
        return f"{'f' if self.forward else 'b'}/{self.offset:056d}/s"


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order of their arrival, and where to go on either way."""

    events: list[LogEvent]
    forward: Position
    backward: Position


def parse_position(token: str) -> Position:
    """Read a token back; ServiceError when it is none of ours."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise ServiceError("InvalidParameterException", "The specified nextToken is invalid.")
    return Position(match[1] == "f", int(match[2]))


async def read_page(
    files: LogFiles, stream_id: str, position: Position, start_ms: int, end_ms: int, limit: int
) -> Page:
    """Return at most `limit` events (1 MiB of messages) with start_ms <= time < end_ms."""
    size = await files.size(stream_id)
    offset = min(position.offset, size)
    spans = await files.spans(stream_id, start_ms, end_ms)
    page = _Filling(start_ms, end_ms, limit)
    if position.forward:
        reached = await _read_forward(files, stream_id, offset, spans, page)
        following = reached if page.full else max(reached, size)
        return Page(page.events, Position(True, following), Position(False, offset))
    reached = await _read_backward(files, stream_id, offset, spans, page)
    preceding = reached if page.full else 0
    return Page(page.events[::-1], Position(True, offset), Position(False, preceding))


async def _read_forward(
    files: LogFiles, stream_id: str, offset: int, spans: list[Span], page: "_Filling"
) -> int:
    """Fill `page` from `offset` on; return the offset of the first event not looked at."""
    for span in spans:
        at = max(offset, span.first)
        while at < span.end and not page.full:
            events, end = await files.read(stream_id, at, min(_STEP, span.end - at))
            if not events:  # deleted meanwhile
                return offset
            offset = at = end - len(events) + page.take(events)
    return offset


async def _read_backward(
    files: LogFiles, stream_id: str, offset: int, spans: list[Span], page: "_Filling"
) -> int:
    """Fill `page` below `offset`, newest first; return the offset below which none was seen."""
    for span in reversed(spans):
        before = min(offset, span.end)
        while before > span.first and not page.full:
            step = min(_STEP, before - span.first)
            events, first = await files.read_backward(stream_id, before, step)
            if not events:  # deleted meanwhile
                return offset
            offset = before = first + len(events) - page.take(events[::-1])
    return offset


class _Filling:
    """A page that takes events until one does not fit."""

    def __init__(self, start_ms: int, end_ms: int, limit: int) -> None:
        self.events: list[LogEvent] = []
        self.full = False
        self._start_ms, self._end_ms = start_ms, end_ms
        self._limit, self._bytes = limit, 0

    def take(self, events: list[LogEvent]) -> int:
        """Take those of the time; return how many were looked at before the page was full."""
        for count, event in enumerate(events):
            if not self._start_ms <= event.timestamp_ms < self._end_ms:
                continue
            self._bytes += len(event.message.encode(errors="replace"))
            too_large = self._bytes > _PAGE_BYTES and bool(self.events)
            if len(self.events) >= self._limit or too_large:
                self.full = True
                return count
            self.events.append(event)
        return len(events)
