"""Events for functions through crashes: none that was accepted is lost, none stays behind."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.errors import EngineError
from penstock.storage.tables.function_events import function_events
from penstock.workloads.functions.function import reference
from penstock.workloads.functions.function_log import FunctionLog
from penstock.workloads.functions.invocation import Invocation, Outcome
from tests.function_world import PLACE, FunctionWorld
from tests.waiting import async_until


class Runner:
    """Runs what it is told as its script says, and remembers it."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.runs: list[tuple[str, bytes]] = []

    async def run(self, invocation: Invocation, log: FunctionLog) -> Outcome:
        self.runs.append((invocation.request_id, invocation.payload))
        step = self.script.pop(0) if self.script else "answers"
        if step == "hangs":
            await asyncio.sleep(3600)
        if step == "engine":
            raise EngineError("no engine", retryable=True)
        if step == "refused":
            raise EngineError("no such path", retryable=False)
        if step == "breaks":
            raise RecursionError("a bug")
        return Outcome(b"{}", "Unhandled" if step == "fails" else None)


async def until_empty(world: FunctionWorld) -> None:
    async def is_empty() -> bool:
        rows = await world.database.read(lambda c: c.execute(function_events.select()).all())
        return not rows

    await async_until(is_empty)


async def until_run(runner: Runner, count: int) -> None:
    await async_until(lambda: len(runner.runs) >= count, seen=lambda: runner.runs)


async def test_an_event_accepted_before_a_crash_is_run_after_it(tmp_path: Path) -> None:
    world = FunctionWorld(tmp_path).open()
    await world.make()
    accepted = await world.invocations.accept(await world.found(), b'{"a": 1}')
    await world.close()
    again, runner = FunctionWorld(tmp_path).open(), Runner()
    await again.invocations.attach(runner)
    await until_empty(again)
    assert runner.runs == [(accepted, b'{"a": 1}')]
    await again.close()


async def test_an_event_under_way_at_a_crash_is_run_again_with_its_id(tmp_path: Path) -> None:
    world, hanging = FunctionWorld(tmp_path).open(), Runner("hangs")
    await world.make()
    await world.invocations.attach(hanging)
    accepted = await world.invocations.accept(await world.found(), b"{}")
    await until_run(hanging, 1)
    await world.close()
    again, runner = FunctionWorld(tmp_path).open(), Runner()
    await again.invocations.attach(runner)
    await until_empty(again)
    assert runner.runs == [(accepted, b"{}")]
    await again.close()


async def test_attempts_that_failed_before_a_crash_count(tmp_path: Path) -> None:
    world, failing = FunctionWorld(tmp_path).open(), Runner("fails", "fails", "hangs")
    await world.make()
    await world.invocations.attach(failing)
    await world.invocations.accept(await world.found(), b"{}")
    await until_run(failing, 3)
    await world.close()
    again, runner = FunctionWorld(tmp_path).open(), Runner("fails", "fails")
    await again.invocations.attach(runner)
    await until_empty(again)
    assert len(runner.runs) == 1
    await again.close()


async def test_an_engine_that_is_away_is_no_failure_of_the_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.workloads.functions.invocations._TROUBLE_SECONDS", 0.01)
    world, runner = FunctionWorld(tmp_path).open(), Runner(*["engine"] * 5)
    await world.make()
    await world.invocations.attach(runner)
    await world.invocations.accept(await world.found(), b"{}")
    await until_empty(world)
    assert len(runner.runs) == 6
    await world.close()


@pytest.mark.parametrize("step", ["refused", "breaks"])
async def test_whatever_goes_wrong_is_a_failed_attempt_and_they_end(
    tmp_path: Path, step: str
) -> None:
    """One bad event was run every five seconds for ever, and ten of them stopped all events."""
    world, runner = FunctionWorld(tmp_path).open(), Runner(*[step] * 10)
    await world.make()
    await world.invocations.attach(runner)
    await world.invocations.accept(await world.found(), b"{}")
    await until_empty(world)
    assert len(runner.runs) == 3
    await world.close()


async def test_half_a_character_in_a_log_fails_nothing(tmp_path: Path) -> None:
    """A text that was cut inside an emoji made an event fail after its function had run."""

    class Half(Runner):
        async def run(self, invocation: Invocation, log: FunctionLog) -> Outcome:
            log.say("half \ud83d, whole \ud83d\ude00")
            return await super().run(invocation, log)

    world, runner = FunctionWorld(tmp_path).open(), Half()
    function = await world.make()
    await world.invocations.attach(runner)
    _, tail = await world.invocations.invoke(function, b"{}")
    assert base64.b64decode(tail).decode() == "half \ufffd, whole \U0001f600\n"
    await world.invocations.accept(function, b"{}")
    await until_empty(world)
    assert len(runner.runs) == 2
    await world.close()


async def test_events_of_a_function_are_gone_with_it(tmp_path: Path) -> None:
    world = FunctionWorld(tmp_path).open()
    await world.invocations.accept(await world.make(), b"{}")
    await world.invocations.accept(await world.make("other"), b"{}")
    await world.functions.delete(reference("worker", PLACE))
    left = await world.database.read(lambda c: c.execute(function_events.select()).all())
    assert [each.function_name for each in left] == ["other"]
    await world.close()


@pytest.mark.parametrize("anew", [False, True])
async def test_an_event_is_for_the_function_that_was_there(tmp_path: Path, anew: bool) -> None:
    """Whoever made one of that name got the response address and the secrets of the event."""
    world, runner = FunctionWorld(tmp_path).open(), Runner()
    function = await world.make()
    await world.functions.delete(reference("worker", PLACE))
    if anew:
        await world.make()
    await world.invocations.accept(function, b"{}")
    await world.invocations.attach(runner)
    await until_empty(world)
    assert runner.runs == []
    await world.close()


async def test_an_events_payload_is_encrypted_at_rest(tmp_path: Path) -> None:
    world = FunctionWorld(tmp_path).open()
    await world.make()
    await world.invocations.accept(await world.found(), b'{"password": "hush-hush"}')
    await world.close()
    assert not [p for p in tmp_path.glob("penstock.db*") if b"hush-hush" in p.read_bytes()]


async def test_code_that_a_crash_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    world = FunctionWorld(tmp_path).open()
    function = await world.make()

    async def left() -> AsyncIterator[bytes]:
        yield b"left"

    await world.functions.blobs.put(left())
    await world.close()
    again = FunctionWorld(tmp_path).open()
    await again.functions.start()
    assert await again.functions.blobs.ids() == [function.code.blob_id]
    await again.close()
