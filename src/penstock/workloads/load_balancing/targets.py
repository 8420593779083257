"""Targets of a target group and how healthy they are.

States: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from dataclasses import dataclass
from enum import StrEnum


class TargetState(StrEnum):
    """TargetHealthStateEnum."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Target:
    """`id` is an IPv4 address (target type `ip`) or the host's EC2 instance id (`instance`)."""

    id: str
    port: int


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """One target as DescribeTargetHealth tells it; `reason` as `Target.FailedHealthChecks`."""

    target: Target
    state: TargetState
    reason: str | None = None
    description: str | None = None
