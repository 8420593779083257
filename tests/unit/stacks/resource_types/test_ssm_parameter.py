"""AWS::SSM::Parameter beyond what all types do."""

from tests.resource_world import ACCOUNT, REGION, ResourceWorld

from penstock.stacks.handlers.handler import Failed, Succeeded

TYPE = "AWS::SSM::Parameter"


async def test_a_change_puts_a_new_version(world: ResourceWorld) -> None:
    before = {"Name": "/app/host", "Type": "String", "Value": 12, "Tags": {"a": "1"}}
    made = await world.made(TYPE, before)
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/app/host"
    assert made.attributes == {"Arn": arn, "Type": "String", "Value": "12"}
    after = {"Name": "/app/host", "Type": "String", "Value": "13", "Tags": {"b": "2"}}
    updated = await world.update(TYPE, made, before, after)
    assert isinstance(updated, Succeeded)
    assert updated.attributes["Value"] == "13"
    got = (await world.call("ssm", "GetParameter", Name="/app/host"))["Parameter"]
    assert (got["Value"], got["Version"]) == ("13", 2)
    answer = await world.call(
        "ssm", "ListTagsForResource", ResourceType="Parameter", ResourceId="/app/host"
    )
    tags = {tag["Key"]: tag["Value"] for tag in answer["TagList"]}
    assert tags["b"] == "2"
    assert "a" not in tags
    assert tags["aws:cloudformation:logical-id"] == "Thing"


async def test_secure_strings_are_no_business_of_templates(world: ResourceWorld) -> None:
    failed = await world.create(TYPE, {"Type": "SecureString", "Value": "x"})
    assert isinstance(failed, Failed)
    assert "SecureString" in failed.message
    assert (await world.call("ssm", "DescribeParameters"))["Parameters"] == []
