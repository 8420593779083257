"""What a crash around the start of an execution leaves behind."""

from pathlib import Path
from typing import Any

import pytest
from tests.stack_world import ROOT, World, template, thing

from penstock.stacks.change_set import ExecutionStatus
from penstock.stacks.change_sets import ChangeSets
from penstock.storage import change_sets as rows
from penstock.storage.encryption import Cipher


class Crash(Exception):
    """The server ends here."""


def made_on(world: World) -> ChangeSets:
    cipher = Cipher.open(world.directory / "key")
    return ChangeSets(world.database, cipher, world.stacks, world.stacks.in_process, world.clock)


async def test_an_execution_that_never_began_is_available_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.start()
    change_sets = made_on(world)
    made = await change_sets.create(
        ROOT,
        {
            "StackName": "app",
            "ChangeSetName": "cs",
            "ChangeSetType": "CREATE",
            "TemplateBody": template({"A": thing("v1")}),
        },
    )

    async def crash(*_: Any, **__: Any) -> None:
        raise Crash

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.stacks, "execute", crash)
        with pytest.raises(Crash):
            await change_sets.execute(made.row.arn, None, ROOT, "token")
    again = made_on(world)
    assert (await again.find(made.row.arn)).row.execution_status == (
        ExecutionStatus.EXECUTE_IN_PROGRESS
    )
    await again.start()
    assert (await again.find(made.row.arn)).row.execution_status == ExecutionStatus.AVAILABLE
    await again.execute(made.row.arn, None, ROOT, "token")
    assert await world.ended("app") == "CREATE_COMPLETE"
    found = await again.find(made.row.arn)
    assert found.row.execution_status == ExecutionStatus.EXECUTE_COMPLETE
    await again.start()  # an execution that began stays what it became
    assert (await again.find(made.row.arn)).row == found.row
    await world.close()


async def test_only_one_of_two_executions_begins(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.start()
    change_sets = made_on(world)
    made = await change_sets.create(
        ROOT,
        {
            "StackName": "app",
            "ChangeSetName": "cs",
            "ChangeSetType": "CREATE",
            "TemplateBody": template({"A": thing("v1")}),
        },
    )
    first = await world.database.write(
        lambda c: rows.change(c, made.row, ExecutionStatus.EXECUTE_IN_PROGRESS)
    )
    second = await world.database.write(
        lambda c: rows.change(c, made.row, ExecutionStatus.EXECUTE_IN_PROGRESS)
    )
    assert (first, second) == (True, False)
    await world.close()
