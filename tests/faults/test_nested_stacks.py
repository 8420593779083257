"""A stack with a nested one dies at its stored steps; the next process ends the same.

The journey: create, an update that fails in the parent after the nested stack was updated, so that
it goes back, an update that succeeds, delete. Things live in a store outside, which shows that
each effect happened once and that a rollback kept what was there.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from penstock.aws.in_process import InProcess
from penstock.services.iam import Iam
from penstock.services.s3 import Objects
from penstock.services.s3.api import service as s3_service
from penstock.services.sts import Sts
from penstock.stacks.handlers.handler import ResourceHandler
from penstock.stacks.nested.resource_type import CloudFormationStack
from penstock.stacks.planning.nesting import NESTED_STACK
from penstock.stacks.stacks import Stacks
from penstock.storage.blobs import Blobs
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import Outbox
from penstock.storage.sqlite import sqlite_engine
from tests.pipeline_world import MortalDatabase
from tests.stack_world import ACCOUNT, TYPE, World, template, thing


def nested(key: str) -> dict[str, Any]:
    return {
        "Type": NESTED_STACK,
        "Properties": {"TemplateURL": f"https://templates.s3.amazonaws.com/{key}"},
    }


TEMPLATES = {
    "one": template({"A": thing("v1", name="one"), "B": thing("v1", ["A"])}),
    "two": template({"A": thing("v2", name="two"), "B": thing("v2", ["A"], how="slow-1")}),
}
AFTER = {"DependsOn": "Child"}
STAGES = {
    None: template({"Child": nested("one"), "P": {**thing("v1"), **AFTER}}),
    "CREATE_COMPLETE": template(
        {"Child": nested("two"), "P": {**thing("v2", how="fail-after"), **AFTER}}
    ),
    "UPDATE_ROLLBACK_COMPLETE": template({"Child": nested("two"), "P": {**thing("v3"), **AFTER}}),
    "UPDATE_COMPLETE": None,
}  # fmt: skip


class NestedWorld(World):
    """A World with nested stacks, whose templates are in S3."""

    async def start(self, **options: Any) -> None:
        self.database = MortalDatabase(sqlite_engine(self.directory / "penstock.db"))
        cipher = Cipher.open(self.directory / "key")
        self.objects = objects = Objects(
            self.database, Blobs(self.directory / "blobs"), self.clock, region="us-east-1"
        )
        services = [s3_service(objects)]

        async def allow(*_: Any, **__: Any) -> None: ...

        self.in_process = InProcess(
            lambda: services, allow, ACCOUNT, "us-east-1", self.clock, "http://x"
        )
        self.iam = Iam(self.database, cipher, ACCOUNT, self.clock)
        self.stacks = Stacks(
            self.database, Outbox(self.database), cipher, self.in_process, Sts(self.iam),
            self.clock, lambda: handlers, ACCOUNT, "us-east-1", first_back_off_seconds=0.001,
        )  # fmt: skip
        handlers: dict[str, ResourceHandler] = {
            TYPE: self.handler,
            NESTED_STACK: CloudFormationStack(self.stacks),
        }
        await self.stacks.start()

    async def put_templates(self) -> None:
        async def body(text: str) -> AsyncIterator[bytes]:
            yield text.encode()

        await self.objects.create_bucket("templates")
        for key, text in TEMPLATES.items():
            await self.objects.put("templates", key, body(text))


async def journey(world: World) -> None:
    """Go on from whatever the parent's status says, until it is deleted."""
    while True:
        rows = [row for row in await world.stacks.rows(deleted=True) if row.name == "app"]
        if not rows:
            await world.begin_create(STAGES[None] or "")
            continue
        status = await world.ended(rows[0].id)
        if status == "DELETE_COMPLETE":
            return
        body = STAGES[status]
        if body is None:
            await world.begin_delete()
        else:
            await world.begin_update(body, token=status)


def outcome(world: World) -> dict[str, Any]:
    effects = world.store.effects()
    assert set(effects.values()) == {1}, "nothing is done twice under one token"
    return {
        "things": world.store.things(),
        "effects": sorted(Counter((action, name) for _, action, name in effects).items()),
        "violations": world.store.violations(),
    }


async def lived(directory: Path, die_at: tuple[str, int] | None = None) -> dict[str, Any]:
    """The journey's outcome, with one death on the way and a new process after it."""
    world = NestedWorld(directory)
    await world.start()
    await world.put_templates()
    assert isinstance(world.database, MortalDatabase)
    begun = world.database.writes
    if die_at is not None:
        world.database.die_at = (die_at[0], begun + die_at[1])
        await world.database.until_death(journey(world))
        await world.stop()
        await world.start()
    await journey(world)
    assert isinstance(world.database, MortalDatabase)
    statuses = {row.status for row in await world.stacks.rows(deleted=True)}
    result = outcome(world) | {"writes": world.database.writes - begun, "statuses": statuses}
    await world.close()
    return result


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return asyncio.run(lived(tmp_path_factory.mktemp("undisturbed")))


def test_the_journey_is_worth_it(undisturbed: dict[str, Any]) -> None:
    effects = dict(undisturbed["effects"])
    assert effects["create", "A"] == 3, "made, and replaced by each of the two updates"
    assert effects["delete", "A"] == 3, "what the failed update had made, and both others"
    assert effects["update", "B"] == 3, "changed, changed back, and changed again"
    assert undisturbed["things"] == []
    assert undisturbed["violations"] == []
    assert undisturbed["statuses"] == {"DELETE_COMPLETE"}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_death_around_writes(when: str, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    for number in range(1, undisturbed["writes"] + 1, 3):
        directory = tmp_path / str(number)
        directory.mkdir()
        result = await lived(directory, (when, number))
        for key in ("things", "effects", "violations", "statuses"):
            assert result[key] == undisturbed[key], f"died {when} write {number}"
