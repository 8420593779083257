"""AWS::ECS::Cluster and AWS::ECS::TaskDefinition beyond what all types do."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ecs_world import ROOT, EcsWorld

from penstock.clock import utc_now
from penstock.stacks.handlers.handler import Failed, HandlerErrorCode, ResourceRequest, Succeeded
from penstock.stacks.resource_types.ecs_cluster import EcsCluster
from penstock.stacks.resource_types.ecs_task_definition import EcsTaskDefinition

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/dev/1"
_ARN = "arn:aws:ecs:us-east-1:123456789012"
_APP: Mapping[str, Any] = {
    "Family": "app",
    "Memory": "128",
    "ContainerDefinitions": [
        {"Name": "main", "Image": "app", "Environment": [{"Name": "A", "Value": 1}],
         "PortMappings": [{"ContainerPort": "8000"}], "Essential": "true"}
    ],
}  # fmt: skip


def request(properties: Mapping[str, Any], **more: Any) -> ResourceRequest:
    tags = {
        "aws:cloudformation:stack-name": "dev",
        "aws:cloudformation:stack-id": STACK,
        "aws:cloudformation:logical-id": "Thing",
    }
    given = ResourceRequest(
        stack_id=STACK, stack_name="dev", region="us-east-1", account_id="123456789012",
        logical_resource_id="Thing", resource_type="AWS::ECS::X", properties=properties,
        previous_properties={}, physical_resource_id=None, tags=tags, previous_tags=tags,
        client_request_token="token", resumed=False, principal=ROOT, now=utc_now(),
    )  # fmt: skip
    return replace(given, **more)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[EcsWorld]:
    made = EcsWorld(tmp_path)
    made.open()
    yield made
    await made.close()


async def test_a_clusters_ref_is_its_name_and_names_collide(world: EcsWorld) -> None:
    handler = EcsCluster(world.in_process)
    made = await handler.create(request({}), None)
    assert isinstance(made, Succeeded)
    name = made.physical_resource_id
    assert name.startswith("dev-Thing-")
    assert made.attributes == {"Arn": f"{_ARN}:cluster/{name}"}
    assert await handler.create(request({}, resumed=True), None) == made
    other = request({"ClusterName": name}, client_request_token="another", tags={})
    failed = await handler.create(other, None)
    assert isinstance(failed, Failed)
    assert failed.code is HandlerErrorCode.ALREADY_EXISTS
    assert failed.message.startswith(f"{name} already exists")
    enabled = {"ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}]}
    there = {"physical_resource_id": name, "attributes": made.attributes}
    assert await handler.update(
        request(enabled, previous_properties={"Tags": []}, **there), None
    ) == made  # fmt: skip
    found = await world.call("ecs", "DescribeClusters", clusters=[name], include=["SETTINGS"])
    assert found["clusters"][0]["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert isinstance(await handler.delete(request({}, **there), None), Succeeded)
    assert await handler.read(request({}, **there)) is None
    assert isinstance(await handler.delete(request({}, **there), None), Succeeded)


async def test_a_task_definitions_ref_is_its_arn(world: EcsWorld) -> None:
    handler = EcsTaskDefinition(world.in_process)
    made = await handler.create(request(_APP), None)
    arn = f"{_ARN}:task-definition/app:1"
    assert made == Succeeded(arn, {"TaskDefinitionArn": arn})
    definition = await world.task_definitions.get(arn)
    assert definition is not None
    assert definition.containers[0]["environment"] == [{"name": "A", "value": "1"}]
    assert definition.containers[0]["portMappings"][0]["containerPort"] == 8000
    assert definition.tags["aws:cloudformation:logical-id"] == "Thing"
    there = {"physical_resource_id": arn, "attributes": made.attributes}
    assert isinstance(await handler.delete(request(_APP, **there), None), Succeeded)
    definition = await world.task_definitions.get(arn)
    assert definition is not None
    assert definition.status == "INACTIVE"


async def test_a_crash_after_registering_registers_nothing_twice(world: EcsWorld) -> None:
    handler = EcsTaskDefinition(world.in_process)
    first = await handler.create(request(_APP), None)
    assert await handler.create(request(_APP, resumed=True), None) == first
    changed = {**_APP, "Memory": "256"}
    second = await handler.create(request(changed, resumed=True), None)
    assert isinstance(second, Succeeded)
    assert second.physical_resource_id.endswith("app:2")
    assert await handler.create(request(changed, resumed=True), None) == second


async def test_what_has_no_effect_here_fails_the_resource(world: EcsWorld) -> None:
    handler = EcsTaskDefinition(world.in_process)
    failed = await handler.create(request({**_APP, "NetworkMode": "host"}), None)
    assert isinstance(failed, Failed)
    assert "Penstock does not support networkMode host" in failed.message
