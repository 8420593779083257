"""A Task: containers that share a network namespace and volumes (design: one abstraction).

These are values. `docker_runner.py` brings them to life; every name on the engine is
derived from the instance's and the Task's id, so starting a Task twice finds the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class VolumeMount:
    """A named volume of the engine at `path` inside a container."""

    volume: str
    path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file put into a container before it starts (through the engine's archive API)."""

    path: str
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of the engine, made before the containers that mount it.

    One with `of_task` is removed with the Task; others stay.
    """

    name: str
    of_task: bool
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A port of the Task's network on 127.0.0.1 of the engine's host; `host_port` 0 takes a free
    one."""

    container_port: int
    host_port: int = 0
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How the engine finds out whether a container is well; `test` as Docker writes it
    (`CMD`, ...), `("NONE",)` for no check whatever the image says."""

    test: Sequence[str]
    interval_seconds: int = 30
    timeout_seconds: int = 5
    retries: int = 3
    start_period_seconds: int = 0


NO_HEALTH_CHECK = HealthCheck(("NONE",))


@dataclass(frozen=True, slots=True)
class Ulimit:
    """One of a container's resource limits (`nofile`)."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container of a Task.

    `command` replaces the image's entrypoint and command. Without it, `entrypoint` and
    `arguments` replace one each; None is the image's own.
    """

    name: str
    image: str
    """An image name as the user wrote it; resolved by `images.py`."""
    command: Sequence[str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str | None = None
    user: str | None = None
    privileged: bool = False
    mounts: Sequence[VolumeMount] = ()
    files: Sequence[File] = ()
    memory_bytes: int | None = None
    cpus: float | None = None
    pull_credentials: str | None = None
    """A registry token for the runner's pull; never enters the container."""
    entrypoint: Sequence[str] | None = None
    arguments: Sequence[str] | None = None
    health_check: HealthCheck | None = None
    """None is the image's own."""
    memory_reservation_bytes: int | None = None
    cpu_shares: int | None = None
    ulimits: Sequence[Ulimit] = ()
    read_only_root: bool = False
    init: bool = False
    """A small init process reaps what the container's own leave behind."""
    most_log_bytes: int | None = None
    """Of its output on the engine's disk, what is older being dropped; None keeps it whole, for a
    restart to replay."""
    interactive: bool = False
    shared_memory_bytes: int | None = None
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    """Path to mount options (`size=64m,noexec`)."""
    added_capabilities: Sequence[str] = ()
    dropped_capabilities: Sequence[str] = ()
    no_new_privileges: bool = False
    """No process gets more than its parent has, by a setuid file for example."""
    most_processes: int | None = None
    """Threads too; None is far from what the host has."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A Task: its id (deterministic, e.g. the build's uuid), containers, and role.

    `role_credentials_token` is the 256-bit token under which the Task's containers read
    their role's credentials at 169.254.170.2; None gives the Task no credentials.
    """

    id: str
    kind: str
    """`build`, `ecs` or `function`; a label on the engine's objects."""
    containers: Sequence[ContainerSpec]
    role_credentials_token: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    volumes: Sequence[Volume] = ()
    ports: Sequence[PublishedPort] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Name to address, in every container's /etc/hosts."""
    hostname: str | None = None
    outside: bool = True
    """False leaves the Task without a network but its own loopback."""


@dataclass(frozen=True, slots=True)
class ContainerState:
    """What the engine says of one container of a Task."""

    name: str
    running: bool
    exit_code: int | None
    oom_killed: bool
    error: str
    started: bool = False
    """It has run, or runs."""
    health: str | None = None
    """`starting`, `healthy` or `unhealthy`; None without a health check."""
    container_id: str = ""
    image_digest: str | None = None
    """`sha256:…` of the image as its registry has it; None for one that came from none."""
    stop_signal: str = "SIGTERM"


@dataclass(frozen=True, slots=True)
class SandboxState:
    """What the engine says of a Task's sandbox; `ports` are as they are published."""

    running: bool
    ipv4: str | None
    ports: Sequence[PublishedPort] = ()
