"""From what HAProxy says of a target to what DescribeTargetHealth says: pure.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from penstock.workloads.load_balancing.records import HealthCheck
from penstock.workloads.load_balancing.runtime import ObservedServer
from penstock.workloads.load_balancing.targets import TargetState

_TIMED_OUT = ("L4TOUT", "L6TOUT", "L7TOUT")


@dataclass(frozen=True, slots=True)
class Health:
    """A state with the reason and description that AWS gives it."""

    state: TargetState
    reason: str | None = None
    description: str | None = None


HEALTHY = Health(TargetState.HEALTHY)
REGISTERING = Health(
    TargetState.INITIAL, "Elb.RegistrationInProgress", "Target registration is in progress"
)
CHECKING = Health(
    TargetState.INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress"
)
NOT_IN_USE = Health(
    TargetState.UNUSED,
    "Target.NotInUse",
    "Target group is not configured to receive traffic from the load balancer",
)
NOT_REGISTERED = Health(
    TargetState.UNUSED,
    "Target.NotRegistered",
    "Target is not registered to the target group",
)
DRAINING = Health(
    TargetState.DRAINING,
    "Target.DeregistrationInProgress",
    "Target deregistration is in progress",
)


def health(
    before: TargetState,
    registered_at: datetime,
    check: HealthCheck,
    seen: ObservedServer | None,
    now: datetime,
) -> Health:
    """Return a registered target's health, its group being in use.

    A new target is `initial` until a check succeeds, or as many failed as make it unhealthy.
    """
    if seen is None or seen.stopped or not seen.weight:
        return REGISTERING if before in {TargetState.INITIAL, TargetState.UNUSED} else CHECKING
    if seen.up:
        return HEALTHY
    if before in {TargetState.INITIAL, TargetState.UNUSED}:
        patience = timedelta(seconds=check.interval_seconds * check.unhealthy_threshold)
        undecided = seen.passed or not seen.check_status or seen.check_status == "INI"
        if undecided or now - registered_at < patience:
            return CHECKING
    return _unhealthy(seen)


def _unhealthy(seen: ObservedServer) -> Health:
    if seen.check_status in _TIMED_OUT:
        return Health(TargetState.UNHEALTHY, "Target.Timeout", "Request timed out")
    if seen.check_status == "L7STS":
        return Health(
            TargetState.UNHEALTHY,
            "Target.ResponseCodeMismatch",
            f"Health checks failed with these codes: [{seen.check_code}]",
        )
    return Health(TargetState.UNHEALTHY, "Target.FailedHealthChecks", "Health checks failed")
