"""From a task definition to the Task that the runner makes: pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.arns import resource_of
from penstock.containers.task import (
    NO_HEALTH_CHECK,
    ContainerSpec,
    HealthCheck,
    PublishedPort,
    TaskSpec,
    Ulimit,
    Volume,
    VolumeMount,
)
from penstock.workloads.ecs.container_rules import links
from penstock.workloads.ecs.task_definition import TaskDefinition
from penstock.workloads.ecs.task_life import (
    START_TIMEOUT_SECONDS,
    STOP_TIMEOUT_SECONDS,
    ContainerPlan,
    Dependency,
    Plan,
)
from penstock.workloads.task_records import TaskRecord

KIND = "ecs"
"""What a task's objects are labelled on the engine."""
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Given:
    """What preparation found for one task; secrets by container and variable."""

    role_token: str | None = None
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pull_tokens: Mapping[str, str] = field(default_factory=dict)
    """By image."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where tasks run."""

    instance_id: str
    region: str
    cpus: float
    """Of the engine's host: no container can have more."""


def plan(definition: TaskDefinition) -> Plan:
    """Return what the definition says of its containers' lives, links as dependencies on START."""
    return {each["name"]: _container_plan(each) for each in definition.containers}


def task_spec(task: TaskRecord, definition: TaskDefinition, given: Given, place: Place) -> TaskSpec:
    """Return the Task, with the overrides of its start."""
    document = definition.document
    volumes = {
        volume["name"]: _volume(volume, task, place.instance_id)
        for volume in document.get("volumes", ())
    }
    overrides: Mapping[str, Any] = task.overrides
    size = {**_size(document), **_size(overrides)}
    containers = [
        _container(each, task, size, given, volumes, place) for each in definition.containers
    ]
    bridge = definition.network_mode == "bridge"
    hostnames = [each["hostname"] for each in definition.containers if each.get("hostname")]
    return TaskSpec(
        id=task.task_id,
        kind=KIND,
        containers=containers,
        role_credentials_token=given.role_token,
        labels={"penstock.cluster": task.cluster_arn, "penstock.group": task.group},
        volumes=list(volumes.values()),
        ports=ports(definition) if bridge else (),
        hosts=_hosts(definition.containers),
        hostname=hostnames[0] if hostnames else None,
        outside=definition.network_mode != "none",
    )


def ports(definition: TaskDefinition) -> list[PublishedPort]:
    """Return the ports that the definition maps; host port 0 is a free one."""
    return [
        PublishedPort(port["containerPort"], port["hostPort"], port["protocol"])
        for container in definition.containers
        for port in container["portMappings"]
    ]


def role(task: TaskRecord, definition: TaskDefinition, name: str) -> str | None:
    """Return `taskRoleArn` or `executionRoleArn`, an override's before the definition's."""
    overrides: Mapping[str, Any] = task.overrides
    found = overrides.get(name) or definition.document.get(name)
    return str(found) if found else None


def _container_plan(container: Mapping[str, Any]) -> ContainerPlan:
    depends_on = [
        Dependency(item["containerName"], item["condition"])
        for item in container.get("dependsOn", ())
    ]
    depends_on += [Dependency(name, "START") for name, _ in links(container)]
    return ContainerPlan(
        name=container["name"],
        essential=container["essential"],
        depends_on=depends_on,
        start_timeout=container.get("startTimeout", START_TIMEOUT_SECONDS),
        stop_timeout=container.get("stopTimeout", STOP_TIMEOUT_SECONDS),
        checks_health="healthCheck" in container,
    )


def _container(
    definition: Mapping[str, Any],
    task: TaskRecord,
    size: Mapping[str, int],
    given: Given,
    volumes: Mapping[str, Volume],
    place: Place,
) -> ContainerSpec:
    name = definition["name"]
    changes = _override(task, name)
    memory = changes.get("memory", definition.get("memory", size.get("memory")))
    reservation = changes.get("memoryReservation", definition.get("memoryReservation"))
    linux = definition.get("linuxParameters", {})
    capabilities = linux.get("capabilities", {})
    return ContainerSpec(
        name=name,
        image=definition["image"],
        entrypoint=definition.get("entryPoint") or None,
        arguments=changes.get("command") or definition.get("command") or None,
        environment=_environment(definition, changes, task, given, place),
        working_directory=definition.get("workingDirectory"),
        user=definition.get("user"),
        mounts=[
            VolumeMount(
                volumes[mount["sourceVolume"]].name,
                mount["containerPath"],
                mount.get("readOnly", False),
            )
            for mount in definition["mountPoints"]
        ],
        memory_bytes=memory * _MIB if memory else None,
        memory_reservation_bytes=reservation * _MIB if reservation else None,
        cpus=min(size["cpu"] / 1024, place.cpus) if "cpu" in size else None,
        cpu_shares=max(2, changes.get("cpu", definition["cpu"])) if definition["cpu"] else None,
        pull_credentials=given.pull_tokens.get(definition["image"]),
        health_check=_health_check(definition.get("healthCheck")),
        ulimits=[
            Ulimit(each["name"], each["softLimit"], each["hardLimit"])
            for each in definition.get("ulimits", ())
        ],
        read_only_root=definition.get("readonlyRootFilesystem", False),
        init=linux.get("initProcessEnabled", False),
        interactive=definition.get("interactive", False),
        shared_memory_bytes=linux["sharedMemorySize"] * _MIB
        if "sharedMemorySize" in linux
        else None,
        tmpfs={
            each["containerPath"]: ",".join(
                [f"size={each['size']}m", *each.get("mountOptions", ())]
            )
            for each in linux.get("tmpfs", ())
        },
        added_capabilities=capabilities.get("add", ()),
        dropped_capabilities=capabilities.get("drop", ()),
        labels=definition.get("dockerLabels", {}),
    )


def _environment(
    definition: Mapping[str, Any],
    changes: Mapping[str, Any],
    task: TaskRecord,
    given: Given,
    place: Place,
) -> dict[str, str]:
    merged = {
        "AWS_DEFAULT_REGION": place.region,
        "AWS_REGION": place.region,
        "AWS_EXECUTION_ENV": f"AWS_ECS_{task.launch_type}",
    }
    for variables in (definition["environment"], changes.get("environment", ())):
        merged |= {each["name"]: each.get("value", "") for each in variables}
    return {**merged, **given.secrets.get(definition["name"], {})}


def _override(task: TaskRecord, name: str) -> Mapping[str, Any]:
    overrides: Mapping[str, Any] = task.overrides
    found: Sequence[Mapping[str, Any]] = overrides.get("containerOverrides", ())
    return next((each for each in found if each.get("name") == name), {})


def _size(document: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(document[name]) for name in ("cpu", "memory") if document.get(name)}


def _health_check(check: Mapping[str, Any] | None) -> HealthCheck:
    if check is None:  # ECS does not look at the image's own
        return NO_HEALTH_CHECK
    return HealthCheck(
        tuple(check["command"]),
        check["interval"],
        check["timeout"],
        check["retries"],
        check.get("startPeriod", 0),
    )


def _volume(volume: Mapping[str, Any], task: TaskRecord, instance_id: str) -> Volume:
    """Shared volumes and those that stand for a host path stay; the others end with the task.

    Both are their cluster's, as a container instance is on AWS: no other cluster's task has them
    by naming them. No name of either has the dot between the two.
    """
    name = volume["name"]
    docker = volume.get("dockerVolumeConfiguration") or {}
    labels = docker.get("labels", {})
    path = (volume.get("host") or {}).get("sourcePath")
    cluster = resource_of(task.cluster_arn, "cluster/") or task.cluster_arn
    if docker.get("scope") == "shared":
        labels = {**labels, "penstock.volume": name, "penstock.cluster": cluster}
        return Volume(
            f"penstock-{instance_id}-volume-{cluster}.{name}", of_task=False, labels=labels
        )
    if path:
        digest = hashlib.sha256(path.encode()).hexdigest()[:12]
        labels = {"penstock.volume": path, "penstock.cluster": cluster}
        return Volume(
            f"penstock-{instance_id}-path-{cluster}-{digest}", of_task=False, labels=labels
        )
    return Volume(
        f"penstock-{instance_id}-{task.task_id}-volume-{name}", of_task=True, labels=labels
    )


def _hosts(containers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Links are names of this very network namespace; extraHosts are as given."""
    hosts = {alias: "127.0.0.1" for container in containers for _, alias in links(container)}
    for container in containers:
        hosts |= {each["hostname"]: each["ipAddress"] for each in container.get("extraHosts", ())}
    return hosts
