"""What one HAProxy process is told so that its targets become the desired ones: pure.

A target comes without requests and is checked; one that goes takes no new requests at once, ends
those under way, and is then deleted. Source: https://docs.haproxy.org/2.6/management.html#9.3
"""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from penstock.workloads.load_balancing.haproxy_config import (
    Backend,
    Desired,
    Server,
    server_keywords,
)
from penstock.workloads.load_balancing.haproxy_rules import backend_name, open_name

SHOW_SERVERS = "show stat -1 4 -1"
_MAINTENANCE = "MAINT"
_PASSED = ("L4OK", "L6OK", "L7OK", "L7OKC")


@dataclass(frozen=True, slots=True)
class ObservedServer:
    """A line of `show stat`; `check_status` as `L7STS`, empty before the first check's end."""

    backend: str
    name: str
    status: str
    sessions: int
    check_status: str
    check_code: str
    weight: int = 1
    """0 as long as it has not been told everything that makes it a target."""

    @property
    def up(self) -> bool:
        """It takes requests; `UP 1/3` is on its way down, but up still."""
        return self.status.startswith("UP") and self.weight > 0

    @property
    def stopped(self) -> bool:
        """It takes no new requests, by order."""
        return self.status.startswith(_MAINTENANCE)

    @property
    def passed(self) -> bool:
        """Its last check succeeded."""
        return self.check_status in _PASSED


@dataclass(frozen=True, slots=True)
class Worker:
    """A process of the load balancer; after a reload the former ones end their connections."""

    process_id: int
    current: bool


def parse_servers(text: str) -> list[ObservedServer]:
    """Return the servers in the answer to `SHOW_SERVERS`, but the control port's own."""
    rows = csv.DictReader(io.StringIO(text.strip().removeprefix("# ")))
    return [
        ObservedServer(
            row["pxname"],
            row["svname"],
            row["status"],
            int(row["scur"] or 0),
            row["check_status"].removeprefix("* "),
            row["check_code"],
            int(row["uweight"] or 0),
        )
        for row in rows
        if row["pxname"] != "control"
    ]


def parse_workers(text: str) -> list[Worker]:
    """Return the processes in the master's answer to `show proc`, the current one first."""
    workers: list[Worker] = []
    current = True
    for line in text.splitlines():
        current = current and not line.startswith("# old workers")
        fields = line.split()
        if len(fields) > 1 and fields[1] == "worker":
            workers.append(Worker(int(fields[0]), current))
    return workers


def commands(
    desired: Desired,
    observed: Sequence[ObservedServer],
    *,
    overdue: Collection[tuple[str, str]] = (),
    first_passes: Collection[tuple[str, str]] = (),
) -> list[str]:
    """Return what to tell the current process.

    `overdue` are (backend, name) of draining servers whose time is over, `first_passes` those whose
    first check has succeeded, which is enough for a new target.
    """
    found = {(each.backend, each.name): each for each in observed}
    told: list[str] = []
    wanted: set[tuple[str, str]] = set()
    for backend in desired.backends:
        checked, unchecked = backend_name(backend.group.arn), open_name(backend.group.arn)
        for server in backend.servers:
            wanted |= {(checked, server.name), (unchecked, server.name)}
            told += _checked(backend, server, found.get((checked, server.name)))
            told += _unchecked(unchecked, server, found.get((unchecked, server.name)))
    told += [f"set server {backend}/{name} health up" for backend, name in sorted(first_passes)]
    for place, each in found.items():
        if place not in wanted:
            told += _going(each, place in overdue)
    return told


def commands_for_former(desired: Desired, observed: Sequence[ObservedServer]) -> list[str]:
    """Return what to tell a former process, which checks nobody any more.

    Its connections' last requests go to targets that are healthy now, and to none that are gone.
    """
    found = {(each.backend, each.name): each for each in observed}
    known = {each.backend for each in observed}
    told: list[str] = []
    healthy: set[tuple[str, str]] = set()
    for backend in desired.backends:
        name = backend_name(backend.group.arn)
        for server in backend.servers:
            if not server.healthy or name not in known:
                continue
            healthy.add((name, server.name))
            place, seen = f"{name}/{server.name}", found.get((name, server.name))
            if seen is None:
                told.append(f"add server {place} {server.address}:{server.port}")
            if seen is None or seen.stopped:
                told.append(f"set server {place} state ready")
            if seen is not None and not seen.weight:  # a kill cut its making short
                told += [f"set server {place} health up", f"set server {place} weight 1"]
    told += [
        f"set server {each.backend}/{each.name} state maint"
        for place, each in found.items()
        if place not in healthy and not each.stopped
    ]
    return told


def _checked(backend: Backend, server: Server, seen: ObservedServer | None) -> Iterator[str]:
    """Make a server a target. The weight comes last: without it, all of this was cut short."""
    place = f"{backend_name(backend.group.arn)}/{server.name}"
    if seen is None:
        keywords = server_keywords(backend.group)
        yield f"add server {place} {server.address}:{server.port} weight 0 {keywords}"
    elif not seen.stopped and seen.weight:
        return
    # Out of maintenance a server counts as up: without a weight it takes no requests meanwhile.
    yield f"set server {place} weight 0"
    yield f"set server {place} state ready"
    if not server.healthy:
        yield f"set server {place} health down"
    yield f"enable health {place}"
    yield f"set server {place} weight 1"


def _unchecked(backend: str, server: Server, seen: ObservedServer | None) -> Iterator[str]:
    place = f"{backend}/{server.name}"
    if seen is None:
        yield f"add server {place} {server.address}:{server.port}"
    if server.open and (seen is None or seen.stopped):
        yield f"set server {place} state ready"
    elif not server.open and seen is not None and not seen.stopped:
        yield f"set server {place} state maint"


def _going(each: ObservedServer, overdue: bool) -> Iterator[str]:
    place = f"{each.backend}/{each.name}"
    if not each.stopped:
        yield f"set server {place} state maint"
    elif each.sessions and overdue:
        yield f"shutdown sessions server {place}"
    elif not each.sessions:
        yield f"del server {place}"
