"""What the service scheduler sees and does: tasks, and targets of target groups."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from penstock.aws.errors import ServiceError
from penstock.workloads.ecs.service_health import Targets
from penstock.workloads.ecs.service_state import RegisteredTarget, ServiceState
from penstock.workloads.load_balancing.targets import Target, TargetHealth
from penstock.workloads.task_records import StartTask, TaskRecord


class RunsTasks(Protocol):
    """Of ECS's tasks, what services use: `tasks.Tasks`, or a simulation."""

    async def start(self, wanted: StartTask) -> TaskRecord:
        """Start a task unless there is one with its id; ServiceError when it cannot be."""

    async def stop(self, task_id: str, reason: str, stop_code: str) -> TaskRecord | None:
        """Ask for a task's end; repeating it is harmless."""

    async def get(self, task_id: str) -> TaskRecord | None:
        """Return a task, or None."""

    async def of_group(self, cluster_arn: str, group: str) -> list[TaskRecord]:
        """Return a group's tasks that are not STOPPED or lately STOPPED."""


class TypedGroup(Protocol):
    """A target group."""

    @property
    def target_type(self) -> str:
        """`ip` or `instance`."""


class Uses(Protocol):
    """Load balancers and what they forward to."""

    def users(self, target_group_arn: str) -> Sequence[str]:
        """Return the ARNs of the load balancers that forward to a target group."""


class BalancesLoad(Protocol):
    """Of load balancing, what services use: `LoadBalancing`, or a simulation."""

    async def target_group(self, arn: str) -> TypedGroup | None:
        """Return a target group, or None."""

    async def snapshot(self) -> Uses:
        """Return who uses what."""

    async def register_targets(self, target_group_arn: str, targets: Sequence[Target]) -> None:
        """Register targets; ServiceError when the group is gone."""

    async def deregister_targets(self, target_group_arn: str, targets: Sequence[Target]) -> None:
        """Begin draining targets."""

    async def target_health(self, target_group_arn: str) -> list[TargetHealth]:
        """Return the health of the registered and of the draining targets."""


class ServiceWorld:
    """The world of services: observed as it is, changed by effects that may be repeated."""

    def __init__(self, tasks: RunsTasks, load_balancing: BalancesLoad) -> None:
        self._tasks = tasks
        self._load_balancing = load_balancing

    async def tasks(self, service: ServiceState) -> list[TaskRecord]:
        """Return a service's tasks; those it answers for also long after their end."""
        found = await self._tasks.of_group(service.cluster_arn, f"service:{service.name}")
        known = {task.task_id for task in found}
        wanted = [each.task_id for each in service.placements if each.task_id not in known]
        others = await asyncio.gather(*map(self._tasks.get, wanted))
        return found + [task for task in others if task is not None]

    async def targets(self, service: ServiceState) -> Targets:
        """Return the health of a service's targets; without groups that do not exist."""
        groups = {each.target_group_arn for each in service.load_balancers}
        for placement in service.placements:
            groups |= {each.target_group_arn for each in placement.targets}
        found = {}
        for group in sorted(groups):
            try:
                found[group] = await self._load_balancing.target_health(group)
            except ServiceError:
                continue
        return found

    async def start(self, wanted: StartTask) -> None:
        """Start a task; ServiceError when it cannot be."""
        await self._tasks.start(wanted)

    async def stop(self, task_id: str, reason: str, stop_code: str) -> None:
        """Ask for a task's end."""
        await self._tasks.stop(task_id, reason, stop_code)

    async def register(self, registered: RegisteredTarget) -> None:
        """Register a target; ServiceError when its group is gone."""
        await self._load_balancing.register_targets(
            registered.target_group_arn, [registered.target]
        )

    async def deregister(self, registered: RegisteredTarget) -> None:
        """Begin draining a target."""
        await self._load_balancing.deregister_targets(
            registered.target_group_arn, [registered.target]
        )
