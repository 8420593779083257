"""A service as the scheduler sees it: what is wanted, its deployments, and its tasks.

Values only, stored as one JSON document. A task of a service has a placement from the moment at
which its start was decided until the world no longer shows it; what a placement says is what
must be true of the world, so that a restart finds what is left to do by comparing the two.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from penstock import ids
from penstock.workloads.load_balancing.targets import Target
from penstock.workloads.task_records import StartTask


class ServiceStatus(StrEnum):
    """A deleted service drains until its tasks are gone."""

    ACTIVE = "ACTIVE"
    DRAINING = "DRAINING"
    INACTIVE = "INACTIVE"


class RolloutState(StrEnum):
    """How a deployment stands."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Stage(StrEnum):
    """What is wanted of one task: to run; to end once its targets have drained; to end now."""

    WANTED = "WANTED"
    DRAINING = "DRAINING"
    STOPPING = "STOPPING"
    GONE = "GONE"
    """It has ended by itself; its targets are still to be deregistered."""


@dataclass(frozen=True, slots=True)
class ServiceLoadBalancer:
    """Where a service's tasks are registered: a container's port in a target group."""

    target_group_arn: str
    container_name: str
    container_port: int
    target_type: str
    """`ip` or `instance`."""


@dataclass(frozen=True, slots=True)
class DeploymentConfiguration:
    """Limits of a rolling update in percent of the desired count, and the circuit breaker."""

    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    breaker_enabled: bool = False
    breaker_rollback: bool = False


@dataclass(frozen=True, slots=True)
class Deployment:
    """One version of a service on its way in, in place, or on its way out."""

    id: str
    """`ecs-svc/` and 19 digits."""
    task_definition_arn: str
    has_health_check: bool
    """Whether an essential container of the task definition has one."""
    created_at: datetime
    updated_at: datetime
    rollout_state: RolloutState = RolloutState.IN_PROGRESS
    rollout_state_reason: str = ""
    failed_tasks: int = 0
    failed_in_a_row: int = 0
    last_failure_at: datetime | None = None
    next_ordinal: int = 0
    """Number of the next task to start; numbers are never used twice."""


@dataclass(frozen=True, slots=True)
class RegisteredTarget:
    """A task's place in a target group."""

    target_group_arn: str
    target: Target


@dataclass(frozen=True, slots=True)
class Placement:
    """One task that the service answers for."""

    task_id: str
    deployment_id: str
    stage: Stage = Stage.WANTED
    was_in_service: bool = False
    """Whether it has ever been running and healthy."""
    targets: tuple[RegisteredTarget, ...] = ()
    stop_reason: str = ""
    """Becomes the task's stoppedReason; of a WANTED task, why it is to be replaced."""

    @property
    def is_replaced(self) -> bool:
        """Whether the task runs on only until another one serves in its place."""
        return self.stage is Stage.WANTED and bool(self.stop_reason)


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service. `deployments` has the PRIMARY one first, the others newest first."""

    arn: str
    name: str
    cluster_arn: str
    ec2_instance_id: str
    """The host, as targets of type `instance` name it."""
    desired_count: int
    deployments: tuple[Deployment, ...]
    created_at: datetime
    status: ServiceStatus = ServiceStatus.ACTIVE
    configuration: DeploymentConfiguration = DeploymentConfiguration()
    load_balancers: tuple[ServiceLoadBalancer, ...] = ()
    grace_seconds: int = 0
    placements: tuple[Placement, ...] = ()
    last_completed: Deployment | None = None
    """The deployment to roll back to."""
    steady: bool = False
    """Whether the last thing said is that the service is steady."""
    reported: str | None = None
    """The standing trouble that was told and still holds: it is told once."""
    task_tags: Mapping[str, str] = field(default_factory=dict)
    """What every task is tagged with."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Members of the API's Service that the scheduler does not look at."""

    @property
    def primary(self) -> Deployment:
        """The deployment that the service is to have."""
        return self.deployments[0]

    @property
    def minimum_healthy(self) -> int:
        """Fewest healthy tasks during a deployment; AWS rounds up."""
        return math.ceil(self.desired_count * self.configuration.minimum_healthy_percent / 100)

    @property
    def maximum_tasks(self) -> int:
        """Most tasks that are not stopped; AWS rounds down."""
        return self.desired_count * self.configuration.maximum_percent // 100

    @property
    def failure_threshold(self) -> int:
        """Failed tasks in a row at which the circuit breaker opens.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
        """
        return min(max(math.ceil(self.desired_count * 0.5), 3), 200)

    def deployment(self, deployment_id: str) -> Deployment | None:
        """Return one of the service's deployments."""
        return next((each for each in self.deployments if each.id == deployment_id), None)

    def placement(self, task_id: str) -> Placement | None:
        """Return what is wanted of a task."""
        return next((each for each in self.placements if each.task_id == task_id), None)


def new_deployment_id() -> str:
    """Return `ecs-svc/` and 19 random digits."""
    digits = int(ids.new_uuid().replace("-", ""), 16) % (9 * 10**18) + 10**18
    return f"ecs-svc/{digits}"


def task_id_of(deployment: Deployment, ordinal: int) -> str:
    """Return the id of a deployment's task; the same for the same number."""
    return ids.derived_uuid("ecs service task", deployment.id, str(ordinal)).replace("-", "")


def start_of(service: ServiceState, placement: Placement) -> StartTask | None:
    """Return what a placement's task is started with; None when its deployment has gone."""
    deployment = service.deployment(placement.deployment_id)
    if deployment is None:
        return None
    return StartTask(
        task_id=placement.task_id,
        cluster_arn=service.cluster_arn,
        task_definition_arn=deployment.task_definition_arn,
        group=f"service:{service.name}",
        started_by=deployment.id,
        launch_type=str(service.settings.get("launchType", "EC2")),
        tags=service.task_tags,
    )


def to_document(service: ServiceState) -> dict[str, Any]:
    """Return the JSON document to store."""
    document: dict[str, Any] = msgspec.to_builtins(service)
    return document


def from_document(document: Mapping[str, Any]) -> ServiceState:
    """Read back what `to_document` made."""
    return msgspec.convert(document, ServiceState)
