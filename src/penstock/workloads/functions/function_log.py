"""What one invocation writes: into CloudWatch Logs as the function's role may, and kept for Tail.

A role that may not write has a function without a log, as on AWS; the server's log tells why.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Authorize, Principal
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.services.logs import Logs
from penstock.storage.log_files import LogEvent

_LOG = logging.getLogger(__name__)
_FLUSH_SECONDS = 0.5
_TAIL_LINES = 200
_MOST_WAITING_BYTES = 4 << 20
_EVENT_BYTES = 200
"""What an event takes beside its text."""


class FunctionLog:
    """One log stream; `close` writes what waits. Trouble of the log never fails a function."""

    def __init__(self, logs: Logs, clock: Clock, group: str, stream: str) -> None:
        self._logs = logs
        self._clock = clock
        self._group = group
        self._stream = stream
        self._waiting: list[LogEvent] = []
        self._waiting_bytes = 0
        self._one_flush = asyncio.Lock()
        self._writes = False
        self._flushing: asyncio.Task[None] | None = None
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)

    async def begin(
        self, authorize: Authorize, principal: Principal, place: Mapping[str, str]
    ) -> None:
        """Make the stream, and its group where there is none, if the role may."""
        resource = arn("logs", place["region"], place["account_id"], f"log-group:{self._group}")
        stream = f"{resource}:log-stream:{self._stream}"
        try:
            await authorize(principal, "logs:CreateLogStream", stream)
            await authorize(principal, "logs:PutLogEvents", stream)
            if not await self._has_group():
                await authorize(principal, "logs:CreateLogGroup", resource)
            await self._logs.ensure_stream(self._group, self._stream)
        except (ServiceError, EngineError, OSError) as error:
            _LOG.warning("the function's log %s is not written: %s", self._group, error)
            return
        self._writes = True
        self._flushing = asyncio.create_task(self._flush_now_and_then())

    def say(self, text: str, at_ms: int | None = None) -> None:
        """Add one event, of now unless `at_ms` (milliseconds since the epoch) says otherwise.

        Half a character, of a text that was cut inside it, becomes U+FFFD.
        """
        text = _whole_characters(text)
        self.tail.append(text)
        if self._writes and text:
            at = int(self._clock().timestamp() * 1000) if at_ms is None else at_ms
            self._waiting.append(LogEvent(at, text))
            self._waiting_bytes += len(text) + _EVENT_BYTES

    async def settle(self) -> None:
        """Return once little enough waits to be written, as a rule at once: who reads what a
        function writes waits for this, so that memory does not grow with it."""
        if self._waiting_bytes > _MOST_WAITING_BYTES:
            await self._flush()

    async def close(self) -> None:
        """Write what waits. Repeating is safe."""
        if self._flushing is not None:
            self._flushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flushing
            self._flushing = None
        await self._flush()

    async def _has_group(self) -> bool:
        try:
            await self._logs.group(self._group)
        except ServiceError:
            return False
        return True

    async def _flush_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        async with self._one_flush:
            events, self._waiting, self._waiting_bytes = self._waiting, [], 0
            if not events:
                return
            try:
                await self._logs.put(self._group, self._stream, events)
            except (ServiceError, EngineError, OSError) as error:
                self._writes = False
                _LOG.warning("the function's log %s is not written: %s", self._group, error)


def _whole_characters(text: str) -> str:
    """Return a text that can be encoded: pairs of surrogates are joined, single ones replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
