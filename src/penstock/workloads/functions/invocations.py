"""Invoking functions: at once, with an answer, or later, as an event that is stored first.

An event is run at least once. One that fails, by whatever went wrong, is run twice more, after a
minute and after two; what then failed is told in the server's log. An engine that is away is waited
for, up to six hours, and is no failure.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import asyncio
import base64
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.ids import new_uuid
from penstock.services.logs import Logs
from penstock.storage import function_events
from penstock.storage.database import Database
from penstock.storage.due_queue import DueQueue
from penstock.storage.encryption import Cipher
from penstock.storage.function_events import EventRow
from penstock.workloads.functions.function import Function
from penstock.workloads.functions.function_log import FunctionLog
from penstock.workloads.functions.functions import Functions
from penstock.workloads.functions.invocation import (
    CodeReplaced,
    Invocation,
    Outcome,
    log_stream,
    tail,
)
from penstock.workloads.functions.places import (
    MOST_OF_A_KIND,
    MOST_OF_ONE,
    Kind,
    Places,
    half_of_memory_mb,
)

_LOG = logging.getLogger(__name__)
_TOO_MANY = "TooManyRequestsException"
_MOST_ATTEMPTS = 3
_LONGEST_WAIT = timedelta(hours=6)
_TROUBLE_SECONDS = 5.0
_ATTACH_SECONDS = 20.0


class Runner(Protocol):
    """What runs functions."""

    async def run(self, invocation: Invocation, log: FunctionLog) -> Outcome:
        """Run a function to its end; EngineError where that could not be, CodeReplaced where the
        function has to be read again."""
        ...


def retry_seconds(attempts: int) -> float | None:
    """Return how long an event waits after so many failed attempts; None to give it up."""
    return 60.0 * attempts if attempts < _MOST_ATTEMPTS else None


class Invocations:
    """Runs functions from `attach` until `close`; events that are not done then are run again."""

    def __init__(
        self,
        database: Database,
        functions: Functions,
        logs: Logs,
        cipher: Cipher,
        clock: Clock,
        retry: Callable[[int], float | None] = retry_seconds,
        *,
        most_memory_mb: int | None = None,
    ) -> None:
        """`most_memory_mb` is what functions may use together, None half of the machine's."""
        self._database = database
        self._functions = functions
        self._logs = logs
        self._cipher = cipher
        self._clock = clock
        self._retry = retry
        self._runner: Runner | None = None
        self._attached = asyncio.Event()
        self._places = Places(most_memory_mb or half_of_memory_mb())
        self._queue = DueQueue(
            database,
            function_events,
            self._run_event,
            clock,
            what="events for functions",
            log=_LOG,
            most_at_once=MOST_OF_A_KIND,
            most_to_one=MOST_OF_ONE,
        )

    async def attach(self, runner: Runner) -> None:
        """Run functions on `runner` from now on, beginning with the events that were left."""
        self._runner = runner
        self._attached.set()
        self._queue.start()

    async def close(self) -> None:
        """Stop; repeating it does nothing."""
        await self._queue.close()

    async def invoke(
        self,
        function: Function,
        payload: bytes,
        client_context: str | None = None,
        *,
        nested: bool = False,
    ) -> tuple[Outcome, str]:
        """Run a function and return its outcome and the end of its log (base64); EngineError.

        `nested` is a call from within a Task. What the caller no longer waits for is ended.
        """
        kind = Kind.NESTED if nested else Kind.CALL
        return await self._invoke(kind, new_uuid(), function, payload, client_context)

    async def accept(self, function: Function, payload: bytes) -> str:
        """Store an event for a function and return its request id: it is durable then."""
        now = self._clock()
        sealed = self._cipher.encrypt(base64.b64encode(payload).decode())
        row = EventRow(new_uuid(), function.name, function.generation, sealed, 0, now, now)
        await self._database.write(lambda c: function_events.insert(c, row))
        return row.request_id

    async def _invoke(
        self,
        kind: Kind,
        request_id: str,
        function: Function,
        payload: bytes,
        client_context: str | None,
    ) -> tuple[Outcome, str]:
        runner = await self._attached_runner()
        async with self._places.hold(kind, function):
            try:
                return await self._run(runner, request_id, function, payload, client_context)
            except CodeReplaced:
                now = await self._functions.still(function.name, function.generation)
                return await self._run(runner, request_id, now, payload, client_context)

    async def _run(
        self,
        runner: Runner,
        request_id: str,
        function: Function,
        payload: bytes,
        client_context: str | None,
    ) -> tuple[Outcome, str]:
        stream = log_stream(self._clock(), request_id.replace("-", ""))
        invocation = Invocation(
            request_id,
            function,
            payload,
            stream,
            self._functions.environment(function),
            client_context,
        )
        log = FunctionLog(self._logs, self._clock, function.logs_to, stream)
        try:
            outcome = await runner.run(invocation, log)
        finally:
            await log.close()
        return outcome, tail(list(log.tail))

    async def _attached_runner(self) -> Runner:
        """Return what runs functions, waited for while the server has just started."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_ATTACH_SECONDS):
                await self._attached.wait()
        if self._runner is None:
            raise EngineError(
                "there is no container engine to run functions; the server's log says why",
                retryable=True,
            )
        return self._runner

    async def _run_event(self, row: EventRow) -> None:
        try:
            succeeds = await self._succeeds(row)
        except EngineError as error:
            _LOG.warning("the event %s waits: %s", row.request_id, error)
            await self._wait_for_engine(row)
            return
        if succeeds:
            await self._database.write(lambda c: function_events.finish(c, row.request_id))
        else:
            await self._note_failure(row)

    async def _succeeds(self, row: EventRow) -> bool:
        """Attempt an event; raise EngineError, retryable, for what is no failed attempt."""
        try:
            return await self._attempt(row)
        except EngineError as error:
            if error.retryable:
                raise
            _LOG.warning("the event %s failed: %s", row.request_id, error)
        except Exception:  # noqa: BLE001 (a boundary: else one bad event is run for ever)
            _LOG.exception("the event %s met an internal error", row.request_id)
        return False

    async def _attempt(self, row: EventRow) -> bool:
        try:
            function = await self._functions.still(row.function_name, row.function_generation)
        except ServiceError:
            _LOG.warning(
                "the event %s is given up: the function %s is gone",
                row.request_id,
                row.function_name,
            )
            return True
        payload = base64.b64decode(self._cipher.decrypt(row.sealed))
        try:
            outcome, _ = await self._invoke(Kind.EVENT, row.request_id, function, payload, None)
        except ServiceError as error:
            if error.code == _TOO_MANY:
                raise EngineError("too many functions run already", retryable=True) from error
            _LOG.warning("the event %s failed: %s", row.request_id, error.message)
            return False  # its role does not trust Lambda any more
        return outcome.error is None

    async def _note_failure(self, row: EventRow) -> None:
        """Count a failed attempt: run the event later, or give it up after the last."""
        attempts = row.attempts + 1
        delay = self._retry(attempts)
        told = (row.function_name, row.request_id, attempts)
        if delay is None:
            _LOG.error(
                "the function %s failed with the event %s, attempt %d: it is given up", *told
            )
            await self._database.write(lambda c: function_events.finish(c, row.request_id))
            return
        _LOG.warning(
            "the function %s failed with the event %s, attempt %d; the next in %.0f seconds",
            *told,
            delay,
        )
        due_at = self._clock() + timedelta(seconds=delay)
        await self._database.write(
            lambda c: function_events.postpone(c, row, due_at, attempts=attempts)
        )

    async def _wait_for_engine(self, row: EventRow) -> None:
        """Run the event later, or give it up after six hours, as on AWS."""
        now = self._clock()
        if now - row.accepted_at > _LONGEST_WAIT:
            _LOG.error("the event %s is given up: it waited for six hours", row.request_id)
            await self._database.write(lambda c: function_events.finish(c, row.request_id))
            return
        due_at = now + timedelta(seconds=_TROUBLE_SECONDS)
        await self._database.write(
            lambda c: function_events.postpone(c, row, due_at, attempts=row.attempts)
        )
