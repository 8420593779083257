"""One invocation on an engine that runs nothing: what it is told to do, and what is left."""

import asyncio
import contextlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from unittest.mock import ANY

import pytest
from tests.function_world import PLACE, FunctionWorld

from penstock.aws.errors import ServiceError
from penstock.clock import utc_now
from penstock.containers.observation import Line
from penstock.containers.task import ContainerState, TaskSpec
from penstock.errors import EngineError
from penstock.services.iam import identity
from penstock.storage.log_files import LogEvent
from penstock.storage.tables.task_credentials import task_credentials
from penstock.workloads.functions import container_runner, function_log, output
from penstock.workloads.functions.container_runner import ContainerRunner
from penstock.workloads.functions.function import Function, reference
from penstock.workloads.functions.function_log import FunctionLog
from penstock.workloads.functions.invocation import (
    MOST_PAYLOAD_BYTES,
    CodeReplaced,
    Invocation,
    Outcome,
)
from penstock.workloads.functions.package import zipped

_SECOND = 1_000_000_000


class StandInDocker:
    """A Task whose container writes `records` and lines, leaves `result`, and then ends."""

    def __init__(self, *output: str, result: bytes = b"", exit_code: int = 0) -> None:
        self.output = output
        self.result = result
        self.exit_code = exit_code
        self.hangs = False
        self.tasks: dict[str, TaskSpec] = {}
        self.code = b""
        self.killed = asyncio.Event()

    async def list_tasks(self, kind: str) -> list[str]:
        assert kind == "function"
        return list(self.tasks)

    async def prepare(self, task: TaskSpec) -> None:
        self.tasks[task.id] = task

    async def put_archive(
        self, task_id: str, container: str, path: str, tar: AsyncIterator[bytes]
    ) -> None:
        assert (container, path) == ("function", "/var/task")
        self.code = b"".join([chunk async for chunk in tar])

    async def start_container(self, task_id: str, container: str) -> None:
        assert task_id in self.tasks

    async def lines(self, task_id: str, container: str) -> AsyncIterator[Line]:
        told = self.tasks[task_id].containers[0].files[1].content
        nonce = json.loads(told)["nonce"]
        for second, text in enumerate(self.output, 1):
            yield Line(second * _SECOND, text.replace("NONCE", f"\x1e{nonce}"))
        if self.hangs:
            await self.killed.wait()

    async def kill(self, task_id: str, container: str) -> None:
        self.killed.set()

    async def state(self, task_id: str) -> dict[str, ContainerState]:
        return {"function": ContainerState("function", False, self.exit_code, False, "")}

    async def get_archive(self, task_id: str, container: str, path: str) -> AsyncIterator[bytes]:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            entry = tarfile.TarInfo("result")
            entry.size = len(self.result)
            tar.addfile(entry, io.BytesIO(self.result))
        yield buffer.getvalue()

    async def remove(self, task_id: str) -> None:
        self.tasks.pop(task_id, None)


STARTED = 'NONCE {"kind": "started", "init": 0.1}'
ENDED = 'NONCE {"kind": "ended", "error": false, "duration": 0.5, "memory": 1048576}'
FAILED = 'NONCE {"kind": "ended", "error": true, "duration": 0.5, "memory": 1048576}'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[FunctionWorld]:
    made = FunctionWorld(tmp_path).open()
    await made.make(timeout_seconds=1)
    yield made
    await made.close()


async def run(
    world: FunctionWorld, docker: Any, function: Function | None = None
) -> tuple[Outcome, list[str]]:
    runner = ContainerRunner(
        docker, world.credentials, world.iam.authorize, world.functions.blobs, utc_now, PLACE
    )
    function = function or await world.found()
    log = FunctionLog(world.logs, utc_now, function.logs_to, "stream")
    try:
        outcome = await runner.run(Invocation("request", function, b"{}", "stream"), log)
    finally:
        await log.close()
    return outcome, list(log.tail)


async def keys(world: FunctionWorld) -> list[Any]:
    return list(await world.database.read(lambda c: c.execute(task_credentials.select()).all()))


async def test_an_answer_and_nothing_left(world: FunctionWorld) -> None:
    docker = StandInDocker(STARTED, "hello", ENDED, result=b'"done"')
    outcome, log = await run(world, docker)
    assert outcome == Outcome(b'"done"')
    assert log[1:4] == ["START RequestId: request Version: $LATEST", "hello",
                        "END RequestId: request"]  # fmt: skip
    assert docker.tasks == {}
    assert await keys(world) == []
    with tarfile.open(fileobj=io.BytesIO(docker.code)) as tar:
        assert tar.getnames() == ["index.py"]
    events, _ = await world.logs.read("/aws/lambda/worker", "stream", 0, 100)
    assert [event.message for event in events] == log


async def test_an_error_of_the_function(world: FunctionWorld) -> None:
    outcome, _ = await run(world, StandInDocker(STARTED, FAILED, result=b"{}"))
    assert outcome == Outcome(b"{}", "Unhandled")


async def test_an_answer_that_is_too_large(world: FunctionWorld) -> None:
    outcome, _ = await run(
        world, StandInDocker(STARTED, ENDED, result=b"x" * (MOST_PAYLOAD_BYTES + 1))
    )
    assert outcome.error == "Unhandled"
    assert json.loads(outcome.payload)["errorType"] == "Function.ResponseSizeTooLarge"


async def test_a_process_that_ends_without_an_answer(world: FunctionWorld) -> None:
    outcome, log = await run(world, StandInDocker(STARTED, exit_code=139))
    assert json.loads(outcome.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: request Error: Runtime exited with error: signal: "
        "segmentation fault",
    }
    assert "Runtime.ExitError" in log


async def test_an_end_without_an_answer_is_a_failure_of_the_function(world: FunctionWorld) -> None:
    """A function that removed its answer counted as trouble of the engine, and ran for hours."""

    class Without(StandInDocker):
        def get_archive(self, task_id: str, container: str, path: str) -> AsyncIterator[bytes]:
            raise FileNotFoundError(path)

    outcome, log = await run(world, Without(STARTED, ENDED))
    assert json.loads(outcome.payload)["errorType"] == "Runtime.ExitError"
    assert "Runtime.ExitError" in log


async def test_a_handler_that_takes_too_long_is_killed(world: FunctionWorld) -> None:
    docker = StandInDocker(STARTED, "working")
    docker.hangs = True
    outcome, log = await run(world, docker)
    assert docker.killed.is_set()
    assert json.loads(outcome.payload)["errorMessage"] == (
        "RequestId: request Error: Task timed out after 1.00 seconds"
    )
    assert any(line.endswith("request Task timed out after 1.00 seconds") for line in log)
    assert "Duration: 1000.00 ms" in log[-1]
    assert docker.tasks == {}


async def test_a_function_that_writes_too_much_is_ended(
    world: FunctionWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop that prints filled the disks of the engine and of the server for 15 minutes."""
    monkeypatch.setattr(output, "MOST_OUTPUT_BYTES", 1000)
    docker = StandInDocker(STARTED, *["x" * 100] * 10)
    docker.hangs = True
    outcome, log = await run(world, docker)
    assert docker.killed.is_set()
    assert outcome.error == "Unhandled"
    assert json.loads(outcome.payload) == {
        "errorType": "Penstock.OutputTooLarge",
        "errorMessage": "RequestId: request Error: The function was ended: it wrote more than "
        "64 MB to its log",
    }
    assert log.count("x" * 100) < 10
    assert "request The function was ended: it wrote more than 64 MB to its log" in log[-3]
    assert log[-2] == "END RequestId: request"
    assert docker.tasks == {}


async def test_output_is_read_as_fast_as_it_is_written(
    world: FunctionWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited to be written grew by what was read meanwhile, without a limit."""
    monkeypatch.setattr(function_log, "_MOST_WAITING_BYTES", 50_000)
    monkeypatch.setattr(function_log, "_FLUSH_SECONDS", 60.0)
    largest = 0
    put = world.logs.put

    async def measured(group: str, stream: str, events: Sequence[LogEvent]) -> int:
        nonlocal largest
        largest = max(largest, sum(len(event.message) for event in events))
        return await put(group, stream, events)

    monkeypatch.setattr(world.logs, "put", measured)
    await run(world, StandInDocker(STARTED, *["x" * 10_000] * 100, ENDED, result=b"1"))
    assert 10_000 < largest < 70_000
    events, _ = await world.logs.read("/aws/lambda/worker", "stream", 0, 1000)
    assert sum(event.message == "x" * 10_000 for event in events) == 100


async def test_what_never_calls_its_handler_is_killed_too(
    world: FunctionWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_runner, "_INIT_SECONDS", 0.1)
    docker = StandInDocker("importing")
    docker.hangs = True
    outcome, _ = await run(world, docker)
    assert json.loads(outcome.payload)["errorType"] == "Sandbox.Timedout"


async def test_a_caller_that_goes_away_leaves_nothing(world: FunctionWorld) -> None:
    docker = StandInDocker(STARTED)
    docker.hangs = True
    running = asyncio.create_task(run(world, docker))
    while not docker.code:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert docker.tasks == {}
    assert await keys(world) == []


async def test_a_role_that_trusts_lambda_no_more(world: FunctionWorld) -> None:
    await world.iam.write(_distrust)
    docker = StandInDocker()
    with pytest.raises(ServiceError, match="cannot be assumed by Lambda") as raised:
        await run(world, docker)
    assert (raised.value.code, raised.value.status) == ("AccessDeniedException", 403)
    assert await keys(world) == []


def _distrust(connection: Any) -> None:
    role = identity.get(connection, identity.Kind.ROLE, "worker")
    trust = role.resource.document["trust"].replace("lambda.amazonaws.com", "ec2.amazonaws.com")
    identity.change(connection, role, utc_now(), trust=trust)


async def replace_code(world: FunctionWorld) -> None:
    with TemporaryFile() as archive:
        archive.write(zipped({"other.py": b""}))
        code = await world.functions.keep(archive)
    await world.functions.change(reference("worker", PLACE), {"code": code})


async def test_code_that_is_replaced_on_the_way_is_run_all_the_same(world: FunctionWorld) -> None:
    class Slow(StandInDocker):
        async def prepare(self, task: TaskSpec) -> None:
            await super().prepare(task)
            await replace_code(world)

    docker = Slow(STARTED, ENDED, result=b"1")
    assert await run(world, docker) == (Outcome(b"1"), ANY)
    with tarfile.open(fileobj=io.BytesIO(docker.code)) as tar:
        assert tar.getnames() == ["index.py"]


async def test_code_that_was_replaced_before_says_so(world: FunctionWorld) -> None:
    """The engine was told half a request, and the caller of an error of the server."""
    before = await world.found()
    await replace_code(world)
    docker = StandInDocker()
    with pytest.raises(CodeReplaced):
        await run(world, docker, before)
    assert docker.tasks == {}
    assert await keys(world) == []


async def test_trouble_with_the_engine_is_no_answer(world: FunctionWorld) -> None:
    class Away(StandInDocker):
        async def prepare(self, task: TaskSpec) -> None:
            await super().prepare(task)
            raise EngineError("gone", retryable=True)

    docker = Away()
    with pytest.raises(EngineError):
        await run(world, docker)
    assert docker.tasks == {}


async def test_what_a_crash_left_is_removed_at_the_start(world: FunctionWorld) -> None:
    docker = StandInDocker()
    docker.tasks["left"] = TaskSpec("left", "function", ())
    runner = ContainerRunner(
        docker, world.credentials, world.iam.authorize, world.functions.blobs, utc_now, PLACE
    )  # type: ignore[arg-type]
    await runner.start()
    assert docker.tasks == {}
