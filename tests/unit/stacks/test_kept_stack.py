"""A stack of kept types from CreateStack to DeleteStack, on the real services."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.resource_world import ResourceWorld, resource_world

TEMPLATE = (Path(__file__).parents[3] / "examples/todobackend-aws/pipeline.yml").read_text()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ResourceWorld]:
    async with resource_world(tmp_path) as made:
        yield made


async def ended(world: ResourceWorld, name: str) -> Mapping[str, Any]:
    """Wait until the stack's operation is over."""
    for _ in range(600):
        answer = await world.call("cloudformation", "DescribeStacks", StackName=name)
        stack: Mapping[str, Any] = answer["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        await asyncio.sleep(0.05)
    raise AssertionError(stack)


async def reasons(world: ResourceWorld, name: str) -> list[str]:
    answer = await world.call("cloudformation", "DescribeStackEvents", StackName=name)
    return [one.get("ResourceStatusReason", "") for one in answer["StackEvents"]]


async def test_the_examples_pipeline_is_a_stack(world: ResourceWorld) -> None:
    asked = {"TemplateBody": TEMPLATE, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    made = await world.call("cloudformation", "CreateStack", StackName="ci", **asked)
    stack = await ended(world, "ci")
    assert stack["StackStatus"] == "CREATE_COMPLETE", await reasons(world, "ci")
    pipelines = (await world.call("codepipeline", "ListPipelines"))["pipelines"]
    assert [one["name"] for one in pipelines] == ["todobackend"]

    await world.call("cloudformation", "CreateStack", StackName="early", **asked)
    assert (await ended(world, "early"))["StackStatus"] == "ROLLBACK_COMPLETE"
    events = await world.call("cloudformation", "DescribeEvents", StackName="early")
    assert "with identifier 'todobackend' already exists." in str(events)

    unchecked = asked | {"DisableValidation": True}
    await world.call("cloudformation", "CreateStack", StackName="twin", **unchecked)
    twin = await ended(world, "twin")
    assert twin["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(
        f"todobackend already exists in stack {made['StackId']}" in reason
        for reason in await reasons(world, "twin")
    )
    assert (await world.call("codepipeline", "ListPipelines"))["pipelines"] == pipelines

    changed = TEMPLATE.replace("TimeoutInMinutes: 30", "TimeoutInMinutes: 20")
    asked["TemplateBody"] = changed
    await world.call("cloudformation", "UpdateStack", StackName="ci", **asked)
    stack = await ended(world, "ci")
    assert stack["StackStatus"] == "UPDATE_COMPLETE", await reasons(world, "ci")
    names = (await world.call("codebuild", "ListProjects"))["projects"]
    [project] = (await world.call("codebuild", "BatchGetProjects", names=names))["projects"]
    assert project["timeoutInMinutes"] == 20

    await world.call("cloudformation", "DeleteStack", StackName="ci")
    stack = await ended(world, made["StackId"])
    assert stack["StackStatus"] == "DELETE_COMPLETE", await reasons(world, made["StackId"])
    assert (await world.call("codepipeline", "ListPipelines"))["pipelines"] == []
    assert (await world.call("iam", "ListRoles"))["Roles"] == []
    assert (await world.call("ecr", "DescribeRepositories"))["repositories"] == []
    kept = (await world.call("s3", "ListBuckets"))["Buckets"]
    assert sorted(one["Name"].split("-")[0] for one in kept) == ["ci", "twin"]  # Retain
