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
class ContainerSpec:
    """One container of a Task. `command` replaces the image's entrypoint and command."""

    name: str
    image: str
    """An image name as the user wrote it; resolved by `images.py`."""
    command: Sequence[str]
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


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A Task: its id (deterministic, e.g. the build's uuid), containers, and role.

    `role_credentials_token` is the 256-bit token under which the Task's containers read
    their role's credentials at 169.254.170.2; None gives the Task no credentials.
    """

    id: str
    kind: str
    """`build` so far; a label on the engine's objects."""
    containers: Sequence[ContainerSpec]
    role_credentials_token: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContainerState:
    """What the engine says of one container of a Task."""

    name: str
    running: bool
    exit_code: int | None
    oom_killed: bool
    error: str
