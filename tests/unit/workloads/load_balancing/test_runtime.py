"""What HAProxy is told, from what it has and what is wanted."""

from tests.unit.workloads.load_balancing.values import group

from penstock.workloads.load_balancing.haproxy_config import Backend, Desired, Server
from penstock.workloads.load_balancing.runtime import (
    ObservedServer,
    Worker,
    commands,
    commands_for_former,
    parse_servers,
    parse_workers,
)

TG, OPEN = "tg.web.0123456789abcdef", "open.web.0123456789abcdef"
NEW = Server("a:1", "10.0.0.1", 1, healthy=False, open=False)


def _desired(*servers: Server) -> Desired:
    return Desired([], [Backend(group(), servers, 60)], 31000, "")


def _seen(backend: str, status: str, sessions: int = 0, name: str = "a:1") -> ObservedServer:
    return ObservedServer(backend, name, status, sessions, "L7OK", "200")


def test_a_new_target_takes_no_request_before_its_first_check() -> None:
    assert commands(_desired(NEW), []) == [
        f"add server {TG}/a:1 10.0.0.1:1 weight 0 check inter 10s downinter 2s fall 2 rise 3",
        f"set server {TG}/a:1 weight 0",
        f"set server {TG}/a:1 state ready",
        f"set server {TG}/a:1 health down",
        f"enable health {TG}/a:1",
        f"set server {TG}/a:1 weight 1",
        f"add server {OPEN}/a:1 10.0.0.1:1",
    ]


def test_what_is_there_is_left_alone() -> None:
    assert commands(_desired(NEW), [_seen(TG, "UP"), _seen(OPEN, "MAINT")]) == []


def test_one_success_is_enough_for_a_new_target() -> None:
    seen = [_seen(TG, "DOWN"), _seen(OPEN, "MAINT")]
    told = commands(_desired(NEW), seen, first_passes={(TG, "a:1")})
    assert told == [f"set server {TG}/a:1 health up"]


def test_a_target_that_leaves_ends_its_requests_first() -> None:
    for seen, overdue, expected in (
        (_seen(TG, "UP", 2), False, f"set server {TG}/a:1 state maint"),
        (_seen(TG, "MAINT", 2), False, None),
        (_seen(TG, "MAINT", 2), True, f"shutdown sessions server {TG}/a:1"),
        (_seen(TG, "MAINT", 0), False, f"del server {TG}/a:1"),
    ):
        told = commands(_desired(), [seen], overdue={(TG, "a:1")} if overdue else ())
        assert told == ([expected] if expected else [])


def test_unhealthy_targets_stand_open() -> None:
    bad = Server("a:1", "10.0.0.1", 1, healthy=False, open=True)
    assert commands(_desired(bad), [_seen(TG, "DOWN"), _seen(OPEN, "MAINT")]) == [
        f"set server {OPEN}/a:1 state ready"
    ]
    assert commands(_desired(NEW), [_seen(TG, "UP"), _seen(OPEN, "no check")]) == [
        f"set server {OPEN}/a:1 state maint"
    ]


def test_a_target_that_comes_back_is_checked_anew() -> None:
    told = commands(_desired(NEW), [_seen(TG, "MAINT", 1), _seen(OPEN, "MAINT")])
    assert told == [
        f"set server {TG}/a:1 weight 0",
        f"set server {TG}/a:1 state ready",
        f"set server {TG}/a:1 health down",
        f"enable health {TG}/a:1",
        f"set server {TG}/a:1 weight 1",
    ]


def test_a_former_process_learns_who_is_healthy_and_who_is_gone() -> None:
    healthy = Server("b:2", "10.0.0.2", 2, healthy=True, open=False)
    told = commands_for_former(_desired(NEW, healthy), [_seen(TG, "UP"), _seen(OPEN, "MAINT")])
    assert told == [
        f"add server {TG}/b:2 10.0.0.2:2",
        f"set server {TG}/b:2 state ready",
        f"set server {TG}/a:1 state maint",
    ]


def test_a_group_that_a_former_process_lacks_is_not_its_concern() -> None:
    healthy = Server("b:2", "10.0.0.2", 2, healthy=True, open=False)
    other = [ObservedServer("tg.other.0", "x", "MAINT", 0, "", "")]
    assert commands_for_former(_desired(healthy), other) == []


def test_answers_of_haproxy_are_read() -> None:
    text = (
        "# pxname,svname,scur,status,check_status,check_code,uweight,\n"
        "control,master,1,no check,,,1,\n"
        f"{TG},a:1,3,UP 1/2,* L7STS,503,1,\n"
        f"{TG},b:2,0,UP,,,0,\n\n"
    )
    one, begun = parse_servers(text)
    assert one == ObservedServer(TG, "a:1", "UP 1/2", 3, "L7STS", "503", weight=1)
    assert (one.up, one.stopped, one.passed) == (True, False, False)
    assert (begun.up, begun.weight) == (False, 0)
    text = (
        "#<PID> <type> <reloads> <uptime> <version>\n1 master 2 [failed: 0] 0d00h00m01s 2.6\n"
        "# workers\n25 worker 0 0d00h00m01s 2.6\n# old workers\n11 worker 1 0d00h00m09s 2.6\n"
        "# programs\n"
    )
    assert parse_workers(text) == [Worker(25, True), Worker(11, False)]
