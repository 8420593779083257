r"""How log events stand in a file: one line each, checked, in batches that are whole or absent.

    <CRC-32 of the rest, 8 hex digits><mark><timestamp> <ingested> <message as JSON>\\n

The mark is `.` on the last event of a batch and `+` on those before it, so that a batch cut
off by a crash is recognised whatever its length.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

_CRC_LENGTH = 8
_LAST, _MORE = b".", b"+"


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One message, its own time and that of its arrival, in milliseconds since the epoch."""

    timestamp_ms: int
    message: str
    ingested_ms: int = 0


def encode_batch(events: Sequence[LogEvent]) -> list[bytes]:
    """Return one line per event; together they are a batch."""
    last = len(events) - 1
    return [_encode(event, _LAST if n == last else _MORE) for n, event in enumerate(events)]


def decode(line: bytes) -> LogEvent:
    """Read back a line that `sound_lines` vouches for; the newline may be there or not."""
    timestamp, ingested, message = line[_CRC_LENGTH + 1 :].split(b" ", 2)
    return LogEvent(int(timestamp), json.loads(message), int(ingested))


def timestamp_ms(line: bytes) -> int:
    """Return the time of a sound line without reading its message."""
    return int(line[_CRC_LENGTH + 1 : line.index(b" ")])


def sound_lines(content: bytes) -> list[bytes]:
    """Return the lines of `content` up to the end of its last whole batch.

    What follows them was being written when the process ended, and was never acknowledged.
    """
    lines = content.splitlines(keepends=True)
    whole = 0
    for n, line in enumerate(lines):
        if not _sound(line):
            break
        if line[_CRC_LENGTH : _CRC_LENGTH + 1] == _LAST:
            whole = n + 1
    return lines[:whole]


def _encode(event: LogEvent, mark: bytes) -> bytes:
    fields = f"{event.timestamp_ms} {event.ingested_ms} {json.dumps(event.message)}\n"
    body = mark + fields.encode("ascii")
    return b"%08x" % zlib.crc32(body) + body


def _sound(line: bytes) -> bool:
    return line.endswith(b"\n") and line[:_CRC_LENGTH] == b"%08x" % zlib.crc32(line[_CRC_LENGTH:])
