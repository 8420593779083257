"""Task sizes, and which of them Fargate has. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
Texts: as AWS's users print them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.aws.errors import ServiceError

_VCPU = re.compile(r"(\d*\.?\d+)\s*vcpu", re.IGNORECASE)
_ECR_HOST = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/")
_GB = re.compile(r"(\d*\.?\d+)\s*gb", re.IGNORECASE)
_MEMORY_OF_CPU: Mapping[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
    8192: tuple(range(16384, 61441, 4096)),
    16384: tuple(range(32768, 122881, 8192)),
}


def cpu_units(text: str) -> int:
    """Return CPU units of `1024` or `1 vCPU`; raise ClientException."""
    match = _VCPU.fullmatch(text.strip())
    if match:
        return int(float(match[1]) * 1024)
    return _whole(text, "cpu", "1024 or 1 vCPU")


def mebibytes(text: str) -> int:
    """Return MiB of `512` or `0.5 GB`; raise ClientException."""
    match = _GB.fullmatch(text.strip())
    if match:
        return int(float(match[1]) * 1024)
    return _whole(text, "memory", "512 or 0.5 GB")


def is_configuration(cpu: int, memory: int) -> bool:
    """Tell whether Fargate has this size; CPU units and MiB."""
    return memory in _MEMORY_OF_CPU.get(cpu, ())


def check(document: Mapping[str, Any]) -> None:
    """Raise ClientException for what Fargate does not take."""
    if document["networkMode"] != "awsvpc":
        raise ServiceError("ClientException", "Fargate only supports network mode ‘awsvpc’.")
    for name in ("cpu", "memory"):
        if name not in document:
            raise ServiceError(
                "ClientException", f"Fargate requires that '{name}' be defined at the task level."
            )
    if not is_configuration(cpu_units(str(document["cpu"])), mebibytes(str(document["memory"]))):
        raise ServiceError("ClientException", "No Fargate configuration exists for given values.")


def check_execution_role(
    document: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]
) -> None:
    """Raise ClientException where Fargate needs an execution role and there is none."""
    if "executionRoleArn" in document:
        return
    for container in containers:
        what = None
        if _ECR_HOST.match(container["image"]):
            what = "ECR images"
        elif (container.get("logConfiguration") or {}).get("logDriver") == "awslogs":
            what = "log driver awslogs"
        if what is not None:
            raise ServiceError(
                "ClientException",
                f"Fargate requires task definition to have execution role ARN to support {what}.",
            )


def _whole(text: str, name: str, example: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ServiceError(
            "ClientException", f"Invalid '{name}' of the task: expected {example}, found {text!r}."
        )
    return int(text)
