"""What a task does next: pure, from what is stored and what the engine shows to decisions.

    PROVISIONING → PENDING → ACTIVATING → RUNNING
        → DEACTIVATING → STOPPING → DEPROVISIONING → STOPPED

PENDING prepares: roles, secrets, images, containers. ACTIVATING starts the containers in the order
of their dependencies. STOPPING ends them in the reverse order: SIGTERM, then SIGKILL.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
Texts of dependencies that were not met: unverified.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from penstock.containers.task import ContainerState
from penstock.workloads.task_records import ContainerRecord, HealthStatus, TaskRecord, TaskStatus

START_TIMEOUT_SECONDS = 180
STOP_TIMEOUT_SECONDS = 30
"""The agent's defaults on Linux."""

PENDING, RUNNING, STOPPED = "PENDING", "RUNNING", "STOPPED"
ESSENTIAL_EXITED = "EssentialContainerExited"
FAILED_TO_START = "TaskFailedToStart"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
GONE = "CannotInspectContainerError: the container is gone from the container engine"

_HEALTH = {"healthy": HealthStatus.HEALTHY, "unhealthy": HealthStatus.UNHEALTHY}


@dataclass(frozen=True, slots=True)
class Dependency:
    """A container that another waits for, and until when (ContainerCondition)."""

    name: str
    condition: str


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """What the task definition says of one container's life; times in seconds."""

    name: str
    essential: bool = True
    depends_on: Sequence[Dependency] = ()
    start_timeout: int = START_TIMEOUT_SECONDS
    stop_timeout: int = STOP_TIMEOUT_SECONDS
    checks_health: bool = False


Plan = Mapping[str, ContainerPlan]
Change = Callable[[ContainerRecord], ContainerRecord]


@dataclass(frozen=True, slots=True)
class Observed:
    """What the engine shows of a task. `sandbox` says whether its network is there."""

    containers: Mapping[str, ContainerState]
    sandbox: bool


@dataclass(frozen=True, slots=True)
class Prepare:
    """Have the task's containers made."""

    cause: str


@dataclass(frozen=True, slots=True)
class StartContainer:
    """Start a prepared container."""

    name: str
    cause: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never start a container; it counts as stopped, with `reason`."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Signal:
    """Tell a container to stop: its image's stop signal, or SIGKILL with `kill`."""

    name: str
    kill: bool
    cause: str


@dataclass(frozen=True, slots=True)
class Move:
    """Go on to a status. With a `stop_code`, the task is wanted no more, for `reason`."""

    status: TaskStatus
    cause: str
    stop_code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove all that the task has on the engine; then it is STOPPED."""

    cause: str


Decision = Prepare | StartContainer | GiveUp | Signal | Move | Remove


def seen(task: TaskRecord, plan: Plan, observed: Observed, now: datetime) -> TaskRecord:
    """Return the task with what the engine shows of its containers."""
    containers = tuple(
        _seen_container(each, observed.containers.get(each.name), now) for each in task.containers
    )
    return replace(task, containers=containers, health_status=_health(containers, plan))


def decide(task: TaskRecord, plan: Plan, *, sandbox: bool, now: datetime) -> list[Decision]:
    """Return what happens next to a task whose containers are as `seen` has them.

    `sandbox` says whether the task's network is there. Nothing means: wait.
    """
    match task.last_status:
        case TaskStatus.PROVISIONING | TaskStatus.PENDING:
            return _before_containers(task)
        case TaskStatus.ACTIVATING | TaskStatus.RUNNING:
            return _alive(task, plan, sandbox, now)
        case TaskStatus.DEACTIVATING:
            return [Move(TaskStatus.STOPPING, "its containers can be stopped")]
        case TaskStatus.STOPPING:
            return _stopping(task, plan, now)
        case TaskStatus.DEPROVISIONING:
            return [Remove("its containers have stopped")]
        case TaskStatus.STOPPED:
            return []


def moved(task: TaskRecord, move: Move, now: datetime) -> TaskRecord:
    """Return the task after a move; the first stop code and reason stay."""
    task = replace(task, last_status=move.status)
    if move.stop_code is not None and task.stop_code is None:
        task = replace(task, stop_code=move.stop_code, stopped_reason=move.reason)
    if move.stop_code is not None or move.status is TaskStatus.DEPROVISIONING:
        task = replace(task, desired_status=TaskStatus.STOPPED, stopping_at=task.stopping_at or now)
    match move.status:
        case TaskStatus.RUNNING:
            return replace(task, started_at=now)
        case TaskStatus.DEPROVISIONING:
            return replace(task, execution_stopped_at=now)
        case TaskStatus.STOPPED:
            stopped = tuple(replace(each, last_status=STOPPED) for each in task.containers)
            return replace(task, containers=stopped, stopped_at=now)
    return task


def given_up(task: TaskRecord, name: str, reason: str) -> TaskRecord:
    """Return the task with a container that was never started counted as stopped."""
    return with_container(
        task, name, lambda each: replace(each, last_status=STOPPED, reason=reason)
    )


def with_container(task: TaskRecord, name: str, change: Change) -> TaskRecord:
    """Return the task with one container replaced by what `change` makes of it."""
    return replace(
        task,
        containers=tuple(change(each) if each.name == name else each for each in task.containers),
    )


def _seen_container(
    record: ContainerRecord, state: ContainerState | None, now: datetime
) -> ContainerRecord:
    if record.last_status == STOPPED:
        return record
    if state is None:
        return replace(record, last_status=STOPPED, reason=GONE)
    record = replace(record, runtime_id=state.container_id, image_digest=state.image_digest)
    if not state.started:
        return record
    record = replace(record, started_at=record.started_at or now, last_status=RUNNING)
    if state.running:
        health = _HEALTH.get(state.health or "", HealthStatus.UNKNOWN)
        return replace(record, health_status=health)
    if state.exit_code is None:
        return record
    reason = OUT_OF_MEMORY if state.oom_killed and state.exit_code else state.error or None
    return replace(
        record, last_status=STOPPED, exit_code=state.exit_code, reason=record.reason or reason
    )


def _health(containers: Sequence[ContainerRecord], plan: Plan) -> HealthStatus:
    """A task is as well as its essential containers that have a health check."""
    checked = [
        each.health_status
        for each in containers
        if plan[each.name].essential and plan[each.name].checks_health
    ]
    if HealthStatus.UNHEALTHY in checked:
        return HealthStatus.UNHEALTHY
    if not checked or HealthStatus.UNKNOWN in checked:
        return HealthStatus.UNKNOWN
    return HealthStatus.HEALTHY


def _before_containers(task: TaskRecord) -> list[Decision]:
    if task.desired_status is TaskStatus.STOPPED:
        return [Move(TaskStatus.DEPROVISIONING, "it was stopped before its containers started")]
    if task.last_status is TaskStatus.PROVISIONING:
        return [Move(TaskStatus.PENDING, "this host takes it")]
    return [Prepare("it is wanted")]


def _alive(task: TaskRecord, plan: Plan, sandbox: bool, now: datetime) -> list[Decision]:
    if task.desired_status is TaskStatus.STOPPED:
        return [Move(TaskStatus.DEACTIVATING, f"stopped: {task.stopped_reason}")]
    ended = [
        each
        for each in task.containers
        if each.last_status == STOPPED and plan[each.name].essential
    ]
    if ended:
        return [_end(task, ended[0])]
    if not sandbox:
        reason = "The network of the task is gone from the container engine"
        return [Move(TaskStatus.DEACTIVATING, reason, ESSENTIAL_EXITED, reason)]
    if task.last_status is TaskStatus.RUNNING:
        return []
    waiting = [each for each in task.containers if each.last_status == PENDING]
    if not waiting:
        return [Move(TaskStatus.RUNNING, "every container has started")]
    return [
        decision
        for each in waiting
        if (decision := _start(plan[each.name], task, plan, now)) is not None
    ]


def _end(task: TaskRecord, ended: ContainerRecord) -> Decision:
    cause = f"essential container {ended.name} has stopped"
    if ended.started_at is None:
        reason = ended.reason or "Task failed to start"
        return Move(TaskStatus.DEACTIVATING, cause, FAILED_TO_START, reason)
    reason = "Essential container in task exited"
    return Move(TaskStatus.DEACTIVATING, cause, ESSENTIAL_EXITED, reason)


def _start(
    container: ContainerPlan, task: TaskRecord, plan: Plan, now: datetime
) -> Decision | None:
    records = {each.name: each for each in task.containers}
    for dependency in container.depends_on:
        found = records[dependency.name]
        if _is_met(dependency, found):
            continue
        timeout = timedelta(seconds=plan[dependency.name].start_timeout)
        late = found.started_at is not None and now - found.started_at > timeout
        if found.last_status != STOPPED and not late:
            return None
        how = "has timed out" if late else "did not exit successfully"
        return GiveUp(
            container.name,
            f"DependencyError: container ordering dependency [{dependency.name}] for target "
            f"[{container.name}] {how} (condition {dependency.condition}).",
        )
    return StartContainer(container.name, "what it depends on is there")


def _is_met(dependency: Dependency, found: ContainerRecord) -> bool:
    match dependency.condition:
        case "START":
            return found.started_at is not None
        case "COMPLETE":
            return found.exit_code is not None
        case "SUCCESS":
            return found.exit_code == 0
        case _:
            return found.last_status == RUNNING and found.health_status is HealthStatus.HEALTHY


def _stopping(task: TaskRecord, plan: Plan, now: datetime) -> list[Decision]:
    running = {each.name: each for each in task.containers if each.last_status == RUNNING}
    if not running:
        return [Move(TaskStatus.DEPROVISIONING, "every container has stopped")]
    decisions: list[Decision] = []
    for name, record in running.items():
        timeout = timedelta(seconds=plan[name].stop_timeout)
        if record.signalled_at is None:
            if not _dependants(name, plan) & running.keys():
                decisions.append(Signal(name, kill=False, cause="the task is stopping"))
        elif now - record.signalled_at >= timeout:
            cause = f"it did not stop within {plan[name].stop_timeout} s"
            decisions.append(Signal(name, kill=True, cause=cause))
    return decisions


def _dependants(name: str, plan: Plan) -> set[str]:
    return {
        each.name
        for each in plan.values()
        if any(dependency.name == name for dependency in each.depends_on)
    }
