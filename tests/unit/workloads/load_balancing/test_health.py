"""From HAProxy's states to AWS's."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.workloads.load_balancing.values import CHECK

from penstock.workloads.load_balancing.health import CHECKING, HEALTHY, REGISTERING, Health, health
from penstock.workloads.load_balancing.runtime import ObservedServer
from penstock.workloads.load_balancing.targets import TargetState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONG_AGO = NOW - timedelta(seconds=20)  # two checks of ten seconds
JUST = NOW - timedelta(seconds=19)
INITIAL, UNHEALTHY = TargetState.INITIAL, TargetState.UNHEALTHY
FAILED = Health(UNHEALTHY, "Target.FailedHealthChecks", "Health checks failed")


def _seen(status: str, check: str = "", code: str = "") -> ObservedServer:
    return ObservedServer("tg", "a:1", status, 0, check, code)


def test_a_target_begins_as_initial() -> None:
    assert health(INITIAL, JUST, CHECK, None, NOW) == REGISTERING
    for check in ("", "INI", "L7OK"):
        assert health(INITIAL, LONG_AGO, CHECK, _seen("DOWN", check), NOW) == CHECKING
    assert health(INITIAL, JUST, CHECK, _seen("DOWN", "L4CON"), NOW) == CHECKING


def test_what_was_not_told_everything_is_no_target_yet() -> None:
    begun = ObservedServer("tg", "a:1", "UP", 0, "", "", weight=0)
    assert health(INITIAL, LONG_AGO, CHECK, begun, NOW) == REGISTERING


def test_as_many_failures_as_make_it_unhealthy_end_the_beginning() -> None:
    assert health(INITIAL, LONG_AGO, CHECK, _seen("DOWN", "L4CON"), NOW) == FAILED


@pytest.mark.parametrize("before", list(TargetState))
def test_up_is_healthy(before: TargetState) -> None:
    assert health(before, JUST, CHECK, _seen("UP 1/2", "L7STS", "500"), NOW) == HEALTHY


@pytest.mark.parametrize(
    ("check", "code", "reason", "description"),
    [
        ("L7STS", "503", "Target.ResponseCodeMismatch",
         "Health checks failed with these codes: [503]"),
        ("L4TOUT", "", "Target.Timeout", "Request timed out"),
        ("L7TOUT", "", "Target.Timeout", "Request timed out"),
        ("L4CON", "", "Target.FailedHealthChecks", "Health checks failed"),
    ],
)  # fmt: skip
def test_reasons(check: str, code: str, reason: str, description: str) -> None:
    found = health(TargetState.HEALTHY, JUST, CHECK, _seen("DOWN", check, code), NOW)
    assert found == Health(UNHEALTHY, reason, description)
