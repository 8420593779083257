"""The Task of a build: one container that runs the agent. Pure, but for reading the agent."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from penstock.builds.build import Build
from penstock.builds.plan import Layout
from penstock.builds.project import COMPUTE_TYPES
from penstock.containers.task import ContainerSpec, File, TaskSpec, VolumeMount

CONTAINER = "build"
KIND = "build"
"""What a build's Task is labelled on the engine."""
_GB = 1024**3


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one build may have, whatever its compute type; None: the type decides.

    A container cannot have more CPUs than its engine's host, so `cpus` defaults to this host's.
    """

    memory_bytes: int | None = None
    cpus: float | None = float(os.cpu_count() or 1)


def build_task(
    build: Build,
    *,
    token: str,
    cache_volume: str | None,
    pull_token: str | None,
    layout: Layout,
    limits: Limits,
) -> TaskSpec:
    """Return the build's Task. `cache_volume` is a privileged build's layer cache."""
    environment: Mapping[str, Any] = build.configuration["environment"]
    gigabytes, vcpus = COMPUTE_TYPES[environment["computeType"]]
    memory = int(gigabytes * _GB)
    mounts = (VolumeMount(cache_volume, "/var/lib/docker"),) if cache_volume else ()
    container = ContainerSpec(
        name=CONTAINER,
        image=environment["image"],
        command=("/bin/sh", f"{layout.agent}/agent.sh", layout.agent, layout.state),
        privileged=bool(environment.get("privilegedMode")),
        user="0",
        working_directory="/",
        mounts=mounts,
        files=(File(f"{layout.agent}/agent.sh", agent_script(), 0o755),),
        memory_bytes=min(memory, limits.memory_bytes or memory),
        cpus=min(vcpus, limits.cpus or vcpus),
        pull_credentials=pull_token,
    )
    return TaskSpec(
        id=build.uuid,
        kind=KIND,
        containers=(container,),
        role_credentials_token=token,
        labels={"penstock.build": build.id},
    )


def agent_script() -> bytes:
    """Return the agent that every build container runs."""
    return resources.files("penstock.builds.agent").joinpath("agent.sh").read_bytes()
