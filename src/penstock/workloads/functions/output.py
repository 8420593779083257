r"""What a function's container writes: its own lines, and records of the script around it.

A record is `\x1eNONCE {json}` at the end of a line: `started` when the handler is called, `log`
for a text that is one event, `ended` with what it took. The function can read the nonce: what is
not exactly such a record is dropped, and nothing in one can raise.
"""

import asyncio
import contextlib
import json
from typing import Annotated

import msgspec

from penstock.containers.observation import Line
from penstock.workloads.functions.function_log import FunctionLog
from penstock.workloads.functions.invocation import MOST_OUTPUT_BYTES, Measures, start_line

_MARK = "\x1e"
_LINE_BYTES = 100
"""What the engine keeps beside each line: its time and its stream."""
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
_Bytes = Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]


class Started(msgspec.Struct, frozen=True, tag_field="kind", tag="started"):
    """The handler is called; `init` is what came before it."""

    init: _Seconds | None = None


class Log(msgspec.Struct, frozen=True, tag_field="kind", tag="log"):
    """One event of the log."""

    text: str


class Ended(msgspec.Struct, frozen=True, tag_field="kind", tag="ended"):
    """The handler has ended; with `error` its answer tells what went wrong."""

    error: bool
    duration: _Seconds
    memory: _Bytes | None = None


class Output:
    """The output of one invocation on its way into its log."""

    def __init__(self, nonce: str, request_id: str, log: FunctionLog) -> None:
        self._mark = f"{_MARK}{nonce} "
        self._request_id = request_id
        self._log = log
        self._started_ns = 0
        self._last_ns = 0
        self._init: float | None = None
        self._size = 0
        self.started = asyncio.Event()
        """Set when the handler is called."""
        self.ended: Ended | None = None
        """The record of its end."""

    def feed(self, line: Line) -> None:
        """Take one line of the container."""
        self._last_ns = line.at_ns
        self._size += len(line.text.encode("utf-8", "replace")) + _LINE_BYTES
        text, found, record = line.text.partition(self._mark)
        at_ms = line.at_ns // 1_000_000
        if text or not found:
            self._log.say(text, at_ms)
        if found:
            with contextlib.suppress(ValueError, RecursionError):
                # msgspec's own parser takes no half of a character, which Node.js writes
                self._take(msgspec.convert(json.loads(record), Started | Log | Ended), line)

    @property
    def too_large(self) -> bool:
        """Whether it wrote more than an invocation may."""
        return self._size > MOST_OUTPUT_BYTES

    def start(self) -> None:
        """Say that the handler is called, unless that was said."""
        if not self.started.is_set():
            self._started_ns = self._last_ns
            self._log.say(start_line(self._request_id), self._last_ns // 1_000_000 or None)
            self.started.set()

    @property
    def measures(self) -> Measures:
        """What the invocation took, as far as it has told."""
        if self.ended is None:
            return Measures((self._last_ns - self._started_ns) / 1e9, self._init)
        return Measures(self.ended.duration, self._init, self.ended.memory)

    def _take(self, record: Started | Log | Ended, line: Line) -> None:
        match record:
            case Started(init):
                self._init = init
                self._started_ns = line.at_ns
                self.start()
            case Log(text):
                self._log.say(text, line.at_ns // 1_000_000)
            case Ended():
                self.ended = record
