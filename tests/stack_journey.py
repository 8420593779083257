"""One stack's life, told by its status alone: whoever starts anew knows how to go on.

    python -m tests.stack_journey DIRECTORY N

lives it in DIRECTORY and ends by SIGKILL at its own N-th write or effect, with 0 when it is over.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.pipeline_world import MortalDatabase
from tests.stack_world import World, template, thing

STAGES = {
    None: template({"A": thing("v1"), "B": thing("v1", ["A"], "one"), "C": thing("v1", ["B"])}),
    "CREATE_COMPLETE": template(
        {
            "A": thing("v2", how="slow-2"),
            "B": thing("v1", ["A"], "two"),
            "C": thing("v1", ["B"]),
            "D": thing("v1", ["A"]),
        }
    ),
    "UPDATE_COMPLETE": template(
        {
            "A": thing("v3", how="slow-1"),
            "B": thing("v1", ["A"], "three"),
            "C": thing("v1", ["B"], how="fail-after"),
            "E": thing("v1", ["A"]),
        }
    ),
    "UPDATE_ROLLBACK_COMPLETE": None,
}
"""A status → the next template; None: delete."""


async def finished(world: World) -> bool:
    """Return whether the stack has been deleted."""
    rows = await world.stacks.rows(deleted=True)
    return bool(rows) and rows[0].status == "DELETE_COMPLETE"


async def advance(world: World) -> None:
    """Wait for what goes on, then begin the next stage."""
    rows = await world.stacks.rows(deleted=True)
    if not rows:
        await world.begin_create(STAGES[None] or "")
        return
    status = await world.ended(rows[0].id)
    if status == "DELETE_COMPLETE":
        return
    body = STAGES[status]
    if body is None:
        await world.begin_delete()
    else:
        await world.begin_update(body, token=status)


async def live(directory: Path, after: int) -> None:
    """Live until the end or the N-th moment."""
    world = World(directory)
    moments = 0

    def count(_: str) -> None:
        nonlocal moments
        moments += 1
        if moments == after:
            os.kill(os.getpid(), signal.SIGKILL)

    world.handler.reached = count
    original = MortalDatabase.write

    async def write(self: MortalDatabase, work: Any) -> Any:
        count("before a write")
        result = await original(self, work)
        count("after a write")
        return result

    MortalDatabase.write = write  # type: ignore[method-assign]
    await world.start()
    while not await finished(world):
        await advance(world)
    await world.close()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2])))
