"""What AWS's task definitions may hold and Penstock does not do: refused, never dropped. Pure."""

from collections.abc import Mapping
from typing import Any

from penstock.aws.errors import ServiceError

_NETWORK_MODES = ("bridge", "awsvpc", "none")
_TASK = {
    "pidMode": "every container has its own processes",
    "ipcMode": "every container has its own IPC",
    "proxyConfiguration": "there is no App Mesh",
    "inferenceAccelerators": "there are no accelerators",
    "ephemeralStorage": "the storage of a task has no limit",
    "placementConstraints": "there is one container instance, this host",
    "enableFaultInjection": "there is no fault injection",
    "trustedExecutionConfiguration": "there is no trusted execution",
}
_CONTAINER = {
    "repositoryCredentials": "images come from this account's ECR or from public registries",
    "restartPolicy": "a container runs once; a service replaces its task",
    "environmentFiles": "variables come from environment and secrets",
    "volumesFrom": "each container names its volumes in mountPoints",
    "disableNetworking": "the network is the task's",
    "dnsServers": "names are resolved by the task's own resolver",
    "dnsSearchDomains": "names are resolved by the task's own resolver",
    "dockerSecurityOptions": "containers run with the engine's own security options",
    "pseudoTerminal": "output is kept by lines",
    "systemControls": "kernel parameters are the host's",
    "resourceRequirements": "there are no GPUs and accelerators",
    "firelensConfiguration": "logs go to awslogs",
    "credentialSpecs": "there is no Active Directory",
}
_LINUX = {
    "devices": "a host's devices would let the container out of its task",
    "maxSwap": "containers have no swap of their own",
    "swappiness": "containers have no swap of their own",
}
_VOLUME = {
    "efsVolumeConfiguration": "there is no EFS",
    "fsxWindowsFileServerVolumeConfiguration": "there is no FSx",
    "s3filesVolumeConfiguration": "there are no S3 file systems",
    "configuredAtLaunch": "there is no EBS",
}
_ADDED_CAPABILITIES = frozenset({"SYS_PTRACE"})
_OWN_LABELS = "penstock."
_LOG_DRIVERS = ("awslogs", "json-file", "none")
_ENGINE_PATHS = (
    "/var/run/docker.sock", "/run/docker.sock", "/var/run", "/run", "/var/lib/docker", "/proc",
    "/sys", "/dev", "/etc", "/var", "/root", "/boot", "/run/containerd", "/",
)  # fmt: skip


def refused(what: str, why: str) -> ServiceError:
    """Return the refusal of a part of a task definition."""
    return ServiceError("ClientException", f"Penstock does not support {what}: {why}.")


def check_task(request: Mapping[str, Any]) -> None:
    """Raise ClientException for what the task level asks and Penstock does not do."""
    _check(request, _TASK, "")
    mode = request.get("networkMode") or "bridge"
    if mode not in _NETWORK_MODES:
        raise refused(
            f"networkMode {mode}",
            "it would let the task's containers into the host's network; expected "
            + ", ".join(_NETWORK_MODES),
        )
    if "EXTERNAL" in request.get("requiresCompatibilities", ()):
        raise refused("requiresCompatibilities EXTERNAL", "expected EC2 or FARGATE")
    system = request.get("runtimePlatform", {}).get("operatingSystemFamily", "LINUX")
    if system != "LINUX":
        raise refused(f"operatingSystemFamily {system}", "containers are Linux containers")


def check_container(container: Mapping[str, Any]) -> None:
    """Raise ClientException for what a container asks and Penstock does not do."""
    where = f" (container {container.get('name')})"
    _check(container, _CONTAINER, where)
    check_labels(container.get("dockerLabels", {}), where)
    if container.get("privileged"):
        raise refused(f"privileged{where}", "it would make the container root on this host")
    if container.get("versionConsistency") == "enabled":
        raise refused(f"versionConsistency enabled{where}", "each task pulls what its tag means")
    linux = container.get("linuxParameters", {})
    _check(linux, _LINUX, where)
    added = set(linux.get("capabilities", {}).get("add", ())) - _ADDED_CAPABILITIES
    if added:
        raise refused(
            f"capability {', '.join(sorted(added))}{where}",
            "it would let the container out of its task; as on Fargate, only SYS_PTRACE is added",
        )
    for port in container.get("portMappings", ()):
        if port.get("containerPortRange"):
            raise refused(f"containerPortRange{where}", "give each containerPort")
    driver = container.get("logConfiguration", {}).get("logDriver", "json-file")
    if driver not in _LOG_DRIVERS:
        raise refused(f"log driver {driver}{where}", "expected " + ", ".join(_LOG_DRIVERS))
    if container.get("logConfiguration", {}).get("secretOptions"):
        raise refused(f"secretOptions of a log driver{where}", "awslogs takes none")


def check_volume(volume: Mapping[str, Any]) -> None:
    """Raise ClientException for a volume that Penstock does not have."""
    where = f" (volume {volume.get('name')})"
    _check(volume, _VOLUME, where)
    source = (volume.get("host") or {}).get("sourcePath")
    if source and _is_engines(source):
        raise refused(
            f"host.sourcePath {source}{where}",
            "it would give the task this host or its container engine; a host path stands for a "
            "volume of the cluster here (docs/adr/0021-ecs-tasks.md)",
        )
    docker = volume.get("dockerVolumeConfiguration") or {}
    check_labels(docker.get("labels", {}), where)
    if docker.get("driver", "local") != "local":
        raise refused(f"volume driver {docker['driver']}{where}", "expected local")
    if docker.get("driverOpts"):
        raise refused(f"driverOpts{where}", "they could mount any path of this host")
    if docker.get("scope") == "shared" and not docker.get("autoprovision"):
        raise refused(
            f"a shared volume without autoprovision{where}",
            "nobody makes volumes by hand here; set autoprovision to true",
        )


def check_labels(labels: Mapping[str, str], where: str) -> None:
    """Raise ClientException for labels by which Penstock knows its own objects on the engine."""
    own = sorted(name for name in labels if name.startswith(_OWN_LABELS))
    if own:
        raise refused(f"label {', '.join(own)}{where}", f"{_OWN_LABELS}… are Penstock's own")


def _is_engines(path: str) -> bool:
    cleaned = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
    return cleaned in _ENGINE_PATHS or ".." in cleaned or cleaned.endswith(".sock")


def _check(values: Mapping[str, Any], table: Mapping[str, str], where: str) -> None:
    for name, why in table.items():
        given = values.get(name)
        if not given or (isinstance(given, Mapping) and given.get("enabled") is False):
            continue
        raise refused(name + where, why)
