"""Rules of one container of a task definition, and of containers together. Pure.

Texts: see `registration.py`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.workloads.ecs import unsupported

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_LEAST_MEMORY_MIB = 6
_AWSLOGS = frozenset({
    "awslogs-group", "awslogs-region", "awslogs-stream-prefix", "awslogs-create-group", "mode",
    "max-buffer-size",
})  # fmt: skip
_ENDED = ("COMPLETE", "SUCCESS")


def completed(container: Mapping[str, Any], network_mode: str) -> dict[str, Any]:
    """Return a container definition with AWS's defaults; raise ClientException for a bad name."""
    _check_name(container)
    unsupported.check_container(container)
    result: dict[str, Any] = {
        "cpu": 0,
        "portMappings": [],
        "essential": True,
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        **container,
    }
    result["portMappings"] = [_port(port, network_mode) for port in result["portMappings"]]
    check = container.get("healthCheck")
    if check:
        result["healthCheck"] = {"interval": 30, "timeout": 5, "retries": 3, **check}
    return result


def check(
    container: Mapping[str, Any], document: Mapping[str, Any], volumes: Sequence[str], region: str
) -> None:
    """Raise ClientException for a container that AWS rejects."""
    name = container["name"]
    _check_memory(container, document)
    _check_network(container, document["networkMode"])
    for mount in container["mountPoints"]:
        if mount.get("sourceVolume") not in volumes:
            raise invalid(f"Unknown volume '{mount.get('sourceVolume')}'.")
        if not str(mount.get("containerPath", "")).startswith("/"):
            raise invalid(f"Invalid mount point of container {name}: expected containerPath to be "
                          "an absolute path.")  # fmt: skip
    if container.get("secrets") and "executionRoleArn" not in document:
        raise invalid("When you are specifying container secrets, you must also specify a value "
                      "for 'executionRoleArn'.")  # fmt: skip
    _check_health(container)
    _check_log(container, document, region)


def check_dependencies(containers: Sequence[Mapping[str, Any]]) -> None:
    """Raise ClientException for a dependency on nothing, on itself in the end, or never met."""
    by_name = {container["name"]: container for container in containers}
    for container in containers:
        for item in container.get("dependsOn", ()):
            depended = by_name.get(item["containerName"])
            where = f"container {container['name']} depends on {item['containerName']}"
            if depended is None:
                raise invalid(f"Invalid dependsOn: {where}, which is no container of the task "
                              "definition.")  # fmt: skip
            if item["condition"] in _ENDED and depended["essential"]:
                raise invalid(f"Invalid dependsOn: {where} with condition {item['condition']}, "
                              "which can't be set on an essential container.")  # fmt: skip
            if item["condition"] == "HEALTHY" and not depended.get("healthCheck"):
                raise invalid(f"Invalid dependsOn: {where} with condition HEALTHY, which needs a "
                              "healthCheck in its container definition.")  # fmt: skip
    _check_acyclic(by_name)


def check_ports(containers: Sequence[Mapping[str, Any]]) -> None:
    """Raise ClientException when two containers want one port: they share a namespace here."""
    owner: dict[tuple[int, str], str] = {}
    for container in containers:
        for port in container["portMappings"]:
            key = (port["containerPort"], port["protocol"])
            if key in owner:
                raise unsupported.refused(
                    f"containerPort {key[0]}/{key[1]} of both {owner[key]} and {container['name']}",
                    "the containers of one task share a network namespace here, in bridge mode "
                    "too (docs/adr/0021-ecs-tasks.md)",
                )
            owner[key] = container["name"]


def links(container: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (container, alias) of each link."""
    pairs = (link.partition(":") for link in container.get("links", ()))
    return [(name, alias or name) for name, _, alias in pairs]


def invalid(message: str) -> ServiceError:
    """Return a ClientException."""
    return ServiceError("ClientException", message)


def _check_name(container: Mapping[str, Any]) -> None:
    name = container.get("name") or ""
    if not _NAME.fullmatch(name):
        raise invalid("Container.name should not be null or empty." if not name else
                      f"Invalid container name {name!r}: up to 255 letters, numbers, hyphens and "
                      "underscores are allowed.")  # fmt: skip
    if not container.get("image"):
        raise invalid("Container.image should not be null or empty.")


def _port(port: Mapping[str, Any], network_mode: str) -> dict[str, Any]:
    number = port.get("containerPort")
    if not number or not 1 <= number <= 65535:
        raise invalid(f"Invalid containerPort: expected 1 to 65535, found {number}.")
    host = port.get("hostPort") or 0
    if network_mode == "awsvpc":
        if host not in (0, number):
            raise invalid("When networkMode=awsvpc, the host ports and container ports in port "
                          "mappings must match.")  # fmt: skip
        host = number
    return {**port, "hostPort": host, "protocol": port.get("protocol") or "tcp"}


def _check_memory(container: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    name = container["name"]
    hard, soft = container.get("memory"), container.get("memoryReservation")
    if hard is None and soft is None and "memory" not in document:
        raise invalid(f"Invalid setting for container '{name}'. At least one of 'memory' or "
                      "'memoryReservation' must be specified.")  # fmt: skip
    for given in (hard, soft):
        if given is not None and given < _LEAST_MEMORY_MIB:
            raise invalid(f"Invalid setting for container '{name}': at least {_LEAST_MEMORY_MIB} "
                          f"MiB of memory are needed, found {given}.")  # fmt: skip
    if hard is not None and soft is not None and hard < soft:
        raise invalid(f"Invalid setting for container '{name}'. 'memory' must be greater than or "
                      "equal to 'memoryReservation'.")  # fmt: skip
    if hard is not None and "memory" in document and hard > int(document["memory"]):
        raise invalid(f"Invalid setting for container '{name}'. 'memory' must not be greater than "
                      "the task's.")  # fmt: skip


def _check_network(container: Mapping[str, Any], mode: str) -> None:
    if container.get("links") and mode != "bridge":
        raise invalid(f"Links are not supported when networkMode={mode}.")
    if container["portMappings"] and mode == "none":
        raise invalid("Port mappings are not supported when networkMode=none.")
    for name in ("hostname", "extraHosts"):
        if container.get(name) and mode == "awsvpc":
            raise invalid(f"{name} is not supported on container when networkMode=awsvpc.")


def _check_health(container: Mapping[str, Any]) -> None:
    check = container.get("healthCheck")
    if check is None:
        return
    command = check.get("command") or [""]
    if command[0] not in ("CMD", "CMD-SHELL") or len(command) < 2:
        raise invalid(
            f"Invalid healthCheck of container {container['name']}: expected a command that begins "
            "with CMD or CMD-SHELL and names what to run."
        )
    for name, least, most in (
        ("interval", 5, 300),
        ("timeout", 2, 60),
        ("retries", 1, 10),
        ("startPeriod", 0, 300),
    ):
        value = check.get(name, least)
        if not least <= value <= most:
            raise invalid(
                f"Invalid healthCheck of container {container['name']}: {name} must be between "
                f"{least} and {most}, found {value}."
            )


def _check_log(container: Mapping[str, Any], document: Mapping[str, Any], region: str) -> None:
    log = container.get("logConfiguration")
    if log is None or log["logDriver"] != "awslogs":
        return
    options = log.get("options", {})
    missing = [name for name in ("awslogs-group", "awslogs-region") if not options.get(name)]
    if missing:
        raise invalid(f"Log driver awslogs requires options: {', '.join(missing)}")
    if "FARGATE" in document.get("requiresCompatibilities", ()) and not options.get(
        "awslogs-stream-prefix"
    ):
        raise invalid("Log driver awslogs requires options: awslogs-stream-prefix")
    unknown = sorted(set(options) - _AWSLOGS)
    if unknown:
        raise unsupported.refused(
            f"log options {', '.join(unknown)} (container {container['name']})",
            "expected " + ", ".join(sorted(_AWSLOGS)),
        )
    if options["awslogs-region"] != region:
        raise unsupported.refused(
            f"awslogs-region {options['awslogs-region']} (container {container['name']})",
            f"this server's region is {region}",
        )


def _check_acyclic(by_name: Mapping[str, Mapping[str, Any]]) -> None:
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise invalid(f"Invalid dependsOn: {' -> '.join([*path, name])} is a cycle.")
        if name in finished:
            return
        container = by_name[name]
        following = [item["containerName"] for item in container.get("dependsOn", ())]
        for linked, _ in links(container):
            if linked not in by_name:
                raise invalid(f"Invalid link of container {name}: there is no container {linked}.")
            following.append(linked)
        for each in following:
            visit(each, (*path, name))
        finished.add(name)

    for name in by_name:
        visit(name, ())
