"""A stack of many resources whose process dies inside the unit of work of a group.

    python -m tests.faults.killed_group DIRECTORY N

creates and deletes it in DIRECTORY and ends by SIGKILL right after its N-th statement that stores
more than one resource's steps, resources or events; N 0: never. Its end is `0`.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from penstock.stacks.events import stack_events
from penstock.storage import stack_operations, stacks
from tests.stack_world import World, template, thing

BODY = template(
    {name: thing() for name in "ABCDEF"} | {f"{name}2": thing("v", [name]) for name in "ABCDEF"}
)


def die_in_group(after: int) -> None:
    """Kill this process after its N-th statement for several of a kind."""
    left = after

    def wrap(module: Any, name: str) -> None:
        original = getattr(module, name)

        def counted(*arguments: Any) -> Any:
            nonlocal left
            result = original(*arguments)
            left -= len(arguments[-1]) > 1
            if left == 0 and len(arguments[-1]) > 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(module, name, counted)

    wrap(stack_operations, "put_steps")
    wrap(stacks, "put_resources")
    wrap(stack_events, "store")


async def live(directory: Path, after: int) -> None:
    """Create the stack, delete it, and tell of both; what was begun before goes on."""
    world = World(directory)
    die_in_group(after)
    await world.start()
    rows = await world.stacks.rows(deleted=True)
    if not rows:
        await world.begin_create(BODY)
        rows = await world.stacks.rows(deleted=True)
    if await world.ended(rows[0].id) == "CREATE_COMPLETE":
        await world.delete()
    await world.close()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2])))
