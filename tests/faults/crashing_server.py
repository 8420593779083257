"""`penstock`, ended by SIGKILL at a chosen call of one of its own functions.

    python -m tests.faults.crashing_server serve …      with PENSTOCK_TEST_CRASH set to
    <module>:<function or Class.method>:<moment>:<n>[:<argument>]

The n-th call of the function (with that argument, where one is named) kills the process:
`before` it does anything, `after` it returned, or `committed`: once the transaction in which it
was called is on disk, and before anyone has been told so. Of several places, parted by spaces,
the first that is reached counts; the file named by PENSTOCK_TEST_CRASHED then says which. The
product itself has no such switch: this program patches it.
"""

import functools
import importlib
import inspect
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.storage import database

VARIABLE = "PENSTOCK_TEST_CRASH"
REPORT = "PENSTOCK_TEST_CRASHED"
_reached_in_transaction: str | None = None


def die(place: str) -> None:
    """End as a power cut does."""
    if os.environ.get(REPORT):
        Path(os.environ[REPORT]).write_text(place)
    os.kill(os.getpid(), signal.SIGKILL)


def plant(place: str) -> None:
    """Patch the function that `place` names."""
    module_name, path, *_ = place.split(":")
    owner: Any = importlib.import_module(module_name)
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    setattr(owner, name, crashing(getattr(owner, name), place))


def crashing(original: Callable[..., Any], place: str) -> Callable[..., Any]:
    """Wrap `original`, which may be a function or a coroutine function."""
    _module, _path, moment, count, *arguments = place.split(":")
    calls = 0

    def reached(given: tuple[Any, ...]) -> bool:
        nonlocal calls
        if any(argument not in given for argument in arguments):
            return False
        calls += 1
        return calls == int(count)

    def mark() -> None:
        global _reached_in_transaction  # noqa: PLW0603 - one process, one crash
        _reached_in_transaction = place

    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            now = reached(args)
            if now and moment == "before":
                die(place)
            result = await original(*args, **kwargs)
            if now:
                die(place)
            return result

        return coroutine

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        now = reached(args)
        if now and moment == "before":
            die(place)
        result = original(*args, **kwargs)
        if now and moment == "after":
            die(place)
        if now:
            mark()
        return result

    return function


def watch_commits() -> None:
    """Die in the writer, between the marked transaction's commit and its acknowledgement."""
    original = database.deliver

    def deliver(outcomes: Any) -> None:
        if _reached_in_transaction is not None:
            die(_reached_in_transaction)
        original(outcomes)

    database.deliver = deliver


if __name__ == "__main__":
    for each_place in os.environ.get(VARIABLE, "").split():
        plant(each_place)
    watch_commits()
    from penstock.cli.application import main

    main()
