"""Functions beside each other: none waits for itself, and none keeps the others out."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest
from tests.function_world import PLACE, FunctionWorld

from penstock.aws.errors import ServiceError
from penstock.workloads.functions import places
from penstock.workloads.functions.api.invoking import invoke
from penstock.workloads.functions.function import reference
from penstock.workloads.functions.function_log import FunctionLog
from penstock.workloads.functions.invocation import CodeReplaced, Invocation, Outcome

pytestmark = pytest.mark.timeout(40)


class Runner:
    """Runs `outer` and `second` by invoking `inner`, and `hangs` and `stays` until told to end."""

    def __init__(self, world: FunctionWorld) -> None:
        self.world = world
        self.running: list[str] = []
        self.most: dict[str, int] = {}
        self.ended: list[str] = []
        self.end = asyncio.Event()

    async def run(self, invocation: Invocation, log: FunctionLog) -> Outcome:
        name = invocation.function.name
        self.running.append(name)
        self.most[name] = max(self.most.get(name, 0), self.running.count(name))
        try:
            if name in ("outer", "second"):
                await asyncio.sleep(0.05)
                await self.world.invocations.invoke(
                    await self.world.found("inner"), b"{}", nested=True
                )
            if name in ("hangs", "stays"):
                await self.end.wait()
        finally:
            self.running.remove(name)
        self.ended.append(name)
        return Outcome(invocation.payload)

    async def until_running(self, count: int) -> None:
        while len(self.running) < count:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)

    async def until(self, name: str, *, ended: int) -> None:
        while self.ended.count(name) < ended:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[Runner]:
    world = FunctionWorld(tmp_path).open()
    for name in ("outer", "second", "inner", "hangs", "stays", "other"):
        await world.make(name)
    made = Runner(world)
    await world.invocations.attach(made)
    yield made
    made.end.set()
    await world.close()


async def test_events_that_call_functions_do_not_wait_for_themselves(runner: Runner) -> None:
    """Ten of them held every place, and the functions that they called had none for a minute."""
    for name in ("outer", "second") * 5:
        await runner.world.invocations.accept(await runner.world.found(name), b"{}")
    await runner.until("outer", ended=5)
    await runner.until("second", ended=5)
    assert runner.ended.count("inner") == 10


async def test_calls_that_call_functions_do_not_wait_for_themselves(runner: Runner) -> None:
    called = [await runner.world.found(name) for name in ("outer", "second") * 5]
    await asyncio.gather(*(runner.world.invocations.invoke(each, b"{}") for each in called))
    assert runner.ended.count("inner") == 10


async def test_functions_run_in_so_much_memory(tmp_path: Path) -> None:
    world = FunctionWorld(tmp_path, most_memory_mb=256).open()
    outer = await world.make("outer", memory_mb=256)
    await world.make("inner", memory_mb=512)
    runner = Runner(world)
    await world.invocations.attach(runner)
    await asyncio.gather(*(world.invocations.invoke(outer, b"{}") for _ in range(3)))
    assert runner.ended.count("inner") == 3
    assert runner.most == {"outer": 1, "inner": 1}
    await world.close()


async def test_events_of_one_function_leave_room_for_others(runner: Runner) -> None:
    """The oldest came first: ten of one function kept the events of all others waiting."""
    for _ in range(20):
        await runner.world.invocations.accept(await runner.world.found("hangs"), b"{}")
    for _ in range(3):
        await runner.world.invocations.accept(await runner.world.found("other"), b"{}")
    await runner.until("other", ended=3)
    assert runner.most == {"hangs": places.MOST_OF_ONE, "other": 1}
    runner.end.set()
    await runner.until("hangs", ended=20)


async def test_calls_of_one_function_leave_room_for_others(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_ROOM_SECONDS", 0.5)
    hangs, invocations = await runner.world.found("hangs"), runner.world.invocations
    calls = [asyncio.create_task(invocations.invoke(hangs, b"{}")) for _ in range(20)]
    await invocations.invoke(await runner.world.found("other"), b"{}")
    await asyncio.sleep(1)
    assert len(runner.running) == places.MOST_OF_ONE
    runner.end.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, ServiceError)]
    assert len(refused) == 20 - places.MOST_OF_ONE
    assert refused[0].code == "TooManyRequestsException"
    assert refused[0].message == (
        "Rate Exceeded. Penstock runs at most 5 synchronous calls at once, 4 of one function, "
        "in 4096 MB of memory with all others; this one waited 0.5 seconds. Call again later."
    )
    await invocations.invoke(hangs, b"{}")


async def test_events_leave_room_for_calls(runner: Runner) -> None:
    for name in ("hangs", "hangs", "hangs", "hangs", "stays"):
        await runner.world.invocations.accept(await runner.world.found(name), b"{}")
    await runner.until_running(places.MOST_OF_A_KIND)
    await runner.world.invocations.invoke(await runner.world.found("other"), b"{}")
    assert len(runner.running) == places.MOST_OF_A_KIND


async def test_a_function_whose_code_was_replaced_is_read_again(tmp_path: Path) -> None:
    """The synchronous caller got an error of the server."""

    class Late(Runner):
        async def run(self, invocation: Invocation, log: FunctionLog) -> Outcome:
            if invocation.function.memory_mb == 128:
                await world.functions.change(reference("other", PLACE), {"memory_mb": 256})
                raise CodeReplaced(invocation.function)
            return await super().run(invocation, log)

    world = FunctionWorld(tmp_path).open()
    function = await world.make("other")
    await world.invocations.attach(Late(world))
    outcome, _ = await world.invocations.invoke(function, b"{}")
    assert outcome == Outcome(b"{}")
    await world.functions.delete(reference("other", PLACE))
    await world.make("other", memory_mb=256)
    with pytest.raises(ServiceError, match="Function not found"):
        await world.invocations.invoke(function, b"{}")
    await world.close()


@pytest.mark.parametrize("of_task", [False, True])
async def test_a_call_from_a_task_is_nested(of_task: bool) -> None:
    domain, call = Mock(), Mock()
    domain.functions.get = AsyncMock(return_value=(Mock(), {}))
    domain.invocations.invoke = AsyncMock(return_value=(Outcome(b"1"), ""))
    call.principal.of_task = of_task
    await invoke(domain, call, {"FunctionName": "worker"})
    assert domain.invocations.invoke.await_args.kwargs == {"nested": of_task}
