"""Searching several streams in order of time, a page at a time (FilterLogEvents).

A page holds the smallest keys (time, stream, offset) after the last page's, so a page is
the same whatever was read before it. Chunks are read in order of their earliest time, and
no further than what can still be on the page.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.services.logs.filter_pattern import Matches
from penstock.storage.log_files import LogEvent, LogFiles, Span
from penstock.storage.log_streams import StoredLogStream

Key = tuple[int, str, int]
PAGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: events with start_ms <= time < end_ms that match, oldest first."""

    streams: Sequence[StoredLogStream]
    start_ms: int
    end_ms: int
    matches: Matches
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One event of a page; `key` is its place in the whole result."""

    key: Key
    stream: StoredLogStream
    event: LogEvent


async def search(
    files: LogFiles, query: Search, limit: int, after: Key | None
) -> tuple[list[Found], bool]:
    """Return at most `limit` events (1 MiB of messages) after `after`, and whether more follow."""
    page: list[Found] = []
    sign = -1 if query.newest_first else 1

    def rank(found: Found) -> tuple[int, str, int]:
        time, stream_id, offset = found.key
        return sign * time, stream_id, sign * offset

    last = None if after is None else (sign * after[0], after[1], sign * after[2])
    for reach, stream, span in await _spans(files, query, after):
        if len(page) > limit and reach > rank(page[-1])[0]:
            break
        events, end = await files.read(stream.id, span.first, span.end - span.first)
        for offset, event in enumerate(events, end - len(events)):
            if not query.start_ms <= event.timestamp_ms < query.end_ms:
                continue
            found = Found((event.timestamp_ms, stream.id, offset), stream, event)
            if last is not None and rank(found) <= last:
                continue
            if query.matches(event.message):
                bisect.insort(page, found, key=rank)
                del page[limit + 1 :]
    shown = _within_bytes(page[:limit])
    return shown, len(page) > len(shown)


async def _spans(
    files: LogFiles, query: Search, after: Key | None
) -> list[tuple[int, StoredLogStream, Span]]:
    """Return the spans to read, with the first time (negated when newest first) they reach."""
    start_ms, end_ms = query.start_ms, query.end_ms
    if after is not None:
        if query.newest_first:
            end_ms = min(end_ms, after[0] + 1)
        else:
            start_ms = max(start_ms, after[0])
    spans = [
        (-span.latest_ms if query.newest_first else span.earliest_ms, stream, span)
        for stream in query.streams
        for span in await files.spans(stream.id, start_ms, end_ms)
    ]
    return sorted(spans, key=lambda item: (item[0], item[1].id, item[2].first))


def _within_bytes(page: list[Found]) -> list[Found]:
    total = 0
    for count, found in enumerate(page):
        total += len(found.event.message.encode(errors="replace"))
        if total > PAGE_BYTES and count:
            return page[:count]
    return page
