"""From a build container's raw output to log events and progress, deterministically.

Equal bytes give equal events whatever their chunks: so after a restart the container's log is
read again from its beginning, and the events that are stored already are passed over by count.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from penstock.builds.build import BuildPhase, PhaseContext
from penstock.builds.masking import Masker, mask_access_keys, mask_text
from penstock.builds.phases import Progress, fold
from penstock.builds.plan import Plan
from penstock.builds.records import Demultiplexer

_LONGEST_LINE = 200_000
"""Bytes; CloudWatch Logs takes events of up to 256 KB."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log event, its newline included."""

    at: datetime
    text: str


def container_line(at: datetime, text: str) -> LogLine:
    """Return a line as CodeBuild itself writes it, in UTC with microseconds."""
    return LogLine(at, f"[Container] {at:%Y/%m/%d %H:%M:%S.%f} {text}\n")


class Output:
    """Reads one container's output. `progress` is what its records told so far."""

    def __init__(self, nonce: str, plan: Plan, secrets: Iterable[str]) -> None:
        self._plan = plan
        self._secrets = tuple(secrets)
        self._demultiplexer = Demultiplexer(nonce)
        self._masker = Masker(self._secrets)
        self._line = b""
        self.progress = Progress()

    def feed(self, chunk: bytes, now: datetime) -> list[LogLine]:
        """Return the events that `chunk` completes; `now` is when it was read."""
        lines: list[LogLine] = []
        for item in self._demultiplexer.feed(chunk):
            if isinstance(item, bytes):
                lines += self._text(self._masker.feed(item), now)
                continue
            lines += self._end_of_text(now)
            self.progress, said = fold(self.progress, item, self._plan)
            lines += [container_line(at, mask_text(text, self._secrets)) for at, text in said]
        return lines

    def flush(self, now: datetime) -> list[LogLine]:
        """Return the rest, at the end of the container's output."""
        lines: list[LogLine] = []
        for item in self._demultiplexer.flush():
            lines += self._text(self._masker.feed(item), now)
        return lines + self._end_of_text(now)

    def phases(self) -> list[BuildPhase]:
        """Return the phases so far; a secret that a command holds in its text is hidden."""
        return [
            replace(phase, contexts=tuple(self._masked(context) for context in phase.contexts))
            for phase in self.progress.phases
        ]

    def _masked(self, context: PhaseContext) -> PhaseContext:
        return replace(context, message=mask_text(context.message, self._secrets))

    def _text(self, text: bytes, now: datetime) -> list[LogLine]:
        *complete, self._line = (self._line + text).split(b"\n")
        lines = [part for line in complete for part in _parts(line)]
        while len(self._line) > _LONGEST_LINE:
            lines.append(self._line[:_LONGEST_LINE])
            self._line = self._line[_LONGEST_LINE:]
        return [_event(line, now) for line in lines]

    def _end_of_text(self, now: datetime) -> list[LogLine]:
        """What was printed without a last newline is a line of its own."""
        lines = self._text(self._masker.flush(), now)
        rest, self._line = self._line, b""
        return [*lines, *([_event(rest, now)] if rest else [])]


def _parts(line: bytes) -> list[bytes]:
    starts = range(0, max(1, len(line)), _LONGEST_LINE)
    return [line[start : start + _LONGEST_LINE] for start in starts]


def _event(line: bytes, now: datetime) -> LogLine:
    return LogLine(now, mask_access_keys(line.decode("utf-8", "replace")) + "\n")
