"""`penstock`, ended by SIGKILL at a chosen call of one of its own functions.

    python -m tests.faults.crashing_server serve …      with PENSTOCK_TEST_CRASH set to
    <module>:<function or Class.method>:<moment>:<n>

The n-th call of the function kills the process: `before` it does anything, `after` it
returned, or `committed`: once the transaction in which it was called is on disk, and before
anyone has been told so. The product itself has no such switch: this program patches it.
"""

import functools
import importlib
import inspect
import os
import signal
from collections.abc import Callable
from typing import Any

from penstock.storage.database import Database

VARIABLE = "PENSTOCK_TEST_CRASH"
_reached_in_transaction = False


def die() -> None:
    """End as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def plant(place: str) -> None:
    """Patch the function that `place` names."""
    module_name, path, moment, count = place.split(":")
    owner: Any = importlib.import_module(module_name)
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    original = getattr(owner, name)
    setattr(owner, name, crashing(original, moment, int(count)))
    if moment == "committed":
        watch_commits()


def crashing(original: Callable[..., Any], moment: str, count: int) -> Callable[..., Any]:
    """Wrap `original`, which may be a function or a coroutine function."""
    calls = 0

    def reached() -> bool:
        nonlocal calls
        calls += 1
        return calls == count

    def mark() -> None:
        global _reached_in_transaction  # noqa: PLW0603 - one process, one crash
        _reached_in_transaction = True

    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            now = reached()
            if now and moment == "before":
                die()
            result = await original(*args, **kwargs)
            if now:
                die()
            return result

        return coroutine

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        now = reached()
        if now and moment == "before":
            die()
        result = original(*args, **kwargs)
        if now and moment == "after":
            die()
        if now:
            mark()
        return result

    return function


def watch_commits() -> None:
    """Die in the writer, between the marked transaction's commit and its acknowledgement."""
    original = Database._commit

    @functools.wraps(original)
    def commit(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if _reached_in_transaction:
            die()
        return result

    Database._commit = commit  # type: ignore[method-assign]


if __name__ == "__main__":
    if os.environ.get(VARIABLE):
        plant(os.environ[VARIABLE])
    from penstock.cli.application import main

    main()
