"""The agent's records, and how they are told apart from the output of commands.

Both come in one stream, so that their order is kept. A frame is `RS nonce sequence word …`
up to a newline; the nonce is the build's own and unknown to its commands. Output may lack a
last newline, hold any bytes, and be cut anywhere.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from penstock.builds.build import PhaseType

_RS = b"\x1e"
_LONGEST_FRAME = 4 * 1024 * 1024
"""Bytes; the longest frames hold the value of an exported variable."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase began."""

    sequence: int
    at: datetime
    phase: PhaseType


@dataclass(frozen=True, slots=True)
class CommandStarted:
    """The plan's command `index` began."""

    sequence: int
    at: datetime
    index: int


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """The plan's command `index` ended with `status`."""

    sequence: int
    at: datetime
    index: int
    status: int


@dataclass(frozen=True, slots=True)
class PhaseEnded:
    """The open phase ended."""

    sequence: int
    at: datetime


@dataclass(frozen=True, slots=True)
class VariableExported:
    """The value of the plan's exported name number `position`."""

    sequence: int
    position: int
    value: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The value of the plan's expression number `position`."""

    sequence: int
    position: int
    value: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the build's log should say."""

    sequence: int
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class AgentEnded:
    """The plan is done; the container ends next."""

    sequence: int
    at: datetime


Record = (
    PhaseStarted
    | CommandStarted
    | CommandEnded
    | PhaseEnded
    | VariableExported
    | Evaluated
    | Notice
    | AgentEnded
)


class Demultiplexer:
    """Splits a stream into output (bytes) and records, however it is cut into chunks."""

    def __init__(self, nonce: str) -> None:
        self._marker = _RS + nonce.encode() + b" "
        self._buffer = b""

    def feed(self, chunk: bytes) -> list[bytes | Record]:
        """Return what `chunk` completes, in order."""
        self._buffer += chunk
        found: list[bytes | Record] = []
        while True:
            start = self._buffer.find(self._marker)
            if start < 0:
                keep = self._partial_marker()
                if len(self._buffer) > keep:
                    cut = len(self._buffer) - keep
                    found.append(self._buffer[:cut])
                    self._buffer = self._buffer[cut:]
                return found
            if start:
                found.append(self._buffer[:start])
                self._buffer = self._buffer[start:]
            end = self._buffer.find(b"\n")
            if not 0 <= end <= _LONGEST_FRAME:
                if len(self._buffer) <= _LONGEST_FRAME:
                    return found
                # No agent's, but output that begins like one's.
                found.append(self._buffer[:_LONGEST_FRAME])
                self._buffer = self._buffer[_LONGEST_FRAME:]
                continue
            frame = self._buffer[len(self._marker) : end]
            record = parse_record(frame.decode("utf-8", "replace"))
            # What only looks like a frame is output.
            found.append(record if record is not None else self._buffer[: end + 1])
            self._buffer = self._buffer[end + 1 :]

    def flush(self) -> list[bytes]:
        """Return what is left at the end of the stream: an unfinished frame is no record."""
        rest, self._buffer = self._buffer, b""
        return [rest] if rest and not rest.startswith(self._marker) else []

    def _partial_marker(self) -> int:
        """Return how many bytes at the buffer's end may be the beginning of a marker."""
        for size in range(min(len(self._marker) - 1, len(self._buffer)), 0, -1):
            if self._marker.startswith(self._buffer[-size:]):
                return size
        return 0


def parse_record(text: str) -> Record | None:
    """Return the record in a frame's text (after the marker), None if it is none."""
    sequence, _, rest = text.partition(" ")
    word, _, rest = rest.partition(" ")
    try:
        return _parse(int(sequence), word, rest)
    except (ValueError, OverflowError):
        return None


def _parse(sequence: int, word: str, rest: str) -> Record | None:
    first, _, tail = rest.partition(" ")
    if word == "export":
        return VariableExported(sequence, int(first), unescape(tail))
    if word == "value":
        return Evaluated(sequence, int(first), unescape(tail))
    return _parse_timed(sequence, word, _moment(first), tail)


def _parse_timed(sequence: int, word: str, at: datetime, tail: str) -> Record | None:
    match word:
        case "phase":
            return PhaseStarted(sequence, at, PhaseType(tail))
        case "command":
            return CommandStarted(sequence, at, int(tail))
        case "exit":
            index, _, status = tail.partition(" ")
            return CommandEnded(sequence, at, int(index), int(status))
        case "done":
            return PhaseEnded(sequence, at)
        case "notice":
            return Notice(sequence, at, unescape(tail))
        case "end":
            return AgentEnded(sequence, at)
    return None


def _moment(text: str) -> datetime:
    """Read seconds, or nanoseconds where the container's `date` has them."""
    number = int(text)
    if number < 10**12:
        return _EPOCH + timedelta(seconds=number)
    return _EPOCH + timedelta(microseconds=number // 1000)


def unescape(text: str) -> str:
    r"""Undo the agent's escapes: `\n` a newline, `\\` a backslash."""
    parts = text.split("\\\\")
    return "\\".join(part.replace("\\n", "\n") for part in parts)
