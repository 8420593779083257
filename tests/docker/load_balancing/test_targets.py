"""Targets come, go, fail and recover behind a listener; no request is lost by an exchange."""

import asyncio
from collections.abc import Callable

import pytest

from penstock.errors import EngineError
from penstock.workloads.load_balancing import reconciliation
from penstock.workloads.load_balancing.control import Control
from penstock.workloads.load_balancing.runtime import Worker
from tests.docker.load_balancing.backends import Backend, Load, get, until
from tests.docker.load_balancing.world import World

pytestmark = pytest.mark.docker
MakeBackend = Callable[[str], Backend]


async def test_targets_are_exchanged_under_load(world: World, backend: MakeBackend) -> None:
    old, new = backend("old"), backend("new")
    balancer = await world.load_balancer("web")
    group = await world.target_group("web")
    await world.listener(balancer, group)
    await world.register(group, old)
    await world.until_healthy(group, old)
    load = Load(balancer["DNSName"], 80)
    try:
        for leaving, coming in ((old, new), (new, old), (old, new)):
            await asyncio.sleep(0.5)
            await world.register(group, coming)
            await world.until_healthy(group, coming)
            await world.deregister(group, leaving)
            await world.until_gone(group, leaving)
        old.close()
        seen = load.total
        await asyncio.sleep(1)
    finally:
        load.stop()
    assert load.failures == []
    assert load.total > 2000
    assert load.total > seen
    assert set(load.answers) == {"old", "new"}


async def test_listeners_and_rules_change_under_load(world: World, backend: MakeBackend) -> None:
    one, other = backend("one"), backend("other")
    balancer = await world.load_balancer("web")
    group, others = await world.target_group("web"), await world.target_group("others")
    listener = await world.listener(balancer, group)
    await world.register(group, one)
    await world.register(others, other)
    await world.until_healthy(group, one)
    assert (await world.health(others))[other.port]["Reason"] == "Target.NotInUse"
    load = Load(balancer["DNSName"], 80)
    try:
        await asyncio.sleep(0.5)
        await world.call(
            "CreateRule",
            ListenerArn=listener,
            Priority=10,
            Conditions=[{"Field": "path-pattern", "Values": ["/other/*"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": others}],
        )
        await world.until_healthy(others, other)
        assert get(balancer["DNSName"], "/other/x") == (200, "other")
        await world.listener(balancer, group, 8081)
        assert await world.load_balancing.settled()
        assert get(balancer["DNSName"], port=8081) == (200, "one")
        # Both targets are exchanged right after a reload, while its former process still ends.
        await world.register(group, other)
        await world.until_healthy(group, other)
        await world.deregister(group, one)
        await world.until_gone(group, one)
        one.close()
        await asyncio.sleep(0.5)
    finally:
        load.stop()
    assert load.failures == []
    assert load.total > 2000


async def test_a_request_under_way_ends_on_the_target_that_leaves(
    world: World, backend: MakeBackend
) -> None:
    slow, other = backend("slow"), backend("other")
    balancer = await world.load_balancer("web")
    group = await world.target_group("web")
    await world.listener(balancer, group)
    await world.register(group, slow)
    await world.until_healthy(group, slow)
    slow.answers.clear()
    request = asyncio.create_task(asyncio.to_thread(get, balancer["DNSName"]))
    await asyncio.to_thread(until, lambda: bool(slow.headers))
    await world.register(group, other)
    await world.until_healthy(group, other)
    await world.deregister(group, slow)
    state = (await world.health(group))[slow.port]
    assert state == {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress",
    }
    await asyncio.sleep(3)  # rounds enough to take away a target that is idle
    assert (await world.health(group))[slow.port] == state
    assert await asyncio.to_thread(get, balancer["DNSName"]) == (200, "other")
    assert not request.done()
    slow.answers.set()
    assert await request == (200, "slow")
    await world.until_gone(group, slow)


async def test_an_unhealthy_target_gets_no_requests_unless_all_are(
    world: World, backend: MakeBackend
) -> None:
    good, bad = backend("good"), backend("bad")
    balancer = await world.load_balancer("web")
    group = await world.target_group("web")
    await world.listener(balancer, group)
    await world.register(group, good, bad)
    await world.until_healthy(group, good, bad)
    bad.health = 503

    async def is_out() -> bool:
        return (await world.health(group))[bad.port] == {
            "State": "unhealthy",
            "Reason": "Target.ResponseCodeMismatch",
            "Description": "Health checks failed with these codes: [503]",
        }

    await world.until(is_out, 30)
    answers = {get(balancer["DNSName"])[1] for _ in range(20)}
    assert answers == {"good"}
    good.health = 500

    async def all_are_out() -> bool:
        return {one["State"] for one in (await world.health(group)).values()} == {"unhealthy"}

    await world.until(all_are_out, 30)
    await asyncio.sleep(1.5)
    assert {get(balancer["DNSName"])[1] for _ in range(20)} == {"good", "bad"}
    good.health = 200
    await world.until_healthy(group, good)
    assert {get(balancer["DNSName"])[1] for _ in range(20)} == {"good"}


async def test_after_the_deregistration_delay_a_request_under_way_is_cut_off(
    world: World, backend: MakeBackend
) -> None:
    slow = backend("slow")
    balancer = await world.load_balancer("web")
    group = await world.target_group("web")
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "2"}
    await world.call("ModifyTargetGroupAttributes", TargetGroupArn=group, Attributes=[delay])
    await world.listener(balancer, group)
    await world.register(group, slow)
    await world.until_healthy(group, slow)
    slow.answers.clear()
    request = asyncio.create_task(asyncio.to_thread(get, balancer["DNSName"]))
    await asyncio.to_thread(until, lambda: bool(slow.headers))
    await world.deregister(group, slow)
    await asyncio.sleep(1)
    assert not request.done()
    await world.until_gone(group, slow)
    # A GET is sent again to another target, and there is none.
    assert (await request)[0] == 503


async def test_a_check_names_the_address_and_port_that_it_asks(
    world: World, backend: MakeBackend
) -> None:
    one, elsewhere = backend("one"), backend("elsewhere")
    balancer = await world.load_balancer("web")
    traffic = await world.target_group("traffic")
    other = await world.target_group("other", HealthCheckPort=str(elsewhere.port))
    await world.listener(balancer, traffic)
    await world.listener(balancer, other, 8081)
    await world.register(traffic, one)
    await world.register(other, one)
    await world.until_healthy(traffic, one)
    await world.until_healthy(other, one)
    assert one.check_headers["host"] == f"127.0.0.1:{one.port}"
    assert elsewhere.check_headers["host"] == f"127.0.0.1:{elsewhere.port}"
    assert one.check_headers["user-agent"] == "ELB-HealthChecker/2.0"


async def test_without_a_target_the_answer_is_503(world: World, backend: MakeBackend) -> None:
    failing = backend("failing")
    failing.health = 404
    balancer = await world.load_balancer("web")
    group = await world.target_group("web")
    await world.listener(balancer, group)
    assert await world.load_balancing.settled()
    assert get(balancer["DNSName"])[0] == 503
    await world.register(group, failing)
    await asyncio.sleep(2)
    state = (await world.health(group))[failing.port]
    assert (state["State"], state["Reason"]) == ("initial", "Elb.InitialHealthChecking")
    assert get(balancer["DNSName"])[0] == 503


async def test_a_target_is_made_whole_wherever_telling_of_it_ended(
    world: World, backend: MakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each target's first round ends after another number of its commands, as a kill ends it."""
    backends = [backend(str(cut)) for cut in range(6)]
    told = dict.fromkeys((f":{one.port}" for one in backends), 0)
    cuts = {f":{one.port}": cut for cut, one in enumerate(backends)}
    tell = Control.tell

    async def cut_short(self: Control, worker: Worker, command: str) -> str:
        checked = "tg." in command
        name = next((name for name in cuts if checked and name in f"{command} "), None)
        if name is not None:
            if told[name] == cuts[name]:
                del cuts[name]
                raise EngineError("the server ends here", retryable=True)
            told[name] += 1
        return await tell(self, worker, command)

    monkeypatch.setattr(Control, "tell", cut_short)
    monkeypatch.setattr(reconciliation, "_AFTER_TROUBLE_SECONDS", 0.1)
    balancer = await world.load_balancer("web")
    group = await world.target_group("web")
    await world.listener(balancer, group)
    assert await world.load_balancing.settled()
    await world.register(group, *backends)
    await world.until_healthy(group, *backends)
    assert not cuts
    answers = {get(balancer["DNSName"])[1] for _ in range(30)}
    assert answers == {one.name for one in backends}
