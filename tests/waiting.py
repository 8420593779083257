"""Waiting for what tells nobody when it happens: asking again until it is so."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def until(
    found: Callable[[], T | None], seconds: float = 20.0, seen: Callable[[], Any] | None = None
) -> T:
    """Return the first true answer of `found`; what is `seen` instead is told by the failure."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > deadline:
            raise _in_vain(seconds, answer if seen is None else seen())
        time.sleep(0.01)
    return answer


async def async_until(
    found: Callable[[], Any], seconds: float = 20.0, seen: Callable[[], Any] | None = None
) -> Any:
    """The same in an event loop; `found` may be a coroutine function."""
    deadline = time.monotonic() + seconds
    while True:
        asked = found()
        answer = await asked if inspect.isawaitable(asked) else asked
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise _in_vain(seconds, answer if seen is None else seen())
        await asyncio.sleep(0.005)


def _in_vain(seconds: float, seen: Any) -> AssertionError:
    return AssertionError(f"waited {seconds:g} seconds in vain; seen: {seen!r}")
