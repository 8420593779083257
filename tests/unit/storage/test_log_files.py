"""Log streams: offsets, idempotence, chunks, repair after a crash, following."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.errors import EngineError
from penstock.storage.log_files import Extent, LogEvent, LogFiles, OffsetGap

_WRITER = """
import asyncio, pathlib, sys
from penstock.storage.log_files import LogEvent, LogFiles

async def main():
    files = LogFiles(pathlib.Path(sys.argv[1]))
    end = 0
    while True:
        batch = [LogEvent(end + n, f"line {end + n} " + "x" * 2000) for n in range(7)]
        end = await files.append("s-1", batch, at_offset=end)
        print(end, flush=True)

asyncio.run(main())
"""


def _events(first: int, count: int, padding: int = 0) -> list[LogEvent]:
    return [LogEvent(1000 + n, f"line {n}" + "." * padding) for n in range(first, first + count)]


def _files(root: Path, suffix: str) -> list[Path]:
    return sorted(root.rglob(f"*{suffix}"))


async def _fill(files: LogFiles, count: int, padding: int, batch: int = 100) -> None:
    for first in range(0, count, batch):
        await files.append("s-1", _events(first, batch, padding))


async def test_append_and_read_by_offset(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    assert await files.append("s-1", _events(0, 3)) == 3
    assert await files.append("s-1", _events(3, 2)) == 5
    assert await files.read("s-1", 1, 3) == (_events(1, 3), 4)
    assert await files.read("s-1", 4, 10) == (_events(4, 1), 5)
    assert await files.read("s-1", 5, 10) == ([], 5)
    assert await files.read_backward("s-1", 4, 2) == (_events(2, 2), 2)
    assert await files.read_backward("s-1", 100, 2) == (_events(3, 2), 3)
    assert await files.size("s-1") == 5
    assert await files.size("unknown") == 0


@pytest.mark.parametrize(
    "message", ["", "two\nlines\r\n", "ünïcödé ✓", "\udcff", '"\\', "\x00\x85"]
)
async def test_any_message_survives_reopening(tmp_path: Path, message: str) -> None:
    event = LogEvent(-5, message, ingested_ms=7)
    await LogFiles(tmp_path).append("s-1", [event])
    assert await LogFiles(tmp_path).read("s-1", 0, 1) == ([event], 1)


async def test_appending_again_at_an_offset_adds_only_what_is_missing(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    await files.append("s-1", _events(0, 3), at_offset=0)
    assert await files.append("s-1", _events(0, 3), at_offset=0) == 3
    assert await files.append("s-1", _events(1, 4), at_offset=1) == 5
    assert await files.append("s-1", _events(0, 2), at_offset=0) == 5
    assert await files.read("s-1", 0, 100) == (_events(0, 5), 5)


async def test_a_gap_is_refused(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    await files.append("s-1", _events(0, 3))
    with pytest.raises(OffsetGap, match="expected to append at offset 3 or before, found 4"):
        await files.append("s-1", _events(4, 1), at_offset=4)
    assert await files.size("s-1") == 3


async def test_a_long_stream_is_compressed_chunks_and_an_open_tail(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    await _fill(files, 5000, padding=200)
    chunks, tails = _files(tmp_path, ".gz"), _files(tmp_path, ".open")
    assert len(chunks) >= 4
    assert len(tails) <= 1
    assert sum(path.stat().st_size for path in chunks) < 200_000 < 5000 * 200
    for reader in (files, LogFiles(tmp_path)):
        assert await reader.read("s-1", 0, 9999) == (_events(0, 5000, 200), 5000)
        assert await reader.read("s-1", 2345, 2) == (_events(2345, 2, 200), 2347)
        assert (await reader.read_backward("s-1", 1200, 300))[0] == _events(900, 300, 200)


async def test_reading_in_the_middle_opens_only_the_chunk_that_holds_it(tmp_path: Path) -> None:
    await _fill(LogFiles(tmp_path), 5000, padding=200)
    chunks = _files(tmp_path, ".gz")
    for chunk in (chunks[0], chunks[-1]):
        chunk.write_bytes(b"unreadable")
    first = int(chunks[2].name[:16])
    assert (await LogFiles(tmp_path).read("s-1", first, 5))[0] == _events(first, 5, 200)


async def test_times_are_found_by_chunk(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    await _fill(files, 5000, padding=200)
    (span,) = await files.spans("s-1", 1000 + 3000, 1000 + 3001)
    assert 0 < span.first <= 3000 < span.end < 5000
    assert (span.earliest_ms, span.latest_ms) == (1000 + span.first, 999 + span.end)
    assert await files.spans("s-1", 6000, 8000) == []
    assert await files.spans("s-1", 0, 1000) == []
    every = await files.spans("s-1", 0, 9999)
    assert [span.end for span in every] == [*(span.first for span in every[1:]), 5000]
    extent = await LogFiles(tmp_path).extent("s-1")
    assert (extent.count, extent.earliest_ms, extent.latest_ms) == (5000, 1000, 5999)
    assert await files.extent("unknown") == Extent(0, None, None, None)


@pytest.mark.parametrize("cut", [1, 10, 30, 45])
async def test_a_batch_cut_off_by_a_crash_is_dropped_whole(tmp_path: Path, cut: int) -> None:
    files = LogFiles(tmp_path)
    await files.append("s-1", _events(0, 3))
    await files.append("s-1", _events(3, 3))
    (tail,) = _files(tmp_path, ".open")
    tail.write_bytes(tail.read_bytes()[:-cut])
    reopened = LogFiles(tmp_path)
    assert await reopened.read("s-1", 0, 9) == (_events(0, 3), 3)
    assert await reopened.append("s-1", _events(0, 6), at_offset=0) == 6
    assert await LogFiles(tmp_path).read("s-1", 0, 9) == (_events(0, 6), 6)


async def test_a_crash_between_sealing_and_removing_the_tail_repeats_nothing(
    tmp_path: Path,
) -> None:
    await _fill(LogFiles(tmp_path), 2000, padding=200)
    (first, *_) = _files(tmp_path, ".gz")
    leftovers = [first.with_name(f"{first.name[:16]}.open"), first.with_name(".half.gz.new")]
    for leftover in leftovers:
        leftover.write_bytes(b"left by a crash")
    assert await LogFiles(tmp_path).read("s-1", 0, 9999) == (_events(0, 2000, 200), 2000)
    assert not any(leftover.exists() for leftover in leftovers)


def test_nothing_acknowledged_is_lost_to_kill_9(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged = 0
        while acknowledged < 500:  # several chunks
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout:
            acknowledged = int(line)
    events, end = asyncio.run(LogFiles(tmp_path).read("s-1", 0, 1_000_000))
    assert end >= acknowledged
    assert end % 7 == 0
    assert [event.timestamp_ms for event in events] == list(range(end))


async def test_a_full_disk_is_reported_and_what_was_there_stays(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    await files.append("s-1", _events(0, 3))
    (tail,) = _files(tmp_path, ".open")
    kept = tail.read_bytes()
    tail.unlink()
    tail.mkdir()  # no write can succeed, whoever runs the test
    with pytest.raises(EngineError, match="a log could not be written"):
        await files.append("s-1", _events(3, 1))
    tail.rmdir()
    tail.write_bytes(kept + b"half of a failed app")
    assert await files.append("s-1", _events(3, 1)) == 4
    assert await LogFiles(tmp_path).read("s-1", 0, 9) == (_events(0, 4), 4)


async def test_follow_yields_what_is_there_then_what_comes(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    await files.append("s-1", _events(0, 2))
    seen: list[LogEvent] = []
    complete = asyncio.Event()

    async def follow() -> None:
        async for events, end in files.follow("s-1", 1):
            seen.extend(events)
            assert end == 1 + len(seen)
            if end == 50:
                complete.set()

    follower = asyncio.create_task(follow())
    for first in range(2, 50):
        await files.append("s-1", _events(first, 1))
    await asyncio.wait_for(complete.wait(), 5)
    assert seen == _events(1, 49)
    await files.delete("s-1")
    await asyncio.wait_for(follower, 5)


async def test_dropping_the_oldest_frees_chunks_and_keeps_offsets(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    await _fill(files, 5000, padding=200)
    before = len(_files(tmp_path, ".gz"))
    await files.drop_before("s-1", 1000 + 3000)
    assert 1 <= len(_files(tmp_path, ".gz")) < before
    for reader in (files, LogFiles(tmp_path)):
        events, end = await reader.read("s-1", 0, 10)
        assert events == _events(end - 10, 10, 200)
        assert 0 < end - 10 <= 3000
        assert (await reader.read("s-1", 4000, 1))[0] == _events(4000, 1, 200)
        assert await reader.size("s-1") == 5000
        oldest = end - 10
        assert await reader.read_backward("s-1", oldest + 3, 10) == (events[:3], oldest)
        assert await reader.read_backward("s-1", oldest, 10) == ([], oldest)
    await files.drop_before("s-1", 1_000_000)
    assert await LogFiles(tmp_path).size("s-1") == 5000


async def test_stream_ids_lists_what_has_files(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    assert await files.stream_ids() == []
    await files.append("s-1", _events(0, 1))
    await files.append("t-2", _events(0, 1))
    assert sorted(await files.stream_ids()) == ["s-1", "t-2"]


async def test_delete_forgets_the_stream(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    await _fill(files, 2000, padding=200)
    await files.delete("s-1")
    assert await files.size("s-1") == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert await files.append("s-1", _events(0, 1)) == 1
    await files.delete("never-there")


async def test_concurrent_appends_are_each_whole(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    batches = [[LogEvent(n, f"{n}"), LogEvent(n, f"{n}")] for n in range(30)]
    ends = await asyncio.gather(*(files.append("s-1", batch) for batch in batches))
    assert sorted(ends) == list(range(2, 61, 2))
    events, _ = await files.read("s-1", 0, 100)
    assert all(events[n] == events[n + 1] for n in range(0, 60, 2))


async def test_a_stream_id_that_is_no_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a stream id"):
        await LogFiles(tmp_path).append("../x", _events(0, 1))
