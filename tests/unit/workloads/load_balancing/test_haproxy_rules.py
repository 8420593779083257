"""Rules in order, and the actions behind them."""

from typing import Any

from tests.unit.workloads.load_balancing.values import fixed, forward, group, rule

from penstock.workloads.load_balancing.haproxy_rules import lines

METHOD = {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET", "PUT"]}}
SOURCE = {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}


def _stripped(*arguments: Any) -> list[str]:
    return [line.strip() for line in lines(*arguments)]


def test_the_first_rule_that_matches_is_noted_before_any_action() -> None:
    found = _stripped([rule(1, METHOD, fixed("404")), rule(2, SOURCE, fixed("403"))],
                      (fixed("400"),))  # fmt: skip
    assert found == [
        "acl r1.0 method -m str GET PUT",
        "http-request set-var(txn.rule) int(1) if !{ var(txn.rule) -m found } r1.0",
        "acl r2.0 src 10.0.0.0/8",
        "http-request set-var(txn.rule) int(2) if !{ var(txn.rule) -m found } r2.0",
        "http-request set-var(txn.rule) int(0) if !{ var(txn.rule) -m found }",
        "http-request return status 400 if { var(txn.rule) -m int 0 }",
        "http-request return status 404 if { var(txn.rule) -m int 1 }",
        "http-request return status 403 if { var(txn.rule) -m int 2 }",
    ]


def test_a_group_without_healthy_targets_fails_open() -> None:
    assert _stripped([], (forward((group(), 1)),))[1:] == [
        (
            "use_backend open.web.0123456789abcdef if { var(txn.rule) -m int 0 } "
            "{ nbsrv(tg.web.0123456789abcdef) eq 0 } { nbsrv(open.web.0123456789abcdef) gt 0 }"
        ),
        "use_backend tg.web.0123456789abcdef if { var(txn.rule) -m int 0 }",
    ]


def test_weights_draw_lots() -> None:
    found = _stripped([], (forward((group("a"), 1), (group("b"), 0), (group("c"), 3)),))
    assert "http-request set-var(txn.lot) rand(4) if { var(txn.rule) -m int 0 }" in found
    uses = [line for line in found if line.startswith("use_backend tg.")]
    assert [line.split()[1] for line in uses] == [
        "tg.a.0123456789abcdef", "tg.c.0123456789abcdef",
    ]  # fmt: skip
    assert [line.split("lt ")[1] for line in uses] == ["1 }", "4 }"]


def test_weights_of_nothing_answer_503() -> None:
    found = _stripped([], (forward((group("a"), 0), (group("b"), 0)),))
    assert found[1:] == ["http-request return status 503 if { var(txn.rule) -m int 0 }"]
