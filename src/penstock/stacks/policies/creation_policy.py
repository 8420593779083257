"""CreationPolicy and UpdatePolicy: how many signals a resource waits for, and what they come to.

Pure. A resource fails with its first FAILURE; an Auto Scaling group counts them, by the share of
its instances that must succeed. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-creationpolicy.html
and .../aws-attribute-updatepolicy.html
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.stacks.template.errors import invalid

AUTO_SCALING_GROUP = "AWS::AutoScaling::AutoScalingGroup"
WAIT_CONDITION = "AWS::CloudFormation::WaitCondition"
CREATION_POLICIES: Mapping[str, frozenset[str]] = {
    "AWS::AppStream::Fleet": frozenset({"StartFleet"}),
    AUTO_SCALING_GROUP: frozenset({"AutoScalingCreationPolicy", "ResourceSignal"}),
    WAIT_CONDITION: frozenset({"ResourceSignal"}),
    "AWS::EC2::Instance": frozenset({"ResourceSignal"}),
}
"""The types that may have a CreationPolicy, and its members."""
UPDATE_POLICIES: Mapping[str, frozenset[str]] = {
    AUTO_SCALING_GROUP: frozenset(
        {"AutoScalingReplacingUpdate", "AutoScalingRollingUpdate", "AutoScalingScheduledAction"}
    ),
    "AWS::AppStream::Fleet": frozenset({"StopBeforeUpdate", "StartAfterUpdate"}),
    "AWS::ElastiCache::ReplicationGroup": frozenset({"UseOnlineResharding"}),
    "AWS::Elasticsearch::Domain": frozenset({"EnableVersionUpgrade"}),
    "AWS::Lambda::Alias": frozenset({"CodeDeployLambdaAliasUpdate"}),
    "AWS::OpenSearchService::Domain": frozenset({"EnableVersionUpgrade"}),
}
"""The types that may have an UpdatePolicy, and its members."""
_ROLLED = ("LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy", "VPCZoneIdentifier")
"""Properties of an Auto Scaling group whose change replaces its instances."""
_DURATION = re.compile(r"PT(?=\d)(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,5})S)?")
_LONGEST_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class SignalsWanted:
    """What a resource waits for, at most `timeout_seconds`."""

    count: int
    timeout_seconds: int
    least_percent: float | None = None
    """For an Auto Scaling group: how many of its instances must succeed."""


def on_creation(resource_type: str, policy: Mapping[str, Any] | None) -> SignalsWanted | None:
    """Return what an evaluated CreationPolicy waits for, None for nothing.

    Raises ServiceError for one that says what AWS does not know.
    """
    if not policy:
        return None
    _check("CreationPolicy", resource_type, policy)
    percent = _map(policy, "AutoScalingCreationPolicy").get("MinSuccessfulInstancesPercent", 100)
    least = None
    if resource_type == AUTO_SCALING_GROUP:
        least = float(_integer("MinSuccessfulInstancesPercent", percent, 100))
    if "ResourceSignal" not in policy:
        return None
    signal = _map(policy, "ResourceSignal")
    count = _integer("Count", signal.get("Count", 1), 1_000_000)
    timeout = duration_seconds("Timeout", signal.get("Timeout", "PT5M"))
    return SignalsWanted(count, timeout, least) if count else None


def missing_properties(
    resource_type: str, wanted: SignalsWanted | None, properties: Mapping[str, Any]
) -> list[str]:
    """Return what a wait condition lacks that has no CreationPolicy. Texts: unverified."""
    if resource_type != WAIT_CONDITION or wanted is not None:
        return []
    needed = [name for name in ("Handle", "Timeout") if name not in properties]
    return [f"#: required key [{name}] not found" for name in needed]


def on_update(
    resource_type: str,
    policy: Mapping[str, Any] | None,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> SignalsWanted | None:
    """Return what an evaluated UpdatePolicy waits for when `before` becomes `after`.

    Raises ServiceError for a policy that AWS does not know, or that would have no effect here.
    """
    if not policy:
        return None
    _check("UpdatePolicy", resource_type, policy)
    rolling = _map(policy, "AutoScalingRollingUpdate")
    rolled = any(before.get(name) != after.get(name) for name in _ROLLED)
    if resource_type != AUTO_SCALING_GROUP or not rolled:
        return None
    if _true(_map(policy, "AutoScalingReplacingUpdate").get("WillReplace")):
        raise invalid(
            "Penstock does not replace Auto Scaling groups for AutoScalingReplacingUpdate: give "
            "the group another logical id, or use AutoScalingRollingUpdate."
        )
    if not _true(rolling.get("WaitOnResourceSignals")):
        return None
    instances = _integer(
        "DesiredCapacity", after.get("DesiredCapacity", after.get("MinSize", 0)), 1_000_000
    )
    at_once = max(1, _integer("MaxBatchSize", rolling.get("MaxBatchSize", 1), 1_000_000))
    pause = duration_seconds("PauseTime", rolling.get("PauseTime", "PT5M"))
    percent = rolling.get("MinSuccessfulInstancesPercent", 100)
    if not instances:
        return None
    batches = math.ceil(instances / at_once)
    least = float(_integer("MinSuccessfulInstancesPercent", percent, 100))
    return SignalsWanted(instances, pause * batches, least)


def verdict(
    wanted: SignalsWanted, signals: Mapping[str, str], *, timed_out: bool
) -> str | bool | None:
    """Return True when enough has come, the reason of a failure, None where more may come.

    `signals` are statuses by unique id: SUCCESS or FAILURE.
    """
    failures = [name for name, status in signals.items() if status == "FAILURE"]
    successes = len(signals) - len(failures)
    if wanted.least_percent is None:
        if failures:  # slibitus in aws-quickstart/quickstart-linux-bastion#144
            return f"Received FAILURE signal with UniqueId {failures[0]}"
        if successes >= wanted.count:
            return True
        return missing(wanted, signals) if timed_out else None
    if len(signals) < wanted.count and not timed_out:
        return None
    if successes >= math.ceil(wanted.count * wanted.least_percent / 100):
        return True
    told = f"{len(failures)} FAILURE" if failures else f"{successes} SUCCESS"
    return (  # aws-samples/cdk-fargate-gitlab-runner#9
        f"Received {told} signal(s) out of {wanted.count}.  Unable to satisfy "
        f"{wanted.least_percent:g}% MinSuccessfulInstancesPercent requirement"
    )


def missing(wanted: SignalsWanted, signals: Mapping[str, str]) -> str:
    """Return what is told of signals that did not come in time."""
    if wanted.least_percent is None:  # Kurento/bugtracker#297
        successes = sum(status == "SUCCESS" for status in signals.values())
        left = wanted.count - successes
        return f"Failed to receive {left} resource signal(s) within the specified duration"
    left = wanted.count - len(signals)
    return (  # widdix/aws-cf-templates#565
        f"Failed to receive {left} resource signal(s) for the current batch.  Each resource signal "
        "timeout is counted as a FAILURE."
    )


def duration_seconds(name: str, value: Any) -> int:
    """Return an ISO 8601 duration of hours, minutes and seconds (`PT1H30M10S`) in seconds."""
    match = _DURATION.fullmatch(str(value))
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (99, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if total > _LONGEST_SECONDS:  # unverified
        raise invalid(
            f"{name} must be an ISO 8601 duration of at most PT12H, such as PT15M; found {value}"
        )
    return total


def problem(resource_type: str, name: str, policy: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a policy, evaluated or not: of a type that has none, or with
    members that AWS does not know. `name` is CreationPolicy or UpdatePolicy. Texts: unverified."""
    known = CREATION_POLICIES if name == "CreationPolicy" else UPDATE_POLICIES
    if resource_type not in known:
        return f"{name} is not supported for {resource_type}: it is for {', '.join(sorted(known))}"
    others = sorted(key for key in policy if key not in known[resource_type])
    if others:
        allowed = ", ".join(sorted(known[resource_type]))
        return f"{name} of {resource_type} has {allowed}; found {', '.join(others)}"
    return None


def _check(name: str, resource_type: str, policy: Mapping[str, Any]) -> None:
    wrong = problem(resource_type, name, policy)
    if wrong is not None:
        raise invalid(wrong)


def _map(policy: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = policy.get(name) or {}
    if not isinstance(value, Mapping):  # unverified
        raise invalid(f"{name} must be an object, found {value}")
    return value


def _integer(name: str, value: Any, most: int) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise invalid(f"{name} must be an integer from 0 to {most}, found {value}")  # unverified
    if int(text) > most:
        raise invalid(f"{name} must be an integer from 0 to {most}, found {value}")  # unverified
    return int(text)


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
