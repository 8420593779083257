"""Decides what happens next with a service: the rolling update, replacement, scaling, the breaker.

A round goes through fixed steps, each seeing what the steps before decided. New tasks count when
they are healthy: the container's check and the target groups' where there are any; otherwise a
task counts once it has run for 40 seconds, as on AWS. Of the old ones no more are taken out than
leave the minimum; one that goes is deregistered, drained, and only then stopped. A task that was
in service and fails a check once its deployment is complete serves on until its replacement is
healthy: load balancers ask unhealthy targets while there is no other.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from penstock.workloads.ecs.service_decisions import (
    CompleteDeployment,
    Decision,
    DeregisterTargets,
    DrainTask,
    EndService,
    FailDeployment,
    ForgetTask,
    ReachSteadyState,
    RegisterTargets,
    ReportTrouble,
    RetireDeployment,
    RollBackDeployment,
    StartTask,
    StopTask,
    TaskEnded,
    TaskFailed,
    TaskInService,
    TaskUnhealthy,
    applied,
)
from penstock.workloads.ecs.service_health import (
    Targets,
    back_off,
    is_healthy,
    is_taken,
    state_of,
    target_of,
)
from penstock.workloads.ecs.service_state import (
    Placement,
    RegisteredTarget,
    RolloutState,
    ServiceState,
    ServiceStatus,
    Stage,
    task_id_of,
)
from penstock.workloads.load_balancing.targets import TargetState
from penstock.workloads.task_records import HealthStatus, TaskRecord, TaskStatus

_CAUSE_STUCK = (
    "was unable to stop or start tasks during a deployment because of the service deployment "
    "configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
)
_CAUSE_FAILING = (
    "is unable to consistently start tasks successfully. For more information, see the "
    "Troubleshooting section of the Amazon ECS Developer Guide."
)
_FAILED_TO_START = "tasks failed to start."
_TOLD_AFTER_FAILURES = 3


def decide(
    service: ServiceState, tasks: Sequence[TaskRecord], targets: Targets, now: datetime
) -> list[Decision]:
    """Return what happens now, in order; empty when there is nothing to do but wait.

    `tasks` are those of the service's group; a placement without one has not been started yet.
    `targets` maps a target group's ARN to its targets' health; a group that no longer exists is
    absent. Each decision is to be applied with `applied`, then `outstanding` says what to do.
    """
    if service.status is ServiceStatus.INACTIVE:
        return []
    this = _Round(service, {task.task_id: task for task in tasks}, targets, now)
    _end_tasks(this)
    if service.status is ServiceStatus.DRAINING:
        _drain_service(this)
    else:
        _register(this)
        _judge_health(this)
        _break_circuit(this)
        _scale_down(this)
        _take_out_old(this)
        _make_room(this)
        _start(this)
        _report(this)
    _stop_drained(this)
    _forget(this)
    if service.status is ServiceStatus.DRAINING:
        if not this.service.placements:
            this.take(EndService(this.say("has no task left and is INACTIVE.")))
    else:
        _retire(this)
        _complete(this)
    return this.decisions


@dataclass(slots=True)
class _Round:
    """One round's view: what was observed, and the service as decided so far."""

    service: ServiceState
    tasks: Mapping[str, TaskRecord]
    targets: Targets
    now: datetime
    decisions: list[Decision] = field(default_factory=list)

    def take(self, decision: Decision) -> None:
        self.decisions.append(decision)
        self.service = applied(self.service, decision, self.now)

    def say(self, text: str) -> str:
        return f"(service {self.service.name}) {text}"

    def wanted(self, *, primary: bool) -> list[Placement]:
        """Placements that are to run, of the PRIMARY deployment or of all the others."""
        first = self.service.primary.id
        return [
            each
            for each in self.service.placements
            if each.stage is Stage.WANTED and (each.deployment_id == first) is primary
        ]

    def missing(self) -> int:
        """How many tasks of the PRIMARY deployment are to be started, replacements included."""
        staying = [each for each in self.wanted(primary=True) if not each.is_replaced]
        return self.service.desired_count - len(staying)

    def waits(self) -> bool:
        """Whether the failures so far forbid to start a task yet."""
        primary = self.service.primary
        failed_at = primary.last_failure_at or self.now
        return failed_at + back_off(primary.failed_in_a_row) > self.now

    def is_healthy(self, placement: Placement) -> bool:
        task = self.tasks.get(placement.task_id)
        return task is not None and is_healthy(
            self.service, placement, task, self.targets, self.now
        )

    def healthy(self) -> int:
        """How many tasks that are to run are healthy, of all deployments."""
        return sum(
            each.stage is Stage.WANTED and self.is_healthy(each) for each in self.service.placements
        )

    def alive(self) -> int:
        """How many tasks take up room: all that have not ended, draining ones too."""
        return sum(each.stage is not Stage.GONE for each in self.service.placements)

    def remove(self, placement: Placement, reason: str) -> None:
        """Take a task out: through draining when it is registered anywhere."""
        task = f"(task {placement.task_id})"
        if placement.targets:
            cause = self.say("has begun draining connections on 1 tasks.")
            self.take(DrainTask(placement.task_id, reason, cause))
            self.deregister(placement)
        else:
            cause = self.say(f"has stopped 1 running tasks: {task}.")
            self.take(StopTask(placement.task_id, reason, cause))

    def deregister(self, placement: Placement) -> None:
        for registered in placement.targets:
            group = registered.target_group_arn
            cause = self.say(f"deregistered 1 targets in (target-group {group})")
            self.take(DeregisterTargets(placement.task_id, registered, cause))


def _end_tasks(this: _Round) -> None:
    """Take notice of tasks that have STOPPED, wanted or not."""
    for placement in this.service.placements:
        task = this.tasks.get(placement.task_id)
        if placement.stage is Stage.GONE:
            continue
        if task is None:
            if placement.stage is Stage.STOPPING:
                cause = this.say(f"(task {placement.task_id}) was never started.")
                this.take(TaskEnded(placement.task_id, cause))
            continue
        if task.last_status is not TaskStatus.STOPPED:
            continue
        name, reason = f"(task {task.task_id})", task.stopped_reason or "no reason given"
        if placement.stage is Stage.WANTED and task.stop_code != "UserInitiated":
            cause = this.say(f"{name} failed: {reason}")
            this.take(TaskFailed(placement.task_id, placement.deployment_id, cause))
        this.take(TaskEnded(placement.task_id, this.say(f"{name} has stopped: {reason}")))
        if placement.stage is Stage.WANTED:
            this.deregister(placement)


def _register(this: _Round) -> None:
    for placement in this.service.placements:
        task = this.tasks.get(placement.task_id)
        if placement.stage is not Stage.WANTED or task is None:
            continue
        if task.last_status is not TaskStatus.RUNNING:
            continue
        there = {each.target_group_arn for each in placement.targets}
        for wanted in this.service.load_balancers:
            target = target_of(this.service, wanted, task)
            if target is None or wanted.target_group_arn in there:
                continue
            group = wanted.target_group_arn
            cause = this.say(f"registered 1 targets in (target-group {group})")
            registered = RegisteredTarget(group, target)
            this.take(RegisterTargets(placement.task_id, registered, cause))


def _judge_health(this: _Round) -> None:
    """Note tasks that have come into service; take out or mark those that failed a check."""
    for placement in this.service.placements:
        task = this.tasks.get(placement.task_id)
        if placement.stage is not Stage.WANTED or task is None:
            continue
        if this.is_healthy(placement):
            if not placement.was_in_service or placement.is_replaced:
                cause = this.say(f"(task {task.task_id}) is in service.")
                this.take(TaskInService(placement.task_id, cause))
            continue
        trouble = _trouble(this, placement, task)
        if trouble is None:
            continue
        reason, cause = trouble
        if not _serves_on(this, placement):
            this.take(TaskFailed(placement.task_id, placement.deployment_id, this.say(cause)))
            this.remove(placement, reason)
        elif not placement.is_replaced:
            this.take(TaskUnhealthy(placement.task_id, reason, this.say(cause)))


def _serves_on(this: _Round, placement: Placement) -> bool:
    """Whether a task that fails a check is replaced first; not while a deployment goes on."""
    primary = this.service.primary
    return (
        placement.was_in_service
        and placement.deployment_id == primary.id
        and primary.rollout_state is RolloutState.COMPLETED
    )


def _trouble(this: _Round, placement: Placement, task: TaskRecord) -> tuple[str, str] | None:
    """Return a failed check as (the task's stoppedReason, the event's text), or None."""
    if task.last_status is not TaskStatus.RUNNING:
        return None
    started = task.started_at or task.created_at
    if this.now - started < timedelta(seconds=this.service.grace_seconds):
        return None
    name = f"(task {task.task_id})"
    if task.health_status is HealthStatus.UNHEALTHY:
        return "Task failed container health checks", f"{name} failed container health checks."
    for registered in placement.targets:
        for health in this.targets.get(registered.target_group_arn, ()):
            if health.target == registered.target and health.state is TargetState.UNHEALTHY:
                group, port = registered.target_group_arn, registered.target.port
                why = health.description or health.reason or "Health checks failed"
                where = f"in (target-group {group})"
                cause = f"{name} (port {port}) is unhealthy {where} due to (reason {why})"
                return f"Task failed ELB health checks {where}", cause
    return None


def _break_circuit(this: _Round) -> None:
    service, primary = this.service, this.service.primary
    if not service.configuration.breaker_enabled:
        return
    if primary.rollout_state is not RolloutState.IN_PROGRESS:
        return
    if primary.failed_in_a_row < service.failure_threshold:
        return
    reason = f"ECS deployment circuit breaker: {_FAILED_TO_START}"
    cause = this.say(f"(deployment {primary.id}) deployment failed: {_FAILED_TO_START}")
    this.take(FailDeployment(primary.id, reason, cause))
    last = service.last_completed
    if not service.configuration.breaker_rollback or last is None or last.id == primary.id:
        return
    reason = f"ECS deployment circuit breaker: rolling back to deploymentId {last.id}."
    cause = this.say(f"rolling back to deployment {last.id}.")
    this.take(RollBackDeployment(primary.id, last.id, reason, cause))


def _scale_down(this: _Round) -> None:
    """Remove what the PRIMARY deployment has too many of: those out of service first.

    Of those to be replaced, as many as are not needed beside the healthy ones.
    """
    desired = this.service.desired_count
    surplus = [each for each in this.wanted(primary=True) if not each.is_replaced]
    surplus.sort(key=this.is_healthy)
    for placement in surplus[: max(len(surplus) - desired, 0)]:
        this.remove(placement, _scaling(this))
    left = this.wanted(primary=True)
    replaced = [each for each in left if each.is_replaced]
    serving = sum(each.is_replaced or this.is_healthy(each) for each in left)
    for placement in replaced[: max(serving - desired, 0)]:
        this.remove(placement, placement.stop_reason)


def _take_out_old(this: _Round) -> None:
    """Remove tasks of replaced deployments, as far as the minimum allows."""
    service = this.service
    if service.primary.rollout_state is RolloutState.FAILED:
        return
    old = this.wanted(primary=False)
    for placement in [each for each in old if not each.was_in_service]:
        this.remove(placement, _scaling(this))
    serving = sorted((each for each in old if each.was_in_service), key=this.is_healthy)
    for placement in serving:
        room = service.maximum_tasks - _staying(this)
        floor = service.minimum_healthy if this.missing() > room else service.desired_count
        spare = this.healthy() - floor
        if spare >= int(this.is_healthy(placement)):
            this.remove(placement, _scaling(this))


def _staying(this: _Round) -> int:
    """How many tasks take up room that nobody has begun to take out."""
    return sum(each.stage is Stage.WANTED for each in this.service.placements)


def _scaling(this: _Round) -> str:
    return f"Scaling activity initiated by (deployment {this.service.primary.id})"


def _make_room(this: _Round) -> None:
    """Take out one task that is to be replaced, where the maximum lets no other start before.

    One by one, as on AWS: nothing else may be on its way out or in.
    """
    replaced = [each for each in this.wanted(primary=True) if each.is_replaced]
    if not replaced or this.missing() <= 0 or this.waits():
        return
    settled = all(each.was_in_service for each in this.wanted(primary=True))
    if this.alive() >= this.service.maximum_tasks and settled and this.alive() == _staying(this):
        this.remove(replaced[0], replaced[0].stop_reason)


def _start(this: _Round) -> None:
    service, primary = this.service, this.service.primary
    if primary.rollout_state is RolloutState.FAILED or this.waits():
        return
    missing = this.missing()
    room = service.maximum_tasks - this.alive()
    for ordinal in range(primary.next_ordinal, primary.next_ordinal + max(min(missing, room), 0)):
        task_id = task_id_of(primary, ordinal)
        cause = this.say(f"has started 1 tasks: (task {task_id}).")
        this.take(StartTask(task_id, primary.id, ordinal, cause))


def _report(this: _Round) -> None:
    """Say what keeps the service from what it should be; once until it has changed."""
    service = this.service
    missing = this.missing()
    stuck = (
        missing > 0
        and missing == service.desired_count
        and all(each.stage is Stage.WANTED for each in service.placements)
        and len(service.placements) >= service.maximum_tasks
        and this.healthy() <= service.minimum_healthy
    )
    failing = service.primary.failed_in_a_row >= _TOLD_AFTER_FAILURES
    text = _CAUSE_FAILING if failing else _CAUSE_STUCK if stuck else None
    if text is not None and service.reported != this.say(text):
        this.take(ReportTrouble(this.say(text)))


def _drain_service(this: _Round) -> None:
    for placement in this.service.placements:
        if placement.stage is Stage.WANTED:
            this.remove(placement, _scaling(this))


def _stop_drained(this: _Round) -> None:
    for placement in this.service.placements:
        if placement.stage is Stage.DRAINING and not _remaining(this, placement):
            cause = this.say(f"has stopped 1 running tasks: (task {placement.task_id}).")
            this.take(StopTask(placement.task_id, placement.stop_reason, cause))


def _remaining(this: _Round, placement: Placement) -> bool:
    """Whether a target of a task is still in its group, and no other task has it by now."""
    return any(
        state_of(this.targets, each) is not None
        and not is_taken(this.service, placement.task_id, each)
        for each in placement.targets
    )


def _forget(this: _Round) -> None:
    for placement in this.service.placements:
        if placement.stage is Stage.GONE and not _remaining(this, placement):
            cause = this.say(f"(task {placement.task_id}) has no target left.")
            this.take(ForgetTask(placement.task_id, cause))


def _retire(this: _Round) -> None:
    """Let go of replaced deployments without tasks."""
    used = {each.deployment_id for each in this.service.placements if each.stage is not Stage.GONE}
    for deployment in this.service.deployments[1:]:
        if deployment.id not in used:
            cause = this.say(f"(deployment {deployment.id}) has no task left.")
            this.take(RetireDeployment(deployment.id, cause))


def _complete(this: _Round) -> None:
    service, primary = this.service, this.service.primary
    if primary.rollout_state is RolloutState.FAILED or len(service.deployments) > 1:
        return
    alive = [each for each in service.placements if each.stage is not Stage.GONE]
    if len(alive) != service.desired_count or this.healthy() != service.desired_count:
        return
    if primary.rollout_state is RolloutState.IN_PROGRESS:
        cause = this.say(f"(deployment {primary.id}) deployment completed.")
        this.take(CompleteDeployment(primary.id, cause))
    if not service.steady:
        this.take(ReachSteadyState(this.say("has reached a steady state.")))
