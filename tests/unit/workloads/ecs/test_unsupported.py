"""What would let a task out of itself, or take it for another object of ours, is refused."""

from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.workloads.ecs import unsupported


@pytest.mark.parametrize(
    "container",
    [
        {"privileged": True},
        {"dockerSecurityOptions": ["seccomp:unconfined"]},
        {"systemControls": [{"namespace": "net.ipv4.ip_forward", "value": "1"}]},
        {"linuxParameters": {"devices": [{"hostPath": "/dev/sda"}]}},
        {"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}},
        {"linuxParameters": {"capabilities": {"add": ["ALL"]}}},
        {"volumesFrom": [{"sourceContainer": "other"}]},
        {"logConfiguration": {"logDriver": "syslog", "options": {"syslog-address": "udp://x"}}},
        {"dockerLabels": {"penstock.task": "another"}},
    ],
)
def test_containers(container: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="Penstock does not support"):
        unsupported.check_container({"name": "c", **container})


@pytest.mark.parametrize(
    "task", [{"pidMode": "host"}, {"ipcMode": "host"}, {"networkMode": "host"}]
)
def test_tasks(task: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="Penstock does not support"):
        unsupported.check_task(task)


@pytest.mark.parametrize(
    "volume",
    [
        {"host": {"sourcePath": "/var/run/docker.sock"}},
        {"host": {"sourcePath": "//var//run/./docker.sock/"}},
        {"host": {"sourcePath": "/srv/../var/run"}},
        {"host": {"sourcePath": "/"}},
        {"dockerVolumeConfiguration": {"driver": "nfs"}},
        {"dockerVolumeConfiguration": {"driverOpts": {"type": "none", "o": "bind", "device": "/"}}},
        {"dockerVolumeConfiguration": {"labels": {"penstock.cache": "another"}}},
    ],
)
def test_volumes(volume: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="Penstock does not support"):
        unsupported.check_volume({"name": "v", **volume})
