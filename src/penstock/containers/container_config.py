"""What the engine is asked for one container of a Task: pure, from spec to description."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from penstock.containers.certificates import MIRROR_HOST
from penstock.containers.sandbox import TaskEndpoints
from penstock.containers.task import ContainerSpec, File, TaskSpec

_DOCKER_ROOT = "/var/lib/docker"
_CREDENTIALS_VARIABLE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_MOST_PROCESSES = 16_384
"""Threads too, those of a build's inner containers included: far from what the host has."""
_LOG_CONFIG = {
    "Type": "json-file",
    "Config": {"max-size": "1000p", "max-file": "1", "compress": "false", "mode": "blocking"},
}
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
        "LogConfig": _LOG_CONFIG,
        "PidsLimit": _MOST_PROCESSES,
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
    if spec.memory_bytes is not None:
        host_config["Memory"] = host_config["MemorySwap"] = spec.memory_bytes
    if spec.cpus is not None:
        host_config["NanoCpus"] = int(spec.cpus * 1_000_000_000)
    config: dict[str, Any] = {
        "Image": image,
        "Entrypoint": list(spec.command),
        "Cmd": [],
        "Env": environment(task, spec, image_environment, trusted_environment),
        "Labels": dict(labels),
        "HostConfig": host_config,
    }
    if spec.working_directory is not None:
        config["WorkingDir"] = spec.working_directory
    if spec.user is not None:
        config["User"] = spec.user
    if privileged is not None and all(mount.path != _DOCKER_ROOT for mount in spec.mounts):
        config["Volumes"] = {_DOCKER_ROOT: {}}  # overlay2 can't stand on the container's own root
    return config


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
