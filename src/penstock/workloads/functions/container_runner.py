"""Runs functions in containers of the engine: one container for one invocation.

It has the role's credentials, revoked with it; its time-out is counted from the handler's call,
what comes before has ten seconds more, as on AWS. What a crash left is removed at the next start:
an event is then run again, and who waited for an answer has none.
"""

import asyncio
import io
import os
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import IO

from penstock.aws.errors import ServiceError
from penstock.aws.service import Authorize
from penstock.clock import Clock
from penstock.containers.docker_runner import DockerRunner
from penstock.ids import new_token, new_uuid
from penstock.services.iam.credentials import TemporaryCredentials
from penstock.services.sts.task_credentials import TaskCredentials
from penstock.storage.blobs import Blobs
from penstock.workloads.functions.function import Function
from penstock.workloads.functions.function_log import FunctionLog
from penstock.workloads.functions.function_task import (
    CODE_PATH,
    CONTAINER,
    KIND,
    RESULT_PATH,
    task,
)
from penstock.workloads.functions.functions import SERVICE_PRINCIPAL
from penstock.workloads.functions.invocation import (
    MOST_PAYLOAD_BYTES,
    UNHANDLED,
    CodeReplaced,
    Invocation,
    Outcome,
    closing_lines,
    exit_text,
    exited,
    timed_out,
    timeout_text,
    too_large,
    wrote_too_much,
    wrote_too_much_text,
)
from penstock.workloads.functions.output import Output
from penstock.workloads.functions.runtimes import runtime

_INIT_SECONDS = 10.0
_KILLED_SECONDS = 10.0
_TAR_ROOM = 64 * 1024
_BLOCK = 256 * 1024


class ContainerRunner:
    """Runs functions on one engine."""

    def __init__(
        self,
        docker: DockerRunner,
        credentials: TaskCredentials,
        authorize: Authorize,
        code: Blobs,
        clock: Clock,
        place: Mapping[str, str],
    ) -> None:
        self._docker = docker
        self._credentials = credentials
        self._authorize = authorize
        self._code = code
        self._clock = clock
        self._place = place

    async def start(self) -> None:
        """Remove what a former server left. Raises EngineError."""
        for task_id in await self._docker.list_tasks(KIND):
            await self._end(task_id)

    async def run(self, invocation: Invocation, log: FunctionLog) -> Outcome:
        """Run a function to its end and remove all that it had.

        Raises EngineError, CodeReplaced before anything is done, and AccessDenied where its role
        does not trust Lambda any more.
        """
        with await asyncio.to_thread(self._opened, invocation.function) as code:
            return await self._run(invocation, code, log)

    async def _run(self, invocation: Invocation, code: IO[bytes], log: FunctionLog) -> Outcome:
        task_id, nonce = new_uuid(), new_token()
        try:
            credentials = await self._assume(task_id, invocation)
            await log.begin(self._authorize, credentials.principal, self._place)
            name = invocation.function.runtime
            log.say(f"INIT_START Runtime Version: {name}, run by {runtime(name).runs_on}")
            cpus = float(os.cpu_count() or 1)
            spec = task(task_id, invocation, credentials, nonce, self._place, cpus)
            await self._docker.prepare(spec)
            await self._docker.put_archive(task_id, CONTAINER, CODE_PATH, _blocks(code))
            return await self._call(
                task_id, invocation, Output(nonce, invocation.request_id, log), log
            )
        finally:
            await self._end(task_id)

    async def _assume(self, task_id: str, invocation: Invocation) -> TemporaryCredentials:
        function = invocation.function
        try:
            return await self._credentials.begin(
                new_token(), task_id, function.role, function.name, SERVICE_PRINCIPAL
            )
        except ServiceError as error:
            raise ServiceError(
                "AccessDeniedException",
                "The role defined for the function cannot be assumed by Lambda.",
                status=403,
            ) from error

    def _opened(self, function: Function) -> IO[bytes]:
        """Return a function's code, which can be read from now on, also when it is replaced."""
        try:
            return self._code.path(function.code.blob_id).open("rb")
        except FileNotFoundError as error:
            raise CodeReplaced(function) from error

    async def _call(
        self, task_id: str, invocation: Invocation, output: Output, log: FunctionLog
    ) -> Outcome:
        await self._docker.start_container(task_id, CONTAINER)
        reading = asyncio.create_task(self._read(task_id, output, log))
        try:
            in_time = await _ends_in_time(reading, output, invocation.function.timeout_seconds)
            if not in_time:
                await self._docker.kill(task_id, CONTAINER)
                await asyncio.wait([reading], timeout=_KILLED_SECONDS)
            else:
                await reading
                if output.too_large:
                    await self._docker.kill(task_id, CONTAINER)
        finally:
            reading.cancel()
            await asyncio.wait([reading])
        output.start()
        return await self._closed(task_id, invocation, output, log, in_time=in_time)

    async def _closed(
        self,
        task_id: str,
        invocation: Invocation,
        output: Output,
        log: FunctionLog,
        *,
        in_time: bool,
    ) -> Outcome:
        """Return the outcome, and end the log with it."""
        measures = output.measures
        outcome: Outcome | None = None
        if not in_time:
            outcome = timed_out(invocation)
            log.say(self._told(invocation, timeout_text(invocation.function)))
            measures = replace(measures, duration=float(invocation.function.timeout_seconds))
        elif output.too_large:
            outcome = wrote_too_much(invocation)
            log.say(self._told(invocation, wrote_too_much_text()))
        elif output.ended is not None:
            outcome = await self._result(task_id, error=output.ended.error)
        outcome = outcome or await self._exited(task_id, invocation, log)
        for line in closing_lines(invocation, measures):
            log.say(line)
        return outcome

    def _told(self, invocation: Invocation, text: str) -> str:
        now = self._clock()
        stamp = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
        return f"{stamp} {invocation.request_id} {text}"

    async def _exited(self, task_id: str, invocation: Invocation, log: FunctionLog) -> Outcome:
        states = await self._docker.state(task_id) or {}
        state = states.get(CONTAINER)
        code = state.exit_code if state else None
        killed = state is not None and state.oom_killed
        log.say(f"RequestId: {invocation.request_id} Error: {exit_text(code, killed=killed)}")
        log.say("Runtime.ExitError")
        return exited(invocation, code, killed=killed)

    async def _read(self, task_id: str, output: Output, log: FunctionLog) -> None:
        """Read what the function writes until it has ended, or has written too much."""
        async with aclosing(self._docker.lines(task_id, CONTAINER)) as lines:
            async for line in lines:
                output.feed(line)
                await log.settle()
                if output.too_large:
                    return

    async def _result(self, task_id: str, *, error: bool) -> Outcome | None:
        """Return what the function answered: the file that the script around it wrote, None
        where the function removed it."""
        packed = bytearray()
        try:
            archive = self._docker.get_archive(task_id, CONTAINER, RESULT_PATH)
            async with aclosing(archive) as chunks:
                async for chunk in chunks:
                    packed += chunk
                    if len(packed) > MOST_PAYLOAD_BYTES + _TAR_ROOM:
                        return too_large(len(packed))
        except FileNotFoundError:
            return None
        payload = _only_file(bytes(packed))
        if len(payload) > MOST_PAYLOAD_BYTES:
            return too_large(len(payload))
        return Outcome(payload, UNHANDLED if error else None)

    async def _end(self, task_id: str) -> None:
        try:
            await self._credentials.end(task_id)
        finally:
            await self._docker.remove(task_id)


async def _ends_in_time(reading: "asyncio.Task[None]", output: Output, timeout: int) -> bool:
    """Wait for the end of the output; False when the function takes too long."""
    starting = asyncio.create_task(output.started.wait())
    try:
        await asyncio.wait(
            [reading, starting],
            timeout=_INIT_SECONDS + timeout,
            return_when=asyncio.FIRST_COMPLETED,
        )
    finally:
        starting.cancel()
    if not reading.done() and output.started.is_set():
        await asyncio.wait([reading], timeout=timeout)
    return reading.done()


async def _blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, _BLOCK):
        yield block


def _only_file(packed: bytes) -> bytes:
    """Return the content of the one file in a tar; empty where the function made it something
    else."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is not None:
                return content.read()
    return b""
