"""A server that dies before or after any write or effect of a service's deployment; its successor
ends it: every task started once, the new version in place, nothing left of the old one.

Each run of the test dies at one more place, until a run meets no place to die at.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from penstock.clock import utc_now
from penstock.storage import ecs_service_events
from penstock.storage.database import Database, Work
from penstock.storage.outbox import Outbox
from penstock.workloads.ecs.clusters import Cluster, Clusters
from penstock.workloads.ecs.service_loop import ServiceLoop
from penstock.workloads.ecs.service_state import RolloutState, ServiceLoadBalancer
from penstock.workloads.ecs.service_world import ServiceWorld
from penstock.workloads.ecs.services import Services
from penstock.workloads.ecs.stored_services import StoredService
from penstock.workloads.ecs.task_definitions import TaskDefinitions
from penstock.workloads.ecs.tasks import Tasks
from penstock.workloads.load_balancing.targets import TargetState
from penstock.workloads.task_records import StartTask, TaskRecord, TaskStatus
from tests.databases import opened_database
from tests.service_world import GROUP, Balancing, Group, all_tasks, move_tasks

PLACE = {"account_id": "123456789012", "region": "us-east-1"}
DEFINITION = {
    "family": "web",
    "networkMode": "bridge",
    "containerDefinitions": [
        {"name": "app", "image": "busybox", "portMappings": [{"containerPort": 80}]}
    ],
}


class Death(BaseException):
    """The server's process is gone: nothing of it handles this."""


class Fate:
    """Dies at the given place, counted from 0, and never again."""

    def __init__(self, place: int) -> None:
        self.place, self.passed, self.died = place, 0, asyncio.Event()

    def pass_by(self) -> None:
        if self.died.is_set():
            raise Death
        if self.passed == self.place:
            self.died.set()
            raise Death
        self.passed += 1


class MortalWorld(ServiceWorld):
    """Dies before or after an effect."""

    def __init__(self, tasks: Any, balancing: Any, fate: Fate) -> None:
        super().__init__(tasks, balancing)
        self.fate = fate

    async def start(self, wanted: StartTask) -> None:
        self.fate.pass_by()
        await super().start(wanted)
        self.fate.pass_by()

    async def stop(self, task_id: str, reason: str, stop_code: str) -> None:
        self.fate.pass_by()
        await super().stop(task_id, reason, stop_code)
        self.fate.pass_by()

    async def register(self, registered: Any) -> None:
        self.fate.pass_by()
        await super().register(registered)
        self.fate.pass_by()

    async def deregister(self, registered: Any) -> None:
        self.fate.pass_by()
        await super().deregister(registered)
        self.fate.pass_by()


class MortalDatabase:
    """Dies before a write, or once it is durable."""

    def __init__(self, database: Database, fate: Fate) -> None:
        self._database, self._fate = database, fate
        self.read = database.read

    async def write(self, work: Work[Any]) -> Any:
        self._fate.pass_by()
        result = await self._database.write(work)
        self._fate.pass_by()
        return result


class Life:
    """One server's ECS on a database, and the target groups that outlive it."""

    def __init__(self, database: Database, groups: dict[str, Group], fate: Fate) -> None:
        self.database = database
        self.definitions = TaskDefinitions(database, utc_now, **PLACE)
        self.tasks = Tasks(database, utc_now, self.definitions, Mock(), Mock(), **PLACE)
        self.balancing = Balancing(database, groups)
        outbox = Outbox(database)
        self.services = Services(
            database, outbox, self.tasks, self.balancing, utc_now, instance_id="x", **PLACE
        )
        world = MortalWorld(self.tasks, self.balancing, fate)
        mortal: Any = MortalDatabase(database, fate)
        self.loop = ServiceLoop(mortal, outbox, world, utc_now)
        self.cluster = Cluster("main", Clusters(database, utc_now, **PLACE).arn("main"))

    async def begin(self) -> None:
        definition = await self.definitions.register(DEFINITION, "me", {})
        deployment = self.services.new_deployment(definition)
        balancer = ServiceLoadBalancer(GROUP, "app", 80, "instance")
        state = self.services.new_state(self.cluster, "web", 2, deployment, (balancer,))
        await self.services.create(self.cluster, state, {}, lambda _: False)

    async def deploy(self) -> None:
        definition = await self.definitions.register(DEFINITION, "me", {})
        new = self.services.new_deployment(definition)
        await self.services.change(
            self.cluster,
            "web",
            lambda state: replace(state, deployments=(new, *state.deployments), steady=False),
        )

    async def stored(self) -> StoredService:
        found = await self.services.get(self.cluster, "web")
        assert found is not None
        return found

    async def run(self, until: Callable[[StoredService], bool], fate: Fate) -> bool:
        """Move the world until the service is as wanted or the server has died."""
        await self.loop.start()
        try:
            for _ in range(2000):
                if fate.died.is_set():
                    await asyncio.sleep(0.01)
                    return False
                if until(await self.stored()):
                    return True
                await move_tasks(self.database, self.cluster.arn, lambda _: True)
                await self.balancing.move(lambda _: TargetState.HEALTHY)
                await asyncio.sleep(0.002)
        finally:
            await self.loop.close()
        raise AssertionError((await self.stored()).state)

    async def messages(self) -> list[str]:
        arn = (await self.stored()).state.arn
        events = await self.database.read(lambda c: ecs_service_events.newest(c, arn))
        return [event.message for event in events]

    async def every_task(self) -> list[TaskRecord]:
        return await self.database.read(lambda c: all_tasks(c, self.cluster.arn))


def done(stored: StoredService) -> bool:
    state = stored.state
    return (
        state.steady
        and len(state.deployments) == 1
        and state.primary.rollout_state is RolloutState.COMPLETED
        and all(each.was_in_service for each in state.placements)
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_whenever_a_server_dies_its_successor_ends_the_deployment(tmp_path: Path) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    place = 0
    while True:
        directory = tmp_path / str(place)
        directory.mkdir()
        groups = {GROUP: Group()}
        fate = Fate(place)
        with opened_database(directory) as database:
            first = Life(database, groups, Fate(10**9))
            await first.begin()
            assert await first.run(done, Fate(10**9))
            dying = Life(database, groups, fate)
            await dying.deploy()
            await dying.run(done, fate)
            successor = Life(database, groups, Fate(10**9))
            assert await successor.run(done, Fate(10**9))
            where = f"died at place {place}"
            state = (await successor.stored()).state
            tasks = await successor.every_task()
            running = [task for task in tasks if task.last_status is TaskStatus.RUNNING]
            assert {task.task_id for task in running} == {
                each.task_id for each in state.placements
            }, where
            assert {task.task_definition_arn for task in tasks} == {
                state.primary.task_definition_arn
            }, where
            assert len(tasks) == 2, where
            assert state.primary.next_ordinal == 2, where
            assert len(groups[GROUP].targets) == 2, where
            messages = await successor.messages()
            for text, times in (
                ("has started 1 tasks", 4),
                ("registered 1 targets", 4),
                ("has begun draining", 2),
                ("has stopped 1 running", 2),
                ("deployment completed.", 2),
            ):
                assert sum(text in message for message in messages) == times + (
                    2 if text == "registered 1 targets" else 0
                ), (where, text, messages)
        if not fate.died.is_set():
            break
        place += 1
    assert place > 20
