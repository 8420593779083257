"""Whether a task of a service counts, where it is reached, and when to look again. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from penstock.workloads.ecs.service_state import (
    Placement,
    RegisteredTarget,
    ServiceLoadBalancer,
    ServiceState,
    Stage,
)
from penstock.workloads.load_balancing.targets import Target, TargetHealth, TargetState
from penstock.workloads.task_records import HealthStatus, TaskRecord, TaskStatus

Targets = Mapping[str, Sequence[TargetHealth]]

COUNTED_AFTER = timedelta(seconds=40)
"""How long a task without any health check must run to count as healthy."""
LONGEST_BACK_OFF = timedelta(minutes=27)


def is_healthy(
    service: ServiceState,
    placement: Placement,
    task: TaskRecord,
    targets: Targets,
    now: datetime,
) -> bool:
    """Tell whether a task counts: running, and healthy by every check that it has."""
    if task.last_status is not TaskStatus.RUNNING or task.desired_status is not TaskStatus.RUNNING:
        return False
    deployment = service.deployment(placement.deployment_id)
    checked = deployment is not None and deployment.has_health_check
    if checked and task.health_status is not HealthStatus.HEALTHY:
        return False
    if service.load_balancers:
        return len(placement.targets) == len(service.load_balancers) and all(
            state_of(targets, each) is TargetState.HEALTHY for each in placement.targets
        )
    started = task.started_at or task.created_at
    return checked or now - started >= COUNTED_AFTER


def target_of(
    service: ServiceState, wanted: ServiceLoadBalancer, task: TaskRecord
) -> Target | None:
    """Return where a load balancer reaches a task; None while it has no address or port yet."""
    if wanted.target_type == "ip":
        return Target(task.private_ipv4, wanted.container_port) if task.private_ipv4 else None
    for container in task.containers:
        for binding in container.network_bindings:
            if (container.name, binding.container_port) == (
                wanted.container_name,
                wanted.container_port,
            ):
                return Target(service.ec2_instance_id, binding.host_port)
    return None


def back_off(failed_in_a_row: int) -> timedelta:
    """Return how long after the last failure the next task may start: 0, 1, 2, 4 … seconds.

    AWS tells the longest delay only; the growth is unverified.
    """
    if failed_in_a_row == 0:
        return timedelta()
    return min(timedelta(seconds=2.0 ** min(failed_in_a_row - 1, 20)), LONGEST_BACK_OFF)


def next_look(service: ServiceState, tasks: Sequence[TaskRecord], now: datetime) -> datetime | None:
    """Return when time alone may change what is decided; None when only an event can."""
    moments = [
        (task.started_at or task.created_at) + delay
        for task in tasks
        if task.last_status is TaskStatus.RUNNING
        for delay in (COUNTED_AFTER, timedelta(seconds=service.grace_seconds))
    ]
    if service.deployments and (failed_at := service.primary.last_failure_at) is not None:
        moments.append(failed_at + back_off(service.primary.failed_in_a_row))
    return min((moment for moment in moments if moment > now), default=None)


def state_of(targets: Targets, registered: RegisteredTarget) -> TargetState | None:
    """The state of a target in its group; None when it is not there."""
    for health in targets.get(registered.target_group_arn, ()):
        if health.target == registered.target:
            return health.state
    return None


def is_taken(service: ServiceState, task_id: str, registered: RegisteredTarget) -> bool:
    """Tell whether a task other than `task_id` that is to run has this very target: an address
    is used again soon after its task has ended."""
    return any(
        each.stage is Stage.WANTED and each.task_id != task_id and registered in each.targets
        for each in service.placements
    )
