"""What a build prints waits in memory within limits only."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import pytest

from penstock.builds import records
from penstock.builds.build_log import BuildLog
from penstock.builds.output import LogLine
from penstock.builds.records import Demultiplexer
from penstock.services.logs import Logs
from penstock.storage.log_files import LogEvent

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Kept:
    """Stands for the logs: how many events came with each storing."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def put(
        self, group: str, stream: str, events: Sequence[LogEvent], at_offset: int | None = None
    ) -> int:
        self.batches.append(len(events))
        return sum(self.batches)


async def test_long_lines_are_stored_before_they_are_many() -> None:
    """Locks: only lines were counted, of up to 200 KB each."""
    kept = Kept()
    log = BuildLog(cast(Logs, kept), "group", "stream", 0)
    for _ in range(50):
        await log.write([LogLine(NOW, "x" * 200_000)])
    assert len(kept.batches) >= 2
    assert max(kept.batches) <= 22
    await log.write([LogLine(NOW, "x\n")] * 1900)
    assert sum(kept.batches) <= 50
    await log.store()
    assert sum(kept.batches) == 50 + 1900


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_frame_that_does_not_end_is_output(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Locks: a build that learned its nonce could fill the server's memory."""
    monkeypatch.setattr(records, "_LONGEST_FRAME", 60)
    stream = b"a\n\x1enonce " + b"x" * 100 + b"\n\x1enonce 1 end 1700000000\nz"
    demultiplexer = Demultiplexer("nonce")
    found = [
        item
        for start in range(0, len(stream), size)
        for item in demultiplexer.feed(stream[start : start + size])
    ]
    text = b"".join(item for item in [*found, *demultiplexer.flush()] if isinstance(item, bytes))
    assert text == b"a\n\x1enonce " + b"x" * 100 + b"\nz"
