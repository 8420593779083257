"""A round that ends between any two commands is made good by the next one.

HAProxy's part is played by a process that knows of a server what the commands change; that the
real one does so is held by `tests/docker/load_balancing/test_targets.py`.
"""

import itertools
from dataclasses import dataclass

import pytest
from tests.unit.workloads.load_balancing.values import group

from penstock.workloads.load_balancing.haproxy_config import Backend, Desired, Server
from penstock.workloads.load_balancing.runtime import ObservedServer, commands, commands_for_former

TG = "tg.web.0123456789abcdef"
NEW = Server("a:1", "10.0.0.1", 1, healthy=False, open=False)
KNOWN = Server("a:1", "10.0.0.1", 1, healthy=True, open=False)
OPEN = Server("a:1", "10.0.0.1", 1, healthy=False, open=True)


@dataclass
class Told:
    """One server as the commands have made it."""

    weight: int = 1
    ready: bool = False
    up: bool = True
    enabled: bool = False


class Process:
    """One process of HAProxy: before it checks anything."""

    def __init__(self) -> None:
        self.servers: dict[str, Told] = {}

    def take(self, command: str) -> None:
        match command.split():
            case ["add", "server", place, _, *keywords]:
                assert place not in self.servers, "No such thing twice"
                self.servers[place] = Told(weight=0 if keywords[:2] == ["weight", "0"] else 1)
            case ["set", "server", place, "weight", weight]:
                self.servers[place].weight = int(weight)
            case ["set", "server", place, "state", "ready"]:
                self.servers[place].ready = self.servers[place].up = True
            case ["set", "server", place, "state", "maint"]:
                self.servers[place].ready = False
            case ["set", "server", place, "health", health]:
                self.servers[place].up = health == "up"
            case ["enable", "health", place]:
                self.servers[place].enabled = True
            case ["del", "server", place]:
                assert not self.servers[place].ready
                del self.servers[place]
            case _:
                pytest.fail(command)

    def seen(self) -> list[ObservedServer]:
        found = []
        for place, told in self.servers.items():
            backend, name = place.split("/")
            status = "MAINT" if not told.ready else "UP" if told.up else "DOWN"
            found.append(ObservedServer(backend, name, status, 0, "", "", told.weight))
        return found


def _desired(*servers: Server) -> Desired:
    return Desired([], [Backend(group(), servers, 60)], 31000, "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [NEW]), ([], [KNOWN]), ([], [OPEN]), ([NEW], []), ([OPEN], []), ([NEW], [OPEN]),
        ([OPEN], [KNOWN]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("former", [False, True])
def test_wherever_a_round_ends_the_next_ones_make_it_good(
    before: list[Server], after: list[Server], former: bool
) -> None:
    tell = commands_for_former if former else commands
    whole = _settled(_begun(before), after, former)
    for cut in itertools.count():
        process = _begun(before)
        told = tell(_desired(*after), process.seen())
        for command in told[:cut]:
            process.take(command)
        if former and not after:
            assert all(not each.ready for each in _settled(process, after, former).values())
        else:
            assert _settled(process, after, former) == whole, told[:cut]
        if cut >= len(told):
            break


@pytest.mark.parametrize("healthy", [NEW, KNOWN])
def test_a_target_that_comes_back_is_made_whole(healthy: Server) -> None:
    for cut in range(6):
        process = _begun([NEW])
        process.take(f"set server {TG}/a:1 state maint")
        for command in commands(_desired(healthy), process.seen())[:cut]:
            process.take(command)
        told = _settled(process, [healthy], former=False)[f"{TG}/a:1"]
        assert told == Told(weight=1, ready=True, up=healthy.healthy, enabled=True)


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_process_left_behind_in_the_middle_sends_to_what_is_healthy(cut: int) -> None:
    process = Process()
    for command in commands(_desired(NEW), [])[:cut]:
        process.take(command)
    told = _settled(process, [KNOWN], former=True)[f"{TG}/a:1"]
    assert (told.weight, told.ready) == (1, True)
    assert told.up or told.enabled, "made whole, it was down for its own checks to tell"


def _begun(servers: list[Server]) -> Process:
    process = Process()
    _settled(process, servers, former=False)
    return process


def _settled(process: Process, servers: list[Server], former: bool) -> dict[str, Told]:
    """Repeat rounds until nothing is told any more."""
    tell = commands_for_former if former else commands
    for _ in range(5):
        told = tell(_desired(*servers), process.seen())
        if not told:
            return process.servers
        for command in told:
            process.take(command)
    pytest.fail(f"there is no end of {told}")
