"""How many functions run at once on this machine, and in how much of its memory.

Events, calls that wait for an answer, and such calls from within a Task have places of their own,
and no function takes all of one kind: what a function waits for finds room beside it. Together they
may use half of the machine's memory; one of each kind runs whatever it asks for.
"""

import asyncio
import os
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from penstock.aws.errors import ServiceError
from penstock.workloads.functions.function import Function

MOST_OF_A_KIND = 5
"""Containers at once for events, for calls, and for calls from within a Task: 15 together."""
MOST_OF_ONE = 4
"""Of one function, among those of a kind."""
_ROOM_SECONDS = 60.0


class Kind(StrEnum):
    """What a place is for, in the words of a message."""

    EVENT = "events"
    CALL = "synchronous calls"
    NESTED = "synchronous calls from within builds, tasks and functions"


@dataclass(frozen=True, slots=True)
class Place:
    """What an invocation holds while it runs, or waits for."""

    kind: Kind
    function_name: str
    memory_mb: int


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    place: Place
    given: asyncio.Future[None] = field(default_factory=asyncio.Future)


def fitting(held: Sequence[Place], asked: Sequence[Place], most_memory_mb: int) -> list[int]:
    """Return the indexes of those in `asked`, the longest waiting first, that have room beside
    `held` and each other: pure.

    A place goes to the function that has the fewest of its kind, so a long backlog keeps nobody
    out. Of its kind, only functions that have fewer overtake who waits for memory.
    """
    kinds = Counter(each.kind for each in held)
    functions = Counter((each.kind, each.function_name) for each in held)
    memory_mb = sum(each.memory_mb for each in held)
    waiting: dict[tuple[Kind, str], deque[int]] = {}
    for index, place in enumerate(asked):
        waiting.setdefault((place.kind, place.function_name), deque()).append(index)
    found = []
    while waiting:
        of = min(waiting, key=lambda each: (functions[each], waiting[each][0]))
        kind, needed = of[0], asked[waiting[of][0]].memory_mb
        if functions[of] >= MOST_OF_ONE:
            del waiting[of]
            continue
        if kinds[kind] >= MOST_OF_A_KIND or (kinds[kind] and memory_mb + needed > most_memory_mb):
            waiting = {each: theirs for each, theirs in waiting.items() if each[0] is not kind}
            continue
        found.append(waiting[of].popleft())
        kinds[kind] += 1
        functions[of] += 1
        memory_mb += needed
        if not waiting[of]:
            del waiting[of]
    return sorted(found)


def half_of_memory_mb() -> int:
    """Return half of this machine's memory in MB."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 // (1 << 20))


class Places:
    """Who runs, and who waits for it."""

    def __init__(self, most_memory_mb: int) -> None:
        self._most_memory_mb = most_memory_mb
        self._held: list[_Asked] = []
        self._waiting: list[_Asked] = []

    @asynccontextmanager
    async def hold(self, kind: Kind, function: Function) -> AsyncIterator[None]:
        """Hold a place for a function, waited for for a while; TooManyRequests without one."""
        asked = _Asked(Place(kind, function.name, function.memory_mb))
        self._waiting.append(asked)
        self._give()
        try:
            await self._in_time(asked)
            yield
        finally:
            (self._held if asked in self._held else self._waiting).remove(asked)
            self._give()

    def _give(self) -> None:
        held = [each.place for each in self._held]
        waiting = [each.place for each in self._waiting]
        for index in reversed(fitting(held, waiting, self._most_memory_mb)):
            asked = self._waiting.pop(index)
            self._held.append(asked)
            if not asked.given.done():  # who no longer waits gives it back at once
                asked.given.set_result(None)

    async def _in_time(self, asked: _Asked) -> None:
        try:
            async with asyncio.timeout(_ROOM_SECONDS):
                await asked.given
        except TimeoutError:
            raise ServiceError(
                "TooManyRequestsException",
                f"Rate Exceeded. Penstock runs at most {MOST_OF_A_KIND} {asked.place.kind} at "
                f"once, {MOST_OF_ONE} of one function, in {self._most_memory_mb} MB of memory with "
                f"all others; this one waited {_ROOM_SECONDS:g} seconds. Call again later.",
                Type="User",
                Reason="ConcurrentInvocationLimitExceeded",
            ) from None
