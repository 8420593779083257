"""What RegisterTaskDefinition takes, and the document that it stores. Pure.

What AWS rejects is rejected with its text; what has no effect here is refused (`unsupported`).
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
Texts: moto's ecs/models.py and AWS's users' reports (memory, Fargate, volumes, secrets, ports);
the others are unverified.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.workloads.ecs import container_rules, fargate, unsupported

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ROLE = re.compile(r"arn:aws:iam::(?P<account>\d{12}):role/[\w+=,.@/-]+")
_MOST_CONTAINERS = 10
_KEPT = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "requiresCompatibilities",
         "cpu", "memory", "runtimePlatform")  # fmt: skip


def registered(request: Mapping[str, Any], *, account_id: str, region: str) -> dict[str, Any]:
    """Return the task definition that a request registers, with AWS's defaults.

    Raises ServiceError ClientException or InvalidParameterException.
    """
    unsupported.check_task(request)
    document = {name: request[name] for name in _KEPT if request.get(name) not in (None, "", [])}
    document["networkMode"] = request.get("networkMode") or "bridge"
    _check_family(str(request["family"]))
    for name in ("taskRoleArn", "executionRoleArn"):
        if name in document:
            document[name] = _role(str(document[name]), account_id)
    wants_fargate = "FARGATE" in request.get("requiresCompatibilities", ())
    if wants_fargate:
        fargate.check(document)
    for name, unit in (("cpu", fargate.cpu_units), ("memory", fargate.mebibytes)):
        if name in document:
            document[name] = str(unit(str(document[name])))
    volumes = _volumes(request.get("volumes", ()))
    containers = [
        container_rules.completed(each, document["networkMode"])
        for each in request["containerDefinitions"]
    ]
    _check_containers(containers, document, [volume["name"] for volume in volumes], region)
    if wants_fargate:
        fargate.check_execution_role(document, containers)
    document["containerDefinitions"] = containers
    document["volumes"] = volumes
    document["placementConstraints"] = []
    document["compatibilities"] = ["EC2"]
    if wants_fargate or _fits_fargate(document):
        document["compatibilities"].append("FARGATE")
    return document


def invalid(message: str) -> ServiceError:
    """Return a ClientException, ECS's error for a bad task definition."""
    return ServiceError("ClientException", message)


def _check_family(family: str) -> None:
    if not _NAME.fullmatch(family):
        raise invalid(
            "Family contains invalid characters: up to 255 letters (uppercase and lowercase), "
            f"numbers, hyphens, and underscores are allowed, found {family!r}."
        )


def _role(text: str, account_id: str) -> str:
    """Return the ARN of a role given by name or ARN."""
    if not text.startswith("arn:"):
        return f"arn:aws:iam::{account_id}:role/{text}"
    if not _ROLE.fullmatch(text):
        raise invalid("Role is not valid")
    return text


def _check_containers(
    containers: Sequence[Mapping[str, Any]],
    document: Mapping[str, Any],
    volumes: Sequence[str],
    region: str,
) -> None:
    if not containers:
        raise invalid("Container list cannot be empty.")
    if len(containers) > _MOST_CONTAINERS:
        raise invalid(
            f"A task definition can have at most {_MOST_CONTAINERS} containers, found "
            f"{len(containers)}."
        )
    names = [container["name"] for container in containers]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Container names must be unique within a task definition, found {name} "
                          "more than once.")  # fmt: skip
    if not any(container["essential"] for container in containers):
        raise invalid("A task definition must have at least one essential container.")
    for container in containers:
        container_rules.check(container, document, volumes, region)
    container_rules.check_dependencies(containers)
    container_rules.check_ports(containers)
    hostnames = {container.get("hostname") for container in containers} - {None}
    if len(hostnames) > 1:
        raise invalid(
            "Penstock's containers of one task share a network namespace and so a hostname; "
            f"expected one, found {', '.join(sorted(map(str, hostnames)))}."
        )


def _volumes(volumes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names: set[str] = set()
    for volume in volumes:
        name = volume.get("name") or ""
        if not _NAME.fullmatch(name):
            raise invalid(f"Volume names take letters, numbers, hyphens and underscores, found "
                          f"{name!r}.")  # fmt: skip
        if name in names:
            raise invalid(f"Volume names must be unique, found {name} more than once.")
        names.add(name)
        unsupported.check_volume(volume)
    return [dict(volume) for volume in volumes]


def _fits_fargate(document: Mapping[str, Any]) -> bool:
    if document["networkMode"] != "awsvpc" or "cpu" not in document or "memory" not in document:
        return False
    return fargate.is_configuration(int(document["cpu"]), int(document["memory"]))
