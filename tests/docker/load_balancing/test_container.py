"""The load balancer's container: addresses and ports, restarts of the server, and its end."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.errors import EngineError
from penstock.workloads.load_balancing import addresses
from penstock.workloads.load_balancing.haproxy_config import Desired
from penstock.workloads.load_balancing.snapshot import desired
from tests.docker.load_balancing.backends import Backend, Load, get, until
from tests.docker.load_balancing.world import World

pytestmark = pytest.mark.docker
MakeBackend = Callable[[str], Backend]


async def _served(world: World, name: str, backend: Backend) -> tuple[Any, str]:
    balancer, group = await world.load_balancer(name), await world.target_group(name)
    await world.listener(balancer, group)
    await world.register(group, backend)
    await world.until_healthy(group, backend)
    return balancer, group


async def test_two_load_balancers_have_a_port_80_each(world: World, backend: MakeBackend) -> None:
    first, _ = await _served(world, "first", backend("one"))
    second, _ = await _served(world, "second", backend("two"))
    assert first["DNSName"] != second["DNSName"]
    assert get(first["DNSName"]) == (200, "one")
    assert get(second["DNSName"]) == (200, "two")


async def test_load_balancers_on_a_shared_address_have_a_port_each_for_80(
    world: World, backend: MakeBackend
) -> None:
    shared = f"127.251.8.{os.getpid() % 250 + 1}"
    await world.restart(shared)
    world.attach()
    first, _ = await _served(world, "first", backend("one"))
    second, _ = await _served(world, "second", backend("two"))
    assert first["DNSName"] == shared
    address, _, port = second["DNSName"].partition(":")
    assert address == shared
    assert get(shared) == (200, "one")
    assert get(shared, port=int(port)) == (200, "two")
    listeners = await world.call("DescribeListeners", LoadBalancerArn=second["LoadBalancerArn"])
    assert [one["Port"] for one in listeners["Listeners"]] == [80]
    await world.restart(shared)
    world.attach()
    assert await world.load_balancing.settled()
    found = (await world.call("DescribeLoadBalancers"))["LoadBalancers"]
    names = [(one["LoadBalancerName"], one["DNSName"]) for one in found]
    assert sorted(names) == [("first", shared), ("second", f"{shared}:{port}")]
    assert get(shared, port=int(port)) == (200, "two")


async def test_a_killed_server_finds_everything_served(world: World, backend: MakeBackend) -> None:
    one, two = backend("one"), backend("two")
    balancer, group = await _served(world, "web", one)
    before = await world.container()
    await world.load_balancing.close()
    load = Load(balancer["DNSName"], 80, threads=2)
    try:
        await asyncio.sleep(0.5)
        await world.restart()
        await world.register(group, two)  # what is changed before the engine is ready waits
        world.attach()
        await world.until_healthy(group, one, two)
        until(lambda: load.answers["two"] > 0)
    finally:
        load.stop()
    assert load.failures == []
    after = await world.container()
    assert before is not None
    assert after is not None
    assert after["Id"] == before["Id"]


async def test_its_container_serves_alone_after_a_restart(
    world: World, backend: MakeBackend
) -> None:
    one, late = backend("one"), backend("late")
    balancer, group = await _served(world, "web", one)
    await world.register(group, late)
    await world.until_healthy(group, late)
    await world.deregister(group, one)
    await world.until_gone(group, one)
    await asyncio.sleep(1.2)  # a round more: the files follow what the process was told
    await world.load_balancing.close()
    await world.engine.json("POST", f"containers/{world.proxy.name}/restart", params={"t": "1"})

    def answers() -> bool:
        try:
            return get(balancer["DNSName"]) == (200, "late")
        except OSError:
            return False

    until(answers)


async def test_where_port_80_is_taken_another_one_answers(
    world: World, backend: MakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = f"127.251.7.{os.getpid() % 250 + 1}"
    monkeypatch.setattr(addresses, "own_address", lambda arn, taken: own)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((own, 80))
        taken.listen()
        balancer, _ = await _served(world, "web", backend("one"))
        address, _, port = balancer["DNSName"].partition(":")
        assert port
        assert get(address, port=int(port)) == (200, "one")
    with socket.socket() as other:
        other.bind((address, 8099))
        other.listen()
        group = await world.target_group("other")
        with pytest.raises(ServiceError, match=r"Port 8099 of 127.* is taken on this machine"):
            await world.listener(balancer, group, 8099)
    assert addresses.is_free(address, 8099)


async def test_headers_tell_the_target_of_the_client(world: World, backend: MakeBackend) -> None:
    one = backend("one")
    balancer, _ = await _served(world, "web", one)
    get(balancer["DNSName"])
    assert one.headers["x-forwarded-for"].startswith("127.")
    assert one.headers["x-forwarded-proto"] == "http"
    assert one.headers["x-forwarded-port"] == "80"
    get(balancer["DNSName"], **{"X-Forwarded-For": "192.0.2.7"})
    assert one.headers["x-forwarded-for"].startswith("192.0.2.7, 127.")


async def test_a_bad_configuration_replaces_no_good_one(world: World, backend: MakeBackend) -> None:
    balancer, _ = await _served(world, "web", backend("one"))
    await world.load_balancing.close()
    proxy = world.proxy
    snapshot = await world.load_balancing.snapshot()
    good = desired(snapshot, await proxy.control_port(), proxy.certificate_digest())
    frontends = [
        type(one)(one.listener, "not an address", one.port, one.rules, one.idle_timeout_seconds)
        for one in good.frontends
    ]
    bad = Desired(frontends, good.backends, good.control_port, good.certificate_digest)
    with pytest.raises(EngineError, match="HAProxy does not take") as refused:
        await proxy.ensure(bad)
    assert not refused.value.retryable
    assert get(balancer["DNSName"]) == (200, "one")
    await proxy.ensure(good)
    assert get(balancer["DNSName"]) == (200, "one")


async def test_nobody_else_may_steer_it(world: World, backend: MakeBackend) -> None:
    await _served(world, "web", backend("one"))
    port = await world.proxy.control_port()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def ask() -> bytes:
        plain = socket.create_connection(("127.0.0.1", port), 5)
        with context.wrap_socket(plain) as connection:
            connection.sendall(b"show proc\nquit\n")
            return connection.recv(1)

    with pytest.raises(OSError, match=r"certificate required|reset"):
        await asyncio.to_thread(ask)


async def test_with_the_last_load_balancer_goes_the_container(
    world: World, backend: MakeBackend
) -> None:
    balancer, group = await _served(world, "web", backend("one"))
    await world.load_balancer("spare")
    assert await world.container() is not None
    for one in (await world.call("DescribeLoadBalancers"))["LoadBalancers"]:
        await world.call("DeleteLoadBalancer", LoadBalancerArn=one["LoadBalancerArn"])
    await world.call("DeleteTargetGroup", TargetGroupArn=group)

    async def gone() -> bool:
        return await world.container() is None

    await world.until(gone)
    with pytest.raises(OSError, match="refused"):
        get(balancer["DNSName"])
