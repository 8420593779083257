"""Load balancing and the engine's side of tasks as a test moves them: for ECS services."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.clock import utc_now
from penstock.storage import ecs_tasks, outbox
from penstock.storage.database import Database
from penstock.workloads.ecs import stored_tasks
from penstock.workloads.ecs.service_loop import TARGET_HEALTH_CHANGED
from penstock.workloads.load_balancing.targets import Target, TargetHealth, TargetState
from penstock.workloads.task_records import NetworkBinding, TaskRecord, TaskStatus

GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"
UNUSED = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/unused/0123456789abcdef"


@dataclass
class Group:
    """A target group; `used` by a load balancer or not."""

    target_type: str = "instance"
    used: bool = True
    targets: dict[Target, TargetHealth] = field(default_factory=dict)


@dataclass
class Balancing:
    """Target groups in memory; each change is announced as load balancing announces it."""

    database: Database
    groups: dict[str, Group] = field(
        default_factory=lambda: {GROUP: Group(), UNUSED: Group(used=False)}
    )
    calls: list[tuple[str, Target]] = field(default_factory=list)

    async def target_group(self, arn: str) -> Group | None:
        return self.groups.get(arn)

    async def snapshot(self) -> "Balancing":
        return self

    def users(self, target_group_arn: str) -> Sequence[str]:
        return ["arn:…:loadbalancer/app/web/1"] if self.groups[target_group_arn].used else []

    async def register_targets(self, target_group_arn: str, targets: Sequence[Target]) -> None:
        for target in targets:
            self.calls.append(("register", target))
            await self.set(target_group_arn, target, TargetState.INITIAL)

    async def deregister_targets(self, target_group_arn: str, targets: Sequence[Target]) -> None:
        for target in targets:
            self.calls.append(("deregister", target))
            await self.set(target_group_arn, target, TargetState.DRAINING)

    async def target_health(self, target_group_arn: str) -> list[TargetHealth]:
        if target_group_arn not in self.groups:
            raise ServiceError("TargetGroupNotFound", "One or more target groups not found")
        return list(self.groups[target_group_arn].targets.values())

    async def set(self, arn: str, target: Target, state: TargetState | None) -> None:
        """Give a target a state; None removes it."""
        if state is None:
            self.groups[arn].targets.pop(target, None)
        else:
            self.groups[arn].targets[target] = TargetHealth(target, state)
        await self.database.write(
            lambda c: outbox.publish(c, TARGET_HEALTH_CHANGED, arn, {}, utc_now())
        )

    async def move(self, health: Callable[[Target], TargetState]) -> None:
        """Let one step pass: new targets get the state that `health` gives, draining ones go."""
        for arn, group in self.groups.items():
            for target, found in list(group.targets.items()):
                if found.state is TargetState.INITIAL:
                    await self.set(arn, target, health(target))
                elif found.state is TargetState.DRAINING:
                    await self.set(arn, target, None)


def all_tasks(connection: sa.Connection, cluster_arn: str) -> list[TaskRecord]:
    rows = ecs_tasks.of_cluster(connection, cluster_arn, stopped_after=None)
    return [stored_tasks.record(row) for row in rows]


async def move_tasks(
    database: Database, cluster_arn: str, starts: Callable[[TaskRecord], bool]
) -> None:
    """Let one step pass on the engine's side: a task that is to run does so on a host port of its
    own, or dies when `starts` says no; one that is to stop has stopped."""

    def move(connection: sa.Connection) -> None:
        now = utc_now()
        for task in all_tasks(connection, cluster_arn):
            stopped = replace(
                task, last_status=TaskStatus.STOPPED, desired_status=TaskStatus.STOPPED,
                stopped_at=now,
            )  # fmt: skip
            if task.desired_status is TaskStatus.STOPPED:
                if task.last_status is not TaskStatus.STOPPED:
                    stored_tasks.change(connection, task, stopped, now)
            elif task.last_status is not TaskStatus.RUNNING and not starts(task):
                died = replace(
                    stopped, stop_code="TaskFailedToStart", stopped_reason="Task failed to start"
                )
                stored_tasks.change(connection, task, died, now)
            elif task.last_status is not TaskStatus.RUNNING:
                stored_tasks.change(connection, task, _running(task), now)

    await database.write(move)


def _running(task: TaskRecord) -> TaskRecord:
    port = 32768 + int(task.task_id[:6], 16) % 20000
    containers = [replace(task.containers[0], network_bindings=(NetworkBinding(80, port),))]
    return replace(
        task,
        last_status=TaskStatus.RUNNING,
        started_at=utc_now(),
        containers=(*containers, *task.containers[1:]),
        private_ipv4=f"172.30.{int(task.task_id[:2], 16)}.{int(task.task_id[2:4], 16)}",
    )
