"""One log stream's directory: compressed chunks, and an open tail that grows.

    <first offset>-<count>-<earliest ms>-<latest ms>.gz    a sealed chunk of log_records lines
    <first offset>.open                                    the tail, synced at every append

The names are the index: the chunk of any offset or time is found by listing the directory.
Sealing writes the compressed chunk beside the tail, renames it in, then removes the tail; a
tail that a chunk covers is a leftover of a crash in between.
"""

import contextlib
import gzip
import os
import re
import shutil
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.errors import EngineError
from penstock.storage.durable_files import fsync_directory, write_file
from penstock.storage.log_records import (
    LogEvent,
    decode,
    encode_batch,
    sound_lines,
    timestamp_ms,
)

_SEAL_BYTES = 1 << 18
_SEALED = re.compile(r"(\d{16})-(\d+)-(-?\d+)-(-?\d+)\.gz")


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets `first` up to but not including `end`, whose events' times lie in between."""

    first: int
    end: int
    earliest_ms: int
    latest_ms: int


@dataclass(frozen=True, slots=True)
class Extent:
    """What a stream holds: events, time of the earliest and latest, and of the last append."""

    count: int
    earliest_ms: int | None
    latest_ms: int | None
    appended_ms: int | None


class OffsetGap(ValueError):
    """An append at an offset that the stream has not reached: events in between are missing."""


@dataclass(slots=True)
class _Chunk:
    """Events `first` up to but not including `end`, all timed within earliest..latest."""

    path: Path
    first: int
    end: int
    earliest_ms: int
    latest_ms: int

    def may_hold(self, start_ms: int, end_ms: int) -> bool:
        return self.end > self.first and self.earliest_ms < end_ms and start_ms <= self.latest_ms


class LogStream:
    """A stream's files. Methods block, and are safe from any thread of one process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._loaded = False

    @contextlib.contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Hold the lock, having read the directory and repaired the tail once."""
        with self._lock:
            if not self._loaded:
                self._load()
                self._loaded = True
            yield

    def _load(self) -> None:
        self._sealed = _sealed_chunks(self._directory)
        first = self._sealed[-1].end if self._sealed else 0
        self._open_tail(first)
        if not self._directory.exists():
            return
        for path in self._directory.iterdir():  # leftovers of a crash while sealing
            if path.suffix != ".gz" and path != self._tail.path:
                path.unlink()
        if self._tail.path.exists():
            content = self._tail.path.read_bytes()
            lines = sound_lines(content)
            self._count_in(lines)
            if self._tail_bytes < len(content):
                with self._tail.path.open("r+b") as file:
                    file.truncate(self._tail_bytes)
                    os.fsync(file.fileno())

    def append(self, events: Sequence[LogEvent], at_offset: int | None) -> int:
        """Add `events` as one batch, durably; return the offset after them.

        With `at_offset` events that are already there are not added again. Raises OffsetGap
        when the stream ends before `at_offset`, EngineError when the disk refuses.
        """
        with self._exclusively():
            end = self._tail.end
            if at_offset is not None:
                if at_offset > end:
                    raise OffsetGap(
                        f"expected to append at offset {end} or before, found {at_offset}; "
                        "append the events in between first"
                    )
                events = events[end - at_offset :]
            if events:
                self._append(encode_batch(events))
            return self._tail.end

    def read(self, offset: int, limit: int) -> tuple[list[LogEvent], int]:
        """Return at most `limit` events from `offset` on, and the offset after them."""
        with self._exclusively():
            offset = max(offset, self._oldest())  # what came before was dropped
            end = max(offset, min(self._tail.end, offset + limit))
            return self._read(offset, end), end

    def read_backward(self, before: int, limit: int) -> tuple[list[LogEvent], int]:
        """Return the last `limit` events below `before`, oldest first, and the first's offset."""
        with self._exclusively():
            end = min(self._tail.end, before)
            first = max(self._oldest(), end - limit)
            return self._read(first, end), first

    def spans(self, start_ms: int, end_ms: int) -> list[Span]:
        """Return where events of that time (end excluded) may be, in order of offset."""
        with self._exclusively():
            return [
                Span(chunk.first, chunk.end, chunk.earliest_ms, chunk.latest_ms)
                for chunk in self._chunks()
                if chunk.may_hold(start_ms, end_ms)
            ]

    def drop_before(self, cutoff_ms: int) -> None:
        """Remove the oldest chunks while all their events are earlier; offsets stay."""
        with self._exclusively():
            while len(self._sealed) > 1 and self._sealed[0].latest_ms < cutoff_ms:
                self._sealed[0].path.unlink(missing_ok=True)
                del self._sealed[0]

    def size(self) -> int:
        """Return the number of events."""
        with self._exclusively():
            return self._tail.end

    def extent(self) -> Extent:
        """Return count and times."""
        with self._exclusively():
            chunks = [chunk for chunk in self._chunks() if chunk.end > chunk.first]
            if not chunks:
                return Extent(0, None, None, None)
            return Extent(
                chunks[-1].end,
                min(chunk.earliest_ms for chunk in chunks),
                max(chunk.latest_ms for chunk in chunks),
                chunks[-1].path.stat().st_mtime_ns // 1_000_000,
            )

    def delete(self) -> None:
        """Remove the files; the stream is empty afterwards."""
        with self._exclusively():
            shutil.rmtree(self._directory, ignore_errors=True)
            self._loaded = False

    def _oldest(self) -> int:
        return next(self._chunks()).first

    def _read(self, offset: int, end: int) -> list[LogEvent]:
        found: list[LogEvent] = []
        while offset < end:
            chunk = self._chunk_of(offset)
            upto = min(end, chunk.end)
            found += [decode(line) for line in self._lines(chunk, offset, upto)]
            offset = upto
        return found

    def _append(self, lines: list[bytes]) -> None:
        tail = self._tail.path
        try:
            made = not tail.exists()
            if made:
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tail.open("xb" if made else "r+b") as file:
                file.seek(self._tail_bytes)  # over what a failed append may have left
                file.write(b"".join(lines))
                file.truncate()
                os.fsync(file.fileno())
            if made:
                for directory in (self._directory, *list(self._directory.parents)[:2]):
                    fsync_directory(directory)
        except OSError as error:
            raise EngineError(f"a log could not be written: {error}", retryable=True) from error
        self._count_in(lines)
        if self._tail_bytes >= _SEAL_BYTES:
            self._seal()

    def _seal(self) -> None:
        tail = self._tail
        span = f"{tail.first:016d}-{tail.end - tail.first}-{tail.earliest_ms}-{tail.latest_ms}"
        sealed = self._directory / f"{span}.gz"
        try:
            write_file(sealed, gzip.compress(tail.path.read_bytes(), compresslevel=6, mtime=0))
        except OSError:
            return  # the tail keeps everything; the next append tries again
        self._sealed.append(_Chunk(sealed, tail.first, tail.end, tail.earliest_ms, tail.latest_ms))
        self._open_tail(tail.end)
        with contextlib.suppress(OSError):
            tail.path.unlink()

    def _open_tail(self, first: int) -> None:
        self._tail = _Chunk(self._directory / f"{first:016d}.open", first, first, 0, 0)
        self._tail_positions: list[int] = []
        self._tail_bytes = 0

    def _count_in(self, lines: list[bytes]) -> None:
        times = [timestamp_ms(line) for line in lines]
        if not times:
            return
        tail = self._tail
        if tail.first != tail.end:
            times += [tail.earliest_ms, tail.latest_ms]
        tail.earliest_ms, tail.latest_ms = min(times), max(times)
        for line in lines:
            self._tail_positions.append(self._tail_bytes)
            self._tail_bytes += len(line)
        tail.end += len(lines)

    def _chunks(self) -> Iterator[_Chunk]:
        yield from self._sealed
        yield self._tail

    def _chunk_of(self, offset: int) -> _Chunk:
        if offset >= self._tail.first:
            return self._tail
        return self._sealed[bisect_right(self._sealed, offset, key=lambda chunk: chunk.first) - 1]

    def _lines(self, chunk: _Chunk, offset: int, end: int) -> list[bytes]:
        if chunk is not self._tail:
            content = gzip.decompress(chunk.path.read_bytes())
            return content.splitlines()[offset - chunk.first : end - chunk.first]
        start = self._tail_positions[offset - chunk.first]
        with chunk.path.open("rb") as file:
            file.seek(start)
            return file.read(self._tail_bytes - start).splitlines()[: end - offset]


def _sealed_chunks(directory: Path) -> list[_Chunk]:
    names = sorted(path.name for path in directory.iterdir()) if directory.exists() else []
    chunks = []
    for match in filter(None, map(_SEALED.fullmatch, names)):
        first, count, earliest, latest = map(int, match.groups())
        chunks.append(_Chunk(directory / match[0], first, first + count, earliest, latest))
    return chunks
