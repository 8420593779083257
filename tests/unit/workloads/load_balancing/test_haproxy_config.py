"""The configuration's text; that HAProxy takes and obeys it is tests/docker/load_balancing."""

from dataclasses import replace

import msgspec
from tests.unit.workloads.load_balancing.values import CHECK, fixed, forward, group, listener, rule

from penstock.workloads.load_balancing.haproxy_config import (
    Backend,
    Desired,
    Frontend,
    Server,
    configuration,
    generation,
    server_keywords,
    server_states,
)

UP = Server("10.0.0.1:80", "10.0.0.1", 80, healthy=True, open=False)
BAD = Server("10.0.0.2:80", "10.0.0.2", 80, healthy=False, open=True)


def _desired(*servers: Server, idle: int = 60) -> Desired:
    rules = [rule(5, {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/x"]}},
                  fixed("404"))]  # fmt: skip
    frontend = Frontend(listener(forward((group(), 1))), "127.64.0.1", 80, rules, idle)
    return Desired([frontend], [Backend(group(), servers, idle)], 31000, "abc")


def test_targets_are_no_reason_for_a_reload() -> None:
    assert generation(_desired(UP)) == generation(_desired(UP, BAD)) == generation(_desired())
    assert configuration(_desired(UP)) != configuration(_desired(UP, BAD))


def test_everything_else_is() -> None:
    base = _desired(UP)
    slower = msgspec.structs.replace(CHECK, interval_seconds=11)
    others = [
        _desired(UP, idle=61),
        replace(base, control_port=31001),
        replace(base, certificate_digest="abd"),
        replace(base, backends=[Backend(group(health_check=slower), [UP], 60)]),
        replace(base, frontends=[replace(base.frontends[0], rules=[])]),
        replace(base, frontends=[replace(base.frontends[0], port=8080)]),
    ]
    generations = {generation(one) for one in (base, *others)}
    assert len(generations) == len(others) + 1


def test_the_generation_stands_in_the_configuration() -> None:
    assert f"    description {generation(_desired(UP))}\n" in configuration(_desired(UP))


def test_a_group_has_its_targets_twice() -> None:
    text = configuration(_desired(UP, BAD))
    checked = "backend tg.web.0123456789abcdef\n"
    unchecked = "backend open.web.0123456789abcdef\n"
    first, second = text.partition(checked)[2].split(unchecked)
    assert "server 10.0.0.1:80 10.0.0.1:80 check inter 10s downinter 2s fall 2 rise 3\n" in first
    assert "http-check expect status 200-299\n" in first
    assert " hdr Host %[bc_dst]:%[bc_dst_port] " in first
    assert "server 10.0.0.1:80 10.0.0.1:80 disabled\n" in second
    assert "server 10.0.0.2:80 10.0.0.2:80\n" in second


def test_only_healthy_targets_begin_with_requests() -> None:
    lines = server_states(_desired(UP, BAD)).splitlines()
    assert lines[0] == "1"
    assert len(lines[1].removeprefix("# ").split()) == 25
    assert [line.split()[1:6] for line in lines[2:]] == [
        ["tg.web.0123456789abcdef", "0", "10.0.0.2:80", "10.0.0.2", "0"]
    ]
    assert len(lines[2].split()) == 25


def test_the_check_may_have_a_port_of_its_own() -> None:
    other = msgspec.structs.replace(CHECK, port="9000")
    assert server_keywords(group(health_check=other)).startswith("check port 9000 inter 10s")
