"""AWS::ECS::Cluster and AWS::ECS::TaskDefinition beyond what all types do."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.ecs_world import ROOT, EcsWorld

from penstock.aws.errors import ServiceError
from penstock.clock import utc_now
from penstock.stacks.display import Secrets
from penstock.stacks.drift.comparison import compare
from penstock.stacks.handlers.handler import Failed, HandlerErrorCode, ResourceRequest, Succeeded
from penstock.stacks.resource_types.ecs_cluster import EcsCluster
from penstock.stacks.resource_types.ecs_task_definition import EcsTaskDefinition
from penstock.stacks.schemas import resource_schema

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
    return msgspec.structs.replace(given, **more)


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


def compared(handler: Any, properties: Mapping[str, Any], actual: Any) -> list[tuple[str, str]]:
    type_name = f"AWS::ECS::{type(handler).__name__.removeprefix('Ecs')}"
    schema = resource_schema.schema(type_name)
    found = compare(properties, actual, schema, Secrets(frozenset()))
    return [(each.path, each.kind) for each in found.differences]


async def test_drift_of_a_cluster(world: EcsWorld) -> None:
    handler = EcsCluster(world.in_process)
    tags = [{"Key": "own", "Value": "1"}]
    settings = [{"Name": "containerInsights", "Value": "enabled"}]
    properties = {"ClusterName": "web", "ClusterSettings": settings, "Tags": tags}
    made = await handler.create(request(properties), None)
    assert isinstance(made, Succeeded)
    there = request(properties, physical_resource_id="web", attributes=made.attributes)
    assert compared(handler, properties, await handler.actual_properties(there)) == []
    off = [{"name": "containerInsights", "value": "disabled"}]
    await world.call("ecs", "UpdateClusterSettings", cluster="web", settings=off)
    await world.call("ecs", "UntagResource", resourceArn=made.attributes["Arn"], tagKeys=["own"])
    assert compared(handler, properties, await handler.actual_properties(there)) == [
        ("/ClusterSettings/0/Value", "NOT_EQUAL"), ("/Tags/0", "REMOVE"),
    ]  # fmt: skip
    await world.call("ecs", "DeleteCluster", cluster="web")
    assert await handler.actual_properties(there) is None


async def test_drift_of_a_task_definition(world: EcsWorld) -> None:
    """What ECS writes in another way than the template is no drift."""
    handler = EcsTaskDefinition(world.in_process)
    container = {
        "Name": "main", "Image": "app", "Memory": "128", "Environment": [{"Name": "A", "Value": 1}],
        "PortMappings": [{"ContainerPort": "8000"}], "DockerLabels": {"com.example.A": "x"},
        "MountPoints": [{"SourceVolume": "data", "ContainerPath": "/data", "ReadOnly": "false"}],
        "Secrets": [], "HealthCheck": {"Command": ["CMD", "true"], "Interval": "10"},
    }  # fmt: skip
    properties = {
        "Family": "app", "Memory": "1 GB", "Cpu": ".5 vCPU", "TaskRoleArn": "worker",
        "ContainerDefinitions": [container], "Volumes": [{"Name": "data"}],
        "RequiresCompatibilities": ["EC2"], "Tags": [{"Key": "own", "Value": "1"}],
    }  # fmt: skip
    made = await handler.create(request(properties), None)
    assert isinstance(made, Succeeded), made
    arn = made.physical_resource_id
    there = request(properties, physical_resource_id=arn, attributes=made.attributes)
    assert compared(handler, properties, await handler.actual_properties(there)) == []
    otherwise = {**properties, "Memory": "2 GB", "ContainerDefinitions": [{**container, "Cpu": 1}]}
    asked = msgspec.structs.replace(there, properties=otherwise)
    assert compared(handler, otherwise, await handler.actual_properties(asked)) == [
        ("/ContainerDefinitions/0", "REMOVE"), ("/ContainerDefinitions/0", "ADD"),
        ("/Memory", "NOT_EQUAL"),
    ]  # fmt: skip
    secret = {**container, "Environment": [{"Name": "A", "Value": "{{resolve:ssm:/a}}"}]}
    looked_up = {
        **properties, "Memory": "{{resolve:ssm:/memory}}", "ContainerDefinitions": [secret],
        "TaskRoleArn": "other",
    }  # fmt: skip
    asked = msgspec.structs.replace(there, properties=looked_up)
    found = compared(handler, looked_up, await handler.actual_properties(asked))
    assert found == [("/TaskRoleArn", "NOT_EQUAL")]
    refused = msgspec.structs.replace(there, properties={**properties, "NetworkMode": "host"})
    with pytest.raises(ServiceError, match="does not support networkMode host"):
        await handler.actual_properties(refused)
    await world.call("ecs", "DeregisterTaskDefinition", taskDefinition=arn)
    assert await handler.actual_properties(there) is None
