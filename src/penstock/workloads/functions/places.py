"""How many functions run at once on this machine.

Events, calls that wait for an answer, and such calls from within a Task have places of their own,
and no function takes all of one kind: what a function waits for finds room beside it.
"""

import asyncio
from collections import Counter
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


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    place: Place
    given: asyncio.Future[None] = field(default_factory=asyncio.Future)


def fitting(held: Sequence[Place], asked: Sequence[Place]) -> list[int]:
    """Return the indexes of those in `asked`, the longest waiting first, that have room beside
    `held` and each other: pure."""
    kinds = Counter(each.kind for each in held)
    functions = Counter(held)
    found = []
    for index, place in enumerate(asked):
        if kinds[place.kind] < MOST_OF_A_KIND and functions[place] < MOST_OF_ONE:
            kinds[place.kind] += 1
            functions[place] += 1
            found.append(index)
    return found


class Places:
    """Who runs, and who waits for it."""

    def __init__(self) -> None:
        self._held: list[_Asked] = []
        self._waiting: list[_Asked] = []

    @asynccontextmanager
    async def hold(self, kind: Kind, function: Function) -> AsyncIterator[None]:
        """Hold a place for a function, waited for for a while; TooManyRequests without one."""
        asked = _Asked(Place(kind, function.name))
        self._waiting.append(asked)
        self._give()
        try:
            await _in_time(asked)
            yield
        finally:
            (self._held if asked in self._held else self._waiting).remove(asked)
            self._give()

    def _give(self) -> None:
        for index in reversed(
            fitting([each.place for each in self._held], [each.place for each in self._waiting])
        ):
            asked = self._waiting.pop(index)
            self._held.append(asked)
            if not asked.given.done():  # who no longer waits gives it back at once
                asked.given.set_result(None)


async def _in_time(asked: _Asked) -> None:
    try:
        async with asyncio.timeout(_ROOM_SECONDS):
            await asked.given
    except TimeoutError:
        raise ServiceError(
            "TooManyRequestsException",
            f"Rate Exceeded. Penstock runs at most {MOST_OF_A_KIND} {asked.place.kind} at once, "
            f"{MOST_OF_ONE} of one function; this one waited {_ROOM_SECONDS:g} seconds. Call again "
            "later.",
            Type="User",
            Reason="ConcurrentInvocationLimitExceeded",
        ) from None
