"""The server dies at every stored step while custom resources wait for their answers.

The provider outside lives on: it answers each request once, and sends an answer that was not taken
again. Whatever died, the provider ends with the same things, a request comes again only under the
id and the address that it had, and the stack tells the same.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from penstock.aws.service import Call, Request, Response, Service
from penstock.stacks.responses.addresses import Taken, parts_of
from tests.pipeline_world import Crash, MortalDatabase
from tests.stack_world import World, template, thing
from tests.waiting import async_until

TOPIC = "arn:aws:sns:us-east-1:123456789012:provider"


def custom(name: str, size: int = 1, after: str | None = None) -> dict[str, Any]:
    properties = {"ServiceToken": TOPIC, "Name": name, "Size": size}
    made: dict[str, Any] = {"Type": "Custom::Thing", "Properties": properties}
    return {**made, "DependsOn": after} if after else made


HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
WAIT = {
    "Type": "AWS::CloudFormation::WaitCondition",
    "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "3000"},
}
STAGES = {
    None: template({"A": custom("one"), "B": custom("b", after="A")}),
    "CREATE_COMPLETE": template({"A": custom("two", 2), "B": custom("b", 2, after="A")}),
    "UPDATE_COMPLETE": template(
        {
            "A": custom("three", 3),
            "C": custom("c", after="A"),
            "Bad": {**thing(how="fail-before"), "DependsOn": "C"},
        }
    ),
    "UPDATE_ROLLBACK_COMPLETE": None,
}
"""A status → the next template; None: delete."""


class Outside:
    """The provider, in memory: it does not die with the server."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.asked: dict[str, dict[str, Any]] = {}
        self.sent: Counter[str] = Counter()
        self.unanswered: list[dict[str, Any]] = []
        self.living: dict[str, str] = {}
        self.deleted: list[str] = []
        self.violations: list[str] = []

    async def publish(self, call: Call, request: Request) -> Response:
        document = json.loads(request["Message"])
        known = self.asked.setdefault(document["RequestId"], document)
        self.sent[document["RequestId"]] += 1
        if known != document:
            self.violations.append(f"another request under one id: {document}")
        if self.sent[document["RequestId"]] == 1:
            self._do(document)
            self.unanswered.append(document)
        return {"MessageId": "m"}

    def _do(self, document: Mapping[str, Any]) -> None:
        logical_id, kind = document["LogicalResourceId"], document["RequestType"]
        physical_id = str(document.get("PhysicalResourceId"))
        if kind != "Create" and physical_id not in self.living:
            self.violations.append(f"{kind} of {physical_id}, which is not there")
        if kind == "Delete":
            self.living.pop(physical_id, None)
            self.deleted.append(physical_id)
        else:
            self.living[self._id(document)] = f"{logical_id} {self._size(document)}"

    @staticmethod
    def _size(document: Mapping[str, Any]) -> str:
        return str(document["ResourceProperties"]["Size"])

    @staticmethod
    def _id(document: Mapping[str, Any]) -> str:
        return f"id-of-{document['ResourceProperties']['Name']}"

    async def answer(self) -> None:
        """Answer what was asked, and again until it is taken."""
        while True:
            await asyncio.sleep(0.001)
            for document in list(self.unanswered):
                if self.world is None:
                    break
                kept = ("StackId", "RequestId", "LogicalResourceId")
                physical_id = document.get("PhysicalResourceId")
                answer = {
                    "Status": "SUCCESS",
                    "PhysicalResourceId": physical_id
                    if document["RequestType"] == "Delete"
                    else self._id(document),
                    **{name: document[name] for name in kept},
                }
                parts = parts_of(document["ResponseURL"])
                assert parts is not None
                with contextlib.suppress(Crash):
                    body = json.dumps(answer).encode()
                    taken = await self.world.stacks.responses.take(parts[0], body)
                    assert taken in {Taken.STORED, Taken.IGNORED}, taken
                    self.unanswered.remove(document)


@contextlib.asynccontextmanager
async def living(directory: Path) -> AsyncIterator[tuple[World, Outside]]:
    world, outside = World(directory), Outside()
    world.services = [Service("sns", {"Publish": outside.publish})]
    await world.start()
    outside.world = world
    answering = asyncio.ensure_future(outside.answer())
    yield world, outside
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)
    await world.close()


async def finished(world: World) -> bool:
    rows = await world.stacks.rows(deleted=True)
    return bool(rows) and rows[0].status == "DELETE_COMPLETE"


async def journey(world: World) -> None:
    """Create, update with a replacement, an update that fails, delete."""
    while not await finished(world):
        rows = await world.stacks.rows(deleted=True)
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


async def told(world: World) -> Counter[tuple[str, str]]:
    [row] = await world.stacks.rows(deleted=True)
    return Counter((name, status) for name, status, _ in await world.events(row.id))


async def outcome(world: World, outside: Outside) -> dict[str, Any]:
    asked = outside.asked.values()
    return {
        "asked": Counter((one["RequestType"], one["LogicalResourceId"]) for one in asked),
        "living": outside.living,
        "deleted": sorted(outside.deleted),
        "violations": outside.violations,
        "events": await told(world),
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with living(tmp_path_factory.mktemp("undisturbed")) as (world, outside):
            await journey(world)
            assert isinstance(world.database, MortalDatabase)
            assert set(outside.sent.values()) == {1}, "a request is sent once"
            return {**await outcome(world, outside), "writes": world.database.writes}

    return asyncio.run(run())


async def run_until_death(world: World) -> None:
    assert isinstance(world.database, MortalDatabase)
    await world.database.until_death(journey(world))


async def die_and_live_again(
    directory: Path, undisturbed: dict[str, Any], when: str, number: int
) -> bool:
    """Return whether it died; `number` may be more than there were writes this time."""
    async with living(directory) as (world, outside):
        assert isinstance(world.database, MortalDatabase)
        world.database.die_at = (when, number)
        await run_until_death(world)
        died = world.database.dead.is_set()
        outside.world = None
        await world.stop()
        await world.start()
        outside.world = world
        await journey(world)
        found = await outcome(world, outside)
        for key, value in found.items():
            assert value == undisturbed[key], f"{key}, died {when} write {number}"
        assert max(outside.sent.values()) <= 2
        assert sum(outside.sent.values()) <= len(outside.sent) + 1, "one may come again"
        return died


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.timeout(600)
async def test_death_around_writes(when: str, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    died = 0
    numbers = range(2, undisturbed["writes"] + 1, 5)
    for number in numbers:
        directory = tmp_path / str(number)
        directory.mkdir()
        died += await die_and_live_again(directory, undisturbed, when, number)
    assert died >= len(numbers) - 3, "answers make the number vary a little"


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.timeout(1200)
async def test_death_around_every_write(
    when: str, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    died = 0
    for number in range(1, undisturbed["writes"] + 1):
        directory = tmp_path / str(number)
        directory.mkdir()
        died += await die_and_live_again(directory, undisturbed, when, number)
    assert died >= undisturbed["writes"] - 5, "answers make the number vary a little"


async def test_an_answer_stored_before_the_crash_counts(tmp_path: Path) -> None:
    """It is stored, the server dies before it looks, and nobody sends it again."""
    async with living(tmp_path) as (world, outside):
        await world.begin_create(STAGES[None] or "")
        await async_until(lambda: bool(outside.unanswered))
        document = outside.unanswered[0]
        world.stacks.responses.arrived = lambda _stack_id: None
        await async_until(lambda: not outside.unanswered)
        outside.world = None
        await world.stop()
        await world.start()
        outside.world = world
        [row] = await world.stacks.rows(deleted=True)
        assert await world.ended(row.id) == "CREATE_COMPLETE"
        assert outside.sent[document["RequestId"]] == 1


async def test_a_wait_condition_outlives_the_server(tmp_path: Path) -> None:
    async with living(tmp_path) as (world, _):
        await world.begin_create(template({"Handle": HANDLE, "Wait": WAIT}))
        address = ""
        while not address:
            await asyncio.sleep(0.001)
            state = await world.stacks.state("app")
            assert state is not None
            made = state.resources.get("Wait")
            if made is not None and made.physical_resource_id:
                address = state.resources["Handle"].physical_resource_id
        await world.stop()
        await world.start()
        parts = parts_of(address)
        assert parts is not None
        word = {"Status": "SUCCESS", "UniqueId": "u", "Data": "d", "Reason": "r"}
        taken = await world.stacks.responses.take(parts[0], json.dumps(word).encode())
        assert taken is Taken.STORED
        assert await world.ended("app") == "CREATE_COMPLETE"


def test_the_journey_is_worth_it(undisturbed: dict[str, Any]) -> None:
    asked = undisturbed["asked"]
    assert asked["Create", "A"] == 1
    assert asked["Update", "A"] == 2, "replaced by the update, and by the one that fails"
    assert asked["Delete", "A"] == 3, "each of the three is deleted"
    assert asked["Create", "C"] == asked["Delete", "C"] == 1, "taken back"
    assert undisturbed["living"] == {}
    assert undisturbed["violations"] == []
    assert undisturbed["deleted"] == ["id-of-b", "id-of-c", "id-of-one", "id-of-three", "id-of-two"]
