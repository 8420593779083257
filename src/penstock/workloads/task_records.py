"""An ECS task as the service scheduler and the API see it.

Statuses: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TaskStatus(StrEnum):
    """LastStatus, in the order of a task's life; DesiredStatus is RUNNING or STOPPED."""

    PROVISIONING = "PROVISIONING"
    PENDING = "PENDING"
    ACTIVATING = "ACTIVATING"
    RUNNING = "RUNNING"
    DEACTIVATING = "DEACTIVATING"
    STOPPING = "STOPPING"
    DEPROVISIONING = "DEPROVISIONING"
    STOPPED = "STOPPED"


class HealthStatus(StrEnum):
    """Of a container, and of a task: UNKNOWN without a health check."""

    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class NetworkBinding:
    """A published port (bridge mode)."""

    container_port: int
    host_port: int
    protocol: str = "tcp"
    bind_ip: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """One container of a task."""

    name: str
    image: str
    last_status: str = "PENDING"
    health_status: HealthStatus = HealthStatus.UNKNOWN
    image_digest: str | None = None
    runtime_id: str | None = None
    """The engine's container id."""
    exit_code: int | None = None
    reason: str | None = None
    network_bindings: Sequence[NetworkBinding] = ()
    started_at: datetime | None = None
    signalled_at: datetime | None = None
    """When it was first told to stop."""


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One ECS task. `group` is `service:NAME` or `family:NAME`; `started_by` a deployment's id."""

    task_id: str
    """32 hexadecimal characters, the last part of the ARN."""
    arn: str
    cluster_arn: str
    task_definition_arn: str
    group: str
    started_by: str | None
    last_status: TaskStatus
    desired_status: TaskStatus
    health_status: HealthStatus
    containers: Sequence[ContainerRecord]
    created_at: datetime
    started_at: datetime | None = None
    stopping_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    private_ipv4: str | None = None
    """The address of the task's sandbox, reachable from this host."""
    launch_type: str = "EC2"
    network_mode: str = "bridge"
    tags: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, object] = field(default_factory=dict)
    """The API's TaskOverride."""
    pull_started_at: datetime | None = None
    pull_stopped_at: datetime | None = None
    execution_stopped_at: datetime | None = None
    version: int = 1
    """Counts the changes; a change is conditional on it."""


@dataclass(frozen=True, slots=True)
class StartTask:
    """What a task is started with. The id is the caller's, so repeating starts nothing twice."""

    task_id: str
    cluster_arn: str
    task_definition_arn: str
    group: str
    started_by: str | None = None
    launch_type: str = "EC2"
    overrides: Mapping[str, object] = field(default_factory=dict)
    """The API's TaskOverride."""
    tags: Mapping[str, str] = field(default_factory=dict)
