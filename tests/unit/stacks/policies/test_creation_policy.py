"""What policies wait for, and what signals come to."""

from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.policies.creation_policy import (
    AUTO_SCALING_GROUP,
    SignalsWanted,
    duration_seconds,
    missing,
    on_creation,
    on_update,
    problem,
    verdict,
)

INSTANCE = "AWS::EC2::Instance"
S, F = "SUCCESS", "FAILURE"


@pytest.mark.parametrize(
    ("type_", "policy", "wanted"),
    [
        (INSTANCE, None, None),
        (INSTANCE, {"ResourceSignal": {}}, SignalsWanted(1, 300)),
        (INSTANCE, {"ResourceSignal": {"Count": "3", "Timeout": "PT1H"}}, SignalsWanted(3, 3600)),
        (INSTANCE, {"ResourceSignal": {"Count": 0}}, None),
        (AUTO_SCALING_GROUP, {"ResourceSignal": {"Count": 2}}, SignalsWanted(2, 300, 100.0)),
        (AUTO_SCALING_GROUP, {"AutoScalingCreationPolicy": {}}, None),
        ("AWS::AppStream::Fleet", {"StartFleet": True}, None),
    ],
)
def test_on_creation(type_: str, policy: Any, wanted: SignalsWanted | None) -> None:
    assert on_creation(type_, policy) == wanted


@pytest.mark.parametrize(
    "policy",
    [
        {"ResourceSignal": {"Count": "x"}},
        {"ResourceSignal": {"Count": True}},
        {"ResourceSignal": {"Count": "²"}},
        {"ResourceSignal": {"Count": 10**12}},
        {"ResourceSignal": {"Timeout": "PT"}},
        {"ResourceSignal": "soon"},
        {"AutoScalingCreationPolicy": {}},
    ],
)
def test_wrong_policies(policy: Any) -> None:
    with pytest.raises(ServiceError):
        on_creation(INSTANCE, policy)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT15M", 900), ("PT1H30M10S", 5410), ("PT0S", 0), ("PT12H", 43200), ("PT720M", 43200)],
)
def test_durations(text: str, seconds: int) -> None:
    assert duration_seconds("Timeout", text) == seconds


@pytest.mark.parametrize("text", ["", "15M", "PT", "P1D", "PT12H1S", "PT-5M", "PT5", "pt5m", 300])
def test_durations_that_are_none(text: Any) -> None:
    with pytest.raises(ServiceError, match="Timeout must be an ISO 8601 duration"):
        duration_seconds("Timeout", text)


def test_signals() -> None:
    two = SignalsWanted(2, 60)
    assert verdict(two, {"a": S}, timed_out=False) is None
    assert verdict(two, {"a": S, "b": S}, timed_out=False) is True
    assert verdict(two, {"a": S, "b": F}, timed_out=False) == (
        "Received FAILURE signal with UniqueId b"
    )
    assert (
        verdict(two, {"a": S}, timed_out=True)
        == missing(two, {"a": S})
        == ("Failed to receive 1 resource signal(s) within the specified duration")
    )


def test_signals_of_a_group() -> None:
    half = SignalsWanted(3, 60, 50.0)
    assert verdict(half, {"a": S, "b": S}, timed_out=False) is None, "the third may come"
    assert verdict(half, {"a": S, "b": S}, timed_out=True) is True
    assert verdict(half, {"a": S, "b": S, "c": F}, timed_out=False) is True
    assert verdict(half, {"a": S, "b": F, "c": F}, timed_out=False) == (
        "Received 2 FAILURE signal(s) out of 3.  Unable to satisfy 50% "
        "MinSuccessfulInstancesPercent requirement"
    )
    assert verdict(half, {"a": S}, timed_out=True) == (
        "Received 1 SUCCESS signal(s) out of 3.  Unable to satisfy 50% "
        "MinSuccessfulInstancesPercent requirement"
    )


def rolling(**more: Any) -> dict[str, Any]:
    return {"AutoScalingRollingUpdate": {"WaitOnResourceSignals": "true", **more}}


ONE, TWO = ({"MinSize": "4", "LaunchTemplate": {"Version": each}} for each in ("1", "2"))


@pytest.mark.parametrize(
    ("policy", "after", "wanted"),
    [
        (None, TWO, None),
        (rolling(), TWO, SignalsWanted(4, 1200, 100.0)),
        (rolling(MaxBatchSize=3, PauseTime="PT1M"), TWO, SignalsWanted(4, 120, 100.0)),
        (rolling(MinSuccessfulInstancesPercent=75), TWO, SignalsWanted(4, 1200, 75.0)),
        (rolling(), {**TWO, "DesiredCapacity": 6}, SignalsWanted(6, 1800, 100.0)),
        (rolling(), {**TWO, "MinSize": 0}, None),
        (rolling(), {**ONE, "MinSize": 2}, None),
        (rolling(WaitOnResourceSignals=False), TWO, None),
        ({"AutoScalingReplacingUpdate": {"WillReplace": False}}, TWO, None),
    ],
)
def test_on_update(policy: Any, after: Any, wanted: SignalsWanted | None) -> None:
    assert on_update(AUTO_SCALING_GROUP, policy, ONE, after) == wanted


def test_groups_are_not_replaced() -> None:
    policy = {"AutoScalingReplacingUpdate": {"WillReplace": True}}
    assert on_update(AUTO_SCALING_GROUP, policy, ONE, {**ONE, "MinSize": 1}) is None
    with pytest.raises(ServiceError, match="does not replace Auto Scaling groups"):
        on_update(AUTO_SCALING_GROUP, policy, ONE, TWO)


def test_problems() -> None:
    assert (
        problem("AWS::Lambda::Alias", "UpdatePolicy", {"CodeDeployLambdaAliasUpdate": {}}) is None
    )
    assert "is not supported for" in (problem("AWS::SQS::Queue", "CreationPolicy", {}) or "")
    found = problem(INSTANCE, "CreationPolicy", {"StartFleet": True})
    assert found == "CreationPolicy of AWS::EC2::Instance has ResourceSignal; found StartFleet"
