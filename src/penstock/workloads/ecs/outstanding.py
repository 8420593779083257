"""What the world lacks of what a service's placements say: the effects that are left to do.

The same after a restart as before it: nothing here remembers what was tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.workloads.ecs.service_health import Targets, is_taken, state_of
from penstock.workloads.ecs.service_state import (
    RegisteredTarget,
    ServiceState,
    ServiceStatus,
    Stage,
    start_of,
)
from penstock.workloads.load_balancing.targets import TargetState
from penstock.workloads.task_records import StartTask, TaskRecord, TaskStatus

STOP_CODE = "ServiceSchedulerInitiated"


@dataclass(frozen=True, slots=True)
class Start:
    """Start a task; repeating it is harmless."""

    task: StartTask


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a task, with its stoppedReason."""

    task_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Register:
    """Register a target."""

    registered: RegisteredTarget


@dataclass(frozen=True, slots=True)
class Deregister:
    """Begin draining a target."""

    registered: RegisteredTarget


Effect = Start | Stop | Register | Deregister


def outstanding(
    service: ServiceState, tasks: Sequence[TaskRecord], targets: Targets
) -> list[Effect]:
    """Return what is to be done now: first what takes out, then what puts in."""
    if service.status is ServiceStatus.INACTIVE:
        return []
    known = {task.task_id: task for task in tasks}
    leaving: list[Effect] = []
    coming: list[Effect] = []
    for placement in service.placements:
        task = known.get(placement.task_id)
        if placement.stage is Stage.WANTED:
            if task is None and (start := start_of(service, placement)) is not None:
                coming.append(Start(start))
            for registered in placement.targets:
                state = state_of(targets, registered)
                if state is None or state is TargetState.DRAINING:
                    coming.append(Register(registered))
            continue
        for registered in placement.targets:
            state = state_of(targets, registered)
            taken = is_taken(service, placement.task_id, registered)
            if state is not None and state is not TargetState.DRAINING and not taken:
                leaving.append(Deregister(registered))
        stopping = placement.stage is Stage.STOPPING
        if stopping and task is not None and task.desired_status is not TaskStatus.STOPPED:
            leaving.append(Stop(placement.task_id, placement.stop_reason))
    return [*leaving, *coming]
