"""AWS::Logs::LogGroup beyond what all types do."""

from typing import Any

from tests.resource_world import ACCOUNT, REGION, ResourceWorld

from penstock.stacks.handlers.handler import Failed

TYPE = "AWS::Logs::LogGroup"


async def retention(world: ResourceWorld) -> Any:
    [group] = (await world.call("logs", "DescribeLogGroups"))["logGroups"]
    return group.get("retentionInDays")


async def test_retention_and_tags_follow_the_template(world: ResourceWorld) -> None:
    before = {"LogGroupName": "/app", "RetentionInDays": "7"}
    made = await world.made(TYPE, before)
    place = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/app"
    assert made.attributes == {"Arn": f"{place}:*"}
    assert await retention(world) == 7
    changed = {**before, "RetentionInDays": 30, "Tags": [{"Key": "a", "Value": "1"}]}
    assert await world.update(TYPE, made, before, changed) == made
    assert await retention(world) == 30
    tags = (await world.call("logs", "ListTagsForResource", resourceArn=place))["tags"]
    assert (tags["a"], tags["aws:cloudformation:stack-name"]) == ("1", "dev")
    assert await world.update(TYPE, made, changed, {"LogGroupName": "/app"}) == made
    assert await retention(world) is None
    tags = (await world.call("logs", "ListTagsForResource", resourceArn=place))["tags"]
    assert "a" not in tags


async def test_a_group_whose_retention_is_refused_is_named(world: ResourceWorld) -> None:
    failed = await world.create(TYPE, {"LogGroupName": "/app", "RetentionInDays": 2})
    assert isinstance(failed, Failed)
    assert "retentionInDays" in failed.message
    assert failed.physical_resource_id == "/app"
