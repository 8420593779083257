"""What the service scheduler may decide: one class per kind, and what each makes of a service.

Every decision carries its cause in the words of AWS's service events; `tells` says whether it
becomes one. `applied` is pure: the loop stores what it returns before anything is done.

Texts: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, assert_never

from penstock.workloads.ecs.service_state import (
    Deployment,
    Placement,
    RegisteredTarget,
    RolloutState,
    ServiceState,
    ServiceStatus,
    Stage,
    task_id_of,
)


@dataclass(frozen=True, slots=True)
class StartTask:
    """Start the deployment's task number `ordinal`."""

    tells: ClassVar[bool] = True
    task_id: str
    deployment_id: str
    ordinal: int
    cause: str


@dataclass(frozen=True, slots=True)
class RegisterTargets:
    """Register a running task in a target group."""

    tells: ClassVar[bool] = True
    task_id: str
    registered: RegisteredTarget
    cause: str


@dataclass(frozen=True, slots=True)
class TaskInService:
    """A task is running and healthy, for the first time or again."""

    tells: ClassVar[bool] = False
    task_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class DrainTask:
    """Deregister a task's targets; it is stopped when they have drained."""

    tells: ClassVar[bool] = True
    task_id: str
    reason: str
    """Becomes the task's stoppedReason."""
    cause: str


@dataclass(frozen=True, slots=True)
class DeregisterTargets:
    """Say that a target is deregistered, by `DrainTask` or because its task has ended."""

    tells: ClassVar[bool] = True
    task_id: str
    registered: RegisteredTarget
    cause: str


@dataclass(frozen=True, slots=True)
class StopTask:
    """Stop a task that has no target left."""

    tells: ClassVar[bool] = True
    task_id: str
    reason: str
    cause: str


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """Count a failure of the deployment: a task failed its health checks, or ended early."""

    tells: ClassVar[bool] = True
    task_id: str
    deployment_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class TaskUnhealthy:
    """A task that was in service fails its health checks; it stays until it is replaced."""

    tells: ClassVar[bool] = True
    task_id: str
    reason: str
    """Becomes the task's stoppedReason."""
    cause: str


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A task has STOPPED."""

    tells: ClassVar[bool] = False
    task_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class ForgetTask:
    """A task that has ended has no target left."""

    tells: ClassVar[bool] = False
    task_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class CompleteDeployment:
    """The deployment is what the service consists of."""

    tells: ClassVar[bool] = True
    deployment_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class FailDeployment:
    """The circuit breaker opens."""

    tells: ClassVar[bool] = True
    deployment_id: str
    reason: str
    cause: str


@dataclass(frozen=True, slots=True)
class RollBackDeployment:
    """Make the last completed deployment the PRIMARY one again."""

    tells: ClassVar[bool] = True
    deployment_id: str
    to_deployment_id: str
    reason: str
    cause: str


@dataclass(frozen=True, slots=True)
class RetireDeployment:
    """A deployment that was replaced has no task left."""

    tells: ClassVar[bool] = False
    deployment_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class ReachSteadyState:
    """Everything is as wanted."""

    tells: ClassVar[bool] = True
    cause: str


@dataclass(frozen=True, slots=True)
class ReportTrouble:
    """Say once what keeps the service from going on."""

    tells: ClassVar[bool] = True
    cause: str


@dataclass(frozen=True, slots=True)
class EndService:
    """A deleted service has no task left."""

    tells: ClassVar[bool] = False
    cause: str


Decision = (
    StartTask
    | RegisterTargets
    | TaskInService
    | DrainTask
    | DeregisterTargets
    | StopTask
    | TaskFailed
    | TaskUnhealthy
    | TaskEnded
    | ForgetTask
    | CompleteDeployment
    | FailDeployment
    | RollBackDeployment
    | RetireDeployment
    | ReachSteadyState
    | ReportTrouble
    | EndService
)


def applied(service: ServiceState, decision: Decision, now: datetime) -> ServiceState:
    """Return the service with one decision taken."""
    match decision:
        case StartTask():
            return _started(service, decision, now)
        case RegisterTargets(task_id=task_id, registered=registered):
            return _placed(service, task_id, lambda p: replace(p, targets=(*p.targets, registered)))
        case TaskInService(task_id=task_id):
            return _in_service(service, task_id)
        case DrainTask(task_id=task_id, reason=reason) | TaskUnhealthy(task_id, reason):
            stage = Stage.DRAINING if isinstance(decision, DrainTask) else Stage.WANTED
            return _leaving(service, task_id, stage, reason)
        case StopTask(task_id=task_id, reason=reason):
            return _leaving(service, task_id, Stage.STOPPING, reason)
        case TaskFailed(deployment_id=deployment_id):
            return _failed(service, deployment_id, now)
        case TaskEnded(task_id=task_id):
            return _leaving(service, task_id, Stage.GONE, "")
        case _:
            return _deployed(service, decision, now)


def _deployed(
    service: ServiceState,
    decision: DeregisterTargets
    | ForgetTask
    | CompleteDeployment
    | FailDeployment
    | RollBackDeployment
    | RetireDeployment
    | ReachSteadyState
    | ReportTrouble
    | EndService,
    now: datetime,
) -> ServiceState:
    match decision:
        case CompleteDeployment(deployment_id=deployment_id):
            reason = f"ECS deployment {deployment_id} completed."
            return _completed(service, deployment_id, reason, now)
        case FailDeployment(deployment_id=deployment_id, reason=reason):
            return _rolled_out(service, deployment_id, RolloutState.FAILED, reason, now)
        case RollBackDeployment():
            return _rolled_back(service, decision, now)
        case ForgetTask() | RetireDeployment():
            return _without(service, decision)
        case DeregisterTargets():  # the placement's stage says it
            return service
        case ReachSteadyState():
            return replace(service, steady=True, reported=None)
        case ReportTrouble(cause=cause):
            return replace(service, reported=cause)
        case EndService():
            return replace(service, status=ServiceStatus.INACTIVE, deployments=(), placements=())
        case _:
            assert_never(decision)


def _started(service: ServiceState, decision: StartTask, now: datetime) -> ServiceState:
    deployment = service.deployment(decision.deployment_id)
    assert deployment is not None
    assert decision.task_id == task_id_of(deployment, decision.ordinal)
    numbered = replace(deployment, next_ordinal=decision.ordinal + 1)
    placements = (*service.placements, Placement(decision.task_id, deployment.id))
    return replace(_with(service, numbered, now), placements=placements, steady=False)


def _leaving(service: ServiceState, task_id: str, stage: Stage, reason: str) -> ServiceState:
    """Move a task on its way out, or mark it for that; the first reason stays."""
    moved = _placed(
        service,
        task_id,
        lambda p: replace(p, stage=stage, stop_reason=p.stop_reason or reason),
    )
    return replace(moved, steady=False)


def _without(service: ServiceState, decision: ForgetTask | RetireDeployment) -> ServiceState:
    if isinstance(decision, ForgetTask):
        kept = tuple(each for each in service.placements if each.task_id != decision.task_id)
        return replace(service, placements=kept)
    left = tuple(each for each in service.deployments if each.id != decision.deployment_id)
    return replace(service, deployments=left)


def _in_service(service: ServiceState, task_id: str) -> ServiceState:
    placed = _placed(service, task_id, lambda p: replace(p, was_in_service=True, stop_reason=""))
    placement = placed.placement(task_id)
    deployment = placed.deployment(placement.deployment_id) if placement else None
    if deployment is None:
        return placed
    reset = replace(deployment, failed_in_a_row=0)
    deployments = tuple(reset if each.id == reset.id else each for each in placed.deployments)
    return replace(placed, deployments=deployments, reported=None)


def _failed(service: ServiceState, deployment_id: str, now: datetime) -> ServiceState:
    deployment = service.deployment(deployment_id)
    if deployment is None:
        return service
    counted = replace(
        deployment,
        failed_tasks=deployment.failed_tasks + 1,
        failed_in_a_row=deployment.failed_in_a_row + 1,
        last_failure_at=now,
    )
    return replace(_with(service, counted, now), steady=False)


def _completed(
    service: ServiceState, deployment_id: str, reason: str, now: datetime
) -> ServiceState:
    rolled = _rolled_out(service, deployment_id, RolloutState.COMPLETED, reason, now)
    return replace(rolled, last_completed=rolled.deployment(deployment_id))


def _rolled_out(
    service: ServiceState, deployment_id: str, state: RolloutState, reason: str, now: datetime
) -> ServiceState:
    deployment = service.deployment(deployment_id)
    assert deployment is not None
    rolled = replace(deployment, rollout_state=state, rollout_state_reason=reason)
    return _with(service, rolled, now)


def _rolled_back(
    service: ServiceState, decision: RollBackDeployment, now: datetime
) -> ServiceState:
    """The old deployment comes back under its id, with numbers of tasks that go on."""
    old = service.deployment(decision.to_deployment_id) or service.last_completed
    assert old is not None
    back = replace(
        old,
        rollout_state=RolloutState.IN_PROGRESS,
        rollout_state_reason=decision.reason,
        failed_tasks=0,
        failed_in_a_row=0,
        updated_at=now,
    )
    others = tuple(each for each in service.deployments if each.id != back.id)
    return replace(service, deployments=(back, *others), steady=False, reported=None)


def _placed(
    service: ServiceState, task_id: str, change: Callable[[Placement], Placement]
) -> ServiceState:
    placements = tuple(
        change(each) if each.task_id == task_id else each for each in service.placements
    )
    return replace(service, placements=placements)


def _with(service: ServiceState, deployment: Deployment, now: datetime) -> ServiceState:
    """Return the service with a deployment changed, and as the one to roll back to as well."""
    changed = replace(deployment, updated_at=now)
    deployments = tuple(changed if each.id == changed.id else each for each in service.deployments)
    last = service.last_completed
    if last is not None and last.id == changed.id:
        last = changed
    return replace(service, deployments=deployments, last_completed=last)
