"""What the engine is asked for one container of a Task: pure, from spec to description."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from penstock.containers.certificates import MIRROR_HOST
from penstock.containers.sandbox import TaskEndpoints
from penstock.containers.task import ContainerSpec, File, HealthCheck, TaskSpec

_DOCKER_ROOT = "/var/lib/docker"
_CREDENTIALS_VARIABLE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_SECOND = 1_000_000_000
"""The engine counts in nanoseconds."""
_MOST_PROCESSES = 16_384
"""Threads too, those of a build's inner containers included: far from what the host has."""
_WHOLE = "1000p"
"""Never rotated, whatever the engine's own defaults: a restart replays from the beginning."""


def container_config(
    task: TaskSpec,
    spec: ContainerSpec,
    *,
    image: str,
    image_environment: Iterable[str],
    trusted_environment: Mapping[str, str],
    sandbox: str,
    labels: Mapping[str, str],
    privileged: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the engine's description of a container.

    Later wins: the image's variables, the host's trust and proxies, the Task's credentials
    address, the spec's own. `privileged` is the HostConfig of a privileged container, or None.
    """
    host_config: dict[str, Any] = {
        "NetworkMode": f"container:{sandbox}",
        "LogConfig": _log_config(spec),
        "PidsLimit": spec.most_processes or _MOST_PROCESSES,
        "Mounts": [
            {
                "Type": "volume",
                "Source": mount.volume,
                "Target": mount.path,
                "ReadOnly": mount.read_only,
            }
            for mount in spec.mounts
        ],
        **(privileged or {}),
    }
    host_config.update(_limits(spec))
    host_config.update(_options(spec))
    config: dict[str, Any] = {
        "Image": image,
        **_process(spec),
        "Env": environment(task, spec, image_environment, trusted_environment),
        "Labels": {**spec.labels, **labels},
        "HostConfig": host_config,
    }
    if spec.health_check is not None:
        config["Healthcheck"] = _health_check(spec.health_check)
    if spec.interactive:
        config["OpenStdin"] = True
    if spec.working_directory is not None:
        config["WorkingDir"] = spec.working_directory
    if spec.user is not None:
        config["User"] = spec.user
    if privileged is not None and all(mount.path != _DOCKER_ROOT for mount in spec.mounts):
        config["Volumes"] = {_DOCKER_ROOT: {}}  # overlay2 can't stand on the container's own root
    return config


def _log_config(spec: ContainerSpec) -> dict[str, Any]:
    most = _WHOLE if spec.most_log_bytes is None else str(spec.most_log_bytes)
    return {
        "Type": "json-file",
        "Config": {"max-size": most, "max-file": "1", "compress": "false", "mode": "blocking"},
    }


def _process(spec: ContainerSpec) -> dict[str, Any]:
    if spec.command is not None:
        return {"Entrypoint": list(spec.command), "Cmd": []}
    process = {}
    if spec.entrypoint is not None:
        process["Entrypoint"] = list(spec.entrypoint)
    if spec.arguments is not None:
        process["Cmd"] = list(spec.arguments)
    return process


def _limits(spec: ContainerSpec) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if spec.memory_bytes is not None:
        limits["Memory"] = limits["MemorySwap"] = spec.memory_bytes
    if spec.memory_reservation_bytes is not None:
        limits["MemoryReservation"] = spec.memory_reservation_bytes
    if spec.cpus is not None:
        limits["NanoCpus"] = int(spec.cpus * 1_000_000_000)
    if spec.cpu_shares is not None:
        limits["CpuShares"] = spec.cpu_shares
    if spec.ulimits:
        limits["Ulimits"] = [
            {"Name": each.name, "Soft": each.soft, "Hard": each.hard} for each in spec.ulimits
        ]
    if spec.shared_memory_bytes is not None:
        limits["ShmSize"] = spec.shared_memory_bytes
    return limits


def _options(spec: ContainerSpec) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if spec.read_only_root:
        options["ReadonlyRootfs"] = True
    if spec.init:
        options["Init"] = True
    if spec.tmpfs:
        options["Tmpfs"] = dict(spec.tmpfs)
    if spec.added_capabilities:
        options["CapAdd"] = list(spec.added_capabilities)
    if spec.dropped_capabilities:
        options["CapDrop"] = list(spec.dropped_capabilities)
    if spec.no_new_privileges:
        options["SecurityOpt"] = ["no-new-privileges"]
    return options


def _health_check(check: HealthCheck) -> dict[str, Any]:
    return {
        "Test": list(check.test),
        "Interval": check.interval_seconds * _SECOND,
        "Timeout": check.timeout_seconds * _SECOND,
        "Retries": check.retries,
        "StartPeriod": check.start_period_seconds * _SECOND,
    }


def environment(
    task: TaskSpec,
    spec: ContainerSpec,
    image_environment: Iterable[str],
    trusted_environment: Mapping[str, str],
) -> list[str]:
    """Return a container's variables as `NAME=value`, sorted by name."""
    merged: dict[str, str] = {}
    for variable in image_environment:
        name, _, value = variable.partition("=")
        merged[name] = value
    merged.update(trusted_environment)
    if task.role_credentials_token is not None:
        merged[_CREDENTIALS_VARIABLE] = f"/v2/credentials/{task.role_credentials_token}"
    merged.update(spec.environment)
    return [f"{name}={value}" for name, value in sorted(merged.items())]


def inner_docker_files(endpoints: TaskEndpoints, ca_pem: bytes) -> list[File]:
    """Return what a build's own Docker daemon reads: whom to trust, and its mirror."""
    hosts = [endpoints.registry_host]
    daemon: dict[str, Any] = {}
    if endpoints.mirror_port is not None:
        hosts.append(MIRROR_HOST)
        daemon["registry-mirrors"] = [f"https://{MIRROR_HOST}"]
    files = [File(f"/etc/docker/certs.d/{host}/ca.crt", ca_pem) for host in hosts]
    return [*files, File("/etc/docker/daemon.json", json.dumps(daemon).encode())]
