r"""What a function's container writes: its own lines, and records of the script around it.

A record is `\x1eNONCE {json}` at the end of a line: `started` when the handler is called, `log`
for a text that is one event, `ended` with what it took.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

from penstock.containers.observation import Line
from penstock.workloads.functions.function_log import FunctionLog
from penstock.workloads.functions.invocation import Measures, start_line

_MARK = "\x1e"


class Output:
    """The output of one invocation on its way into its log."""

    def __init__(self, nonce: str, request_id: str, log: FunctionLog) -> None:
        self._mark = f"{_MARK}{nonce} "
        self._request_id = request_id
        self._log = log
        self._started_ns = 0
        self._last_ns = 0
        self._init: float | None = None
        self.started = asyncio.Event()
        """Set when the handler is called."""
        self.ended: Mapping[str, Any] | None = None
        """The record of its end: whether it went wrong (`error`), and what it took."""

    def feed(self, line: Line) -> None:
        """Take one line of the container."""
        self._last_ns = line.at_ns
        text, found, record = line.text.partition(self._mark)
        at_ms = line.at_ns // 1_000_000
        if text or not found:
            self._log.say(text, at_ms)
        if found:
            with contextlib.suppress(ValueError):  # a function that writes as if it were us
                self._record(json.loads(record), line)

    def start(self) -> None:
        """Say that the handler is called, unless that was said."""
        if not self.started.is_set():
            self._started_ns = self._last_ns
            self._log.say(start_line(self._request_id), self._last_ns // 1_000_000 or None)
            self.started.set()

    @property
    def measures(self) -> Measures:
        """What the invocation took, as far as it has told."""
        told = self.ended or {}
        duration = told.get("duration", (self._last_ns - self._started_ns) / 1e9)
        return Measures(float(duration), self._init, told.get("memory"))

    def _record(self, record: Mapping[str, Any], line: Line) -> None:
        match record.get("kind"):
            case "started":
                self._init = record.get("init")
                self._started_ns = line.at_ns
                self.start()
            case "log":
                self._log.say(str(record.get("text")), line.at_ns // 1_000_000)
            case "ended":
                self.ended = record
