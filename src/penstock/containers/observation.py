"""What the engine's answers say of a Task's containers: pure, from JSON and frames to values.

Source: https://docs.docker.com/reference/api/engine/version/v1.41/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from penstock.containers.task import ContainerState, PublishedPort, SandboxState

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a container's output without its end, and when the engine had it."""

    at_ns: int
    """Nanoseconds since the epoch."""
    text: str


def container_state(container: Mapping[str, Any], repo_digests: Sequence[str]) -> ContainerState:
    """Return the state that an inspection tells; `repo_digests` are the image's."""
    state = container["State"]
    ended = state["Status"] in {"exited", "dead"}
    config = container["Config"]
    return ContainerState(
        name=config["Labels"]["penstock.container"],
        running=bool(state["Running"]),
        exit_code=int(state["ExitCode"]) if ended else None,
        oom_killed=bool(state["OOMKilled"]),
        error=str(state["Error"]),
        started=state["Status"] != "created",
        health=_health(state),
        container_id=container["Id"],
        image_digest=_digest(config["Image"], repo_digests),
        stop_signal=config.get("StopSignal") or "SIGTERM",
    )


def sandbox_state(container: Mapping[str, Any], network: str) -> SandboxState:
    """Return the state that a sandbox's inspection tells."""
    settings = container["NetworkSettings"]
    ports = []
    for name, bindings in sorted((settings.get("Ports") or {}).items()):
        number, _, protocol = name.partition("/")
        ports += [
            PublishedPort(int(number), int(binding["HostPort"]), protocol)
            for binding in bindings or ()
        ]
    address = settings["Networks"].get(network, {}).get("IPAddress") or None
    return SandboxState(bool(container["State"]["Running"]), address, ports)


def line_of(frame: bytes) -> Line:
    """Read one frame of output that was asked for with timestamps."""
    stamp, _, text = frame.decode(errors="replace").partition(" ")
    return Line(nanoseconds(stamp), text.rstrip("\r\n"))


def nanoseconds(stamp: str) -> int:
    """Return nanoseconds since the epoch of the engine's RFC 3339 time in UTC."""
    seconds, _, fraction = stamp.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(seconds).replace(tzinfo=UTC)
    return int((moment - _EPOCH).total_seconds()) * 1_000_000_000 + int(fraction.ljust(9, "0"))


def _health(state: Mapping[str, Any]) -> str | None:
    status = (state.get("Health") or {}).get("Status")
    return None if status in (None, "none") else str(status)


def _digest(image: str, repo_digests: Sequence[str]) -> str | None:
    """Return the digest under which the image's own repository has it."""
    repository = image.partition("@")[0]
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    for each in repo_digests:
        name, _, digest = each.partition("@")
        if name == repository:
            return digest
    return None
