"""AWS::ECS::Service: made, waited for, updated, refused, deleted; the engine moved by the test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.ecs_world import ROOT, EcsWorld
from tests.service_world import GROUP, Balancing, all_tasks, move_tasks

from penstock.clock import utc_now
from penstock.stacks.display import Secrets
from penstock.stacks.drift.comparison import compare
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    InProgress,
    Progress,
    ResourceRequest,
    Succeeded,
)
from penstock.stacks.resource_types.ecs_service import EcsService
from penstock.stacks.schemas import resource_schema
from penstock.storage.outbox import Outbox
from penstock.workloads.ecs.ecs import Ecs
from penstock.workloads.ecs.services import Services
from penstock.workloads.load_balancing.targets import TargetState

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/dev/1"
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/default"
BREAKER = {"DeploymentCircuitBreaker": {"Enable": "true", "Rollback": True}}
Call = Callable[[ResourceRequest, Mapping[str, Any] | None], Any]


class World:
    """ECS with services, in which every step of a handler lets the world move once."""

    def __init__(self, directory: Path) -> None:
        self.ecs = EcsWorld(directory)
        self.ecs.open()
        self.balancing = Balancing(self.ecs.database)
        self.bad: set[str] = set()
        self.services = Services(
            self.ecs.database, Outbox(self.ecs.database), self.ecs.tasks, self.balancing, utc_now,
            account_id="123456789012", region="us-east-1", instance_id="test",
        )  # fmt: skip
        self.ecs.ecs = Ecs(
            self.ecs.clusters, self.ecs.task_definitions, self.ecs.tasks, self.services, "test"
        )
        self.handler = EcsService(self.ecs.in_process)

    async def register(self, *, bad: bool = False) -> str:
        container = {
            "name": "app", "image": "app", "memory": 64, "portMappings": [{"containerPort": 80}],
        }  # fmt: skip
        made = await self.ecs.call(
            "ecs", "RegisterTaskDefinition", family="web", containerDefinitions=[container]
        )
        arn = str(made["taskDefinition"]["taskDefinitionArn"])
        if bad:
            self.bad.add(arn)
        return arn

    async def ended(self, call: Call, request: ResourceRequest) -> Progress:
        """Call until the handler has done, as the provisioner does."""
        context: Mapping[str, Any] | None = None
        for _ in range(600):
            progress: Progress = await call(request, context)
            if not isinstance(progress, InProgress):
                return progress
            assert progress.physical_resource_id is not None
            context = progress.callback_context
            await move_tasks(
                self.ecs.database, CLUSTER, lambda task: task.task_definition_arn not in self.bad
            )
            await self.balancing.move(lambda _: TargetState.HEALTHY)
            await asyncio.sleep(0.02)
        raise AssertionError(progress)

    async def running(self) -> list[str]:
        tasks = await self.ecs.database.read(lambda c: all_tasks(c, CLUSTER))
        return [task.task_definition_arn for task in tasks if task.last_status == "RUNNING"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.ecs.call("ecs", "CreateCluster")
    await made.services.start()
    yield made
    await made.services.close()
    await made.ecs.close()


def request(properties: Mapping[str, Any], **more: Any) -> ResourceRequest:
    tags = {"aws:cloudformation:stack-name": "dev", "aws:cloudformation:stack-id": STACK}
    given = ResourceRequest(
        stack_id=STACK, stack_name="dev", region="us-east-1", account_id="123456789012",
        logical_resource_id="Web", resource_type="AWS::ECS::Service", properties=properties,
        previous_properties={}, physical_resource_id=None, tags=tags, previous_tags=tags,
        client_request_token="token", resumed=False, principal=ROOT, now=utc_now(),
    )  # fmt: skip
    return msgspec.structs.replace(given, **more)


def properties(definition: str, **more: Any) -> dict[str, Any]:
    return {
        "TaskDefinition": definition,
        "DesiredCount": "2",
        "LoadBalancers": [{"TargetGroupArn": GROUP, "ContainerName": "app", "ContainerPort": "80"}],
        "DeploymentConfiguration": BREAKER,
        **more,
    }


async def made(world: World, wanted: Mapping[str, Any]) -> Succeeded:
    progress = await world.ended(world.handler.create, request(wanted))
    assert isinstance(progress, Succeeded), progress
    return progress


async def test_a_service_is_ready_when_its_deployment_has_completed(world: World) -> None:
    definition = await world.register()
    asked = request(properties(definition))
    first = await world.handler.create(asked, None)
    again = await world.handler.create(msgspec.structs.replace(asked, resumed=True), None)
    assert isinstance(first, InProgress)
    assert first == again, "a crash between the two made the service only once"
    progress = await world.ended(world.handler.create, asked)
    assert isinstance(progress, Succeeded)
    arn = progress.physical_resource_id
    name = arn.rpartition("/")[2]
    assert arn == f"arn:aws:ecs:us-east-1:123456789012:service/default/{name}"
    assert name.startswith("dev-Web-")
    assert progress.attributes == {"Name": name, "ServiceArn": arn}
    assert await world.running() == [definition, definition]
    assert await world.handler.read(request({}, physical_resource_id=arn)) == progress
    tags = await world.ecs.call("ecs", "ListTagsForResource", resourceArn=arn)
    assert {"key": "aws:cloudformation:stack-name", "value": "dev"} in tags["tags"]


async def test_an_update_waits_for_the_new_version(world: World) -> None:
    before = properties(await world.register())
    there = await made(world, before)
    after = {**before, "TaskDefinition": await world.register(), "DesiredCount": 3}
    asked = request(
        after, previous_properties=before, physical_resource_id=there.physical_resource_id
    )
    assert await world.ended(world.handler.update, asked) == there
    assert await world.running() == [after["TaskDefinition"]] * 3
    back = msgspec.structs.replace(asked, properties=before, previous_properties=after)
    assert await world.ended(world.handler.update, back) == there
    assert await world.running() == [before["TaskDefinition"]] * 2


async def test_a_bad_version_fails_as_the_breaker_says(world: World) -> None:
    before = properties(await world.register())
    there = await made(world, before)
    after = {**before, "TaskDefinition": await world.register(bad=True)}
    arn = there.physical_resource_id
    asked = request(after, previous_properties=before, physical_resource_id=arn)
    assert await world.ended(world.handler.update, asked) == Failed(
        HandlerErrorCode.GENERAL_SERVICE_EXCEPTION,
        "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.",
        arn,
    )
    back = msgspec.structs.replace(asked, properties=before, previous_properties=after)
    assert await world.ended(world.handler.update, back) == there
    assert await world.running() == [before["TaskDefinition"]] * 2


async def test_a_first_version_that_fails_leaves_something_to_delete(world: World) -> None:
    asked = request(properties(await world.register(bad=True)))
    failed = await world.ended(world.handler.create, asked)
    assert isinstance(failed, Failed)
    assert failed.code is HandlerErrorCode.GENERAL_SERVICE_EXCEPTION
    assert failed.physical_resource_id is not None
    gone = msgspec.structs.replace(asked, physical_resource_id=failed.physical_resource_id)
    assert await world.ended(world.handler.delete, gone) == Succeeded(failed.physical_resource_id)


async def test_a_deleted_service_leaves_no_task_and_no_target(world: World) -> None:
    there = await made(world, properties(await world.register()))
    asked = request({}, physical_resource_id=there.physical_resource_id)
    ended = Succeeded(there.physical_resource_id)
    assert await world.ended(world.handler.delete, asked) == ended
    assert await world.running() == []
    assert world.balancing.groups[GROUP].targets == {}
    assert await world.handler.read(asked) is None
    assert await world.ended(world.handler.delete, asked) == ended
    assert await world.handler.delete(request({}), None) == Succeeded("")


async def test_what_is_refused_is_a_failure_with_its_reason(world: World) -> None:
    definition = await world.register()
    wrong = properties(definition, Cluster="none")
    assert await world.handler.create(request(wrong), None) == Failed(
        HandlerErrorCode.NOT_FOUND, "Cluster not found."
    )
    odd = properties(definition, Monitoring={})
    failed = await world.handler.create(request(odd), None)
    assert isinstance(failed, Failed)
    assert failed.message == (
        "Penstock cannot honour the property /Monitoring of AWS::ECS::Service; remove it from the "
        "template."
    )
    await made(world, properties(definition, ServiceName="web"))
    other = request(properties(definition, ServiceName="web"), tags={}, stack_name="other")
    assert await world.handler.create(other, None) == Failed(
        HandlerErrorCode.INVALID_REQUEST, "Creation of service was not idempotent."
    )


async def test_drift_is_what_an_operator_changed_and_nothing_that_ecs_added(world: World) -> None:
    wanted = properties("web", Cluster="default", ServiceName="front")
    await world.register()
    made = await world.ended(world.handler.create, request(wanted))
    assert isinstance(made, Succeeded)
    arn = made.physical_resource_id
    read = request(wanted, physical_resource_id=arn, attributes=made.attributes)
    schema, nothing = resource_schema.schema("AWS::ECS::Service"), Secrets(frozenset())

    async def differences() -> set[tuple[str, str]]:
        actual = await world.handler.actual_properties(read)
        found = compare(wanted, actual, schema, nothing)
        return {(each.path, each.kind) for each in found.differences}

    assert await differences() == set()
    change = {"service": "front", "desiredCount": 1}
    await world.ecs.in_process.call(ROOT, "ecs", "UpdateService", change)
    assert await differences() == {("/DesiredCount", "NOT_EQUAL")}
    await world.ended(world.handler.delete, read)
    assert await world.handler.actual_properties(read) is None
