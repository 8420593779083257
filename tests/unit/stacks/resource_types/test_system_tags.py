"""Tags that CloudFormation sets are nobody else's to set, change or remove, in any service."""

import json
from typing import Any

import pytest
from tests.resource_world import ResourceWorld

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import Succeeded

STACK_NAME = "aws:cloudformation:stack-name"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "codebuild.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
TYPES: dict[str, dict[str, Any]] = {
    "AWS::CodeCommit::Repository": {"RepositoryName": "app"},
    "AWS::ECR::Repository": {},
    "AWS::IAM::ManagedPolicy": {"PolicyDocument": DOCUMENT},
    "AWS::IAM::Role": {"AssumeRolePolicyDocument": TRUST},
    "AWS::Logs::LogGroup": {},
    "AWS::SNS::Topic": {},
    "AWS::SSM::Parameter": {"Type": "String", "Value": "x"},
    "AWS::SecretsManager::Secret": {"SecretString": "x"},
}


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


async def tag(world: ResourceWorld, type: str, made: Succeeded, tags: dict[str, str]) -> None:
    """Tag as a user does."""
    name = made.physical_resource_id
    arn = made.attributes.get("Arn", "").removesuffix(":*")
    match type:
        case "AWS::CodeCommit::Repository":
            await world.call("codecommit", "TagResource", resourceArn=arn, tags=tags)
        case "AWS::ECR::Repository":
            await world.call("ecr", "TagResource", resourceArn=arn, tags=pairs(tags))
        case "AWS::IAM::ManagedPolicy":
            await world.call("iam", "TagPolicy", PolicyArn=name, Tags=pairs(tags))
        case "AWS::IAM::Role":
            await world.call("iam", "TagRole", RoleName=name, Tags=pairs(tags))
        case "AWS::Logs::LogGroup":
            await world.call("logs", "TagResource", resourceArn=arn, tags=tags)
        case "AWS::SNS::Topic":
            await world.call("sns", "TagResource", ResourceArn=name, Tags=pairs(tags))
        case "AWS::SSM::Parameter":
            resource = {"ResourceType": "Parameter", "ResourceId": name}
            await world.call("ssm", "AddTagsToResource", **resource, Tags=pairs(tags))
        case _:
            await world.call("secretsmanager", "TagResource", SecretId=name, Tags=pairs(tags))


async def untag(world: ResourceWorld, type: str, made: Succeeded, keys: list[str]) -> None:
    """Remove tags as a user does."""
    name = made.physical_resource_id
    arn = made.attributes.get("Arn", "").removesuffix(":*")
    match type:
        case "AWS::CodeCommit::Repository":
            await world.call("codecommit", "UntagResource", resourceArn=arn, tagKeys=keys)
        case "AWS::ECR::Repository":
            await world.call("ecr", "UntagResource", resourceArn=arn, tagKeys=keys)
        case "AWS::IAM::ManagedPolicy":
            await world.call("iam", "UntagPolicy", PolicyArn=name, TagKeys=keys)
        case "AWS::IAM::Role":
            await world.call("iam", "UntagRole", RoleName=name, TagKeys=keys)
        case "AWS::Logs::LogGroup":
            await world.call("logs", "UntagResource", resourceArn=arn, tagKeys=keys)
        case "AWS::SNS::Topic":
            await world.call("sns", "UntagResource", ResourceArn=name, TagKeys=keys)
        case "AWS::SSM::Parameter":
            resource = {"ResourceType": "Parameter", "ResourceId": name}
            await world.call("ssm", "RemoveTagsFromResource", **resource, TagKeys=keys)
        case _:
            await world.call("secretsmanager", "UntagResource", SecretId=name, TagKeys=keys)


@pytest.mark.parametrize("type", TYPES)
async def test_the_stacks_tags_outlast_what_users_do(world: ResourceWorld, type: str) -> None:
    made = await world.made(type, TYPES[type])
    with pytest.raises(ServiceError, match=STACK_NAME):
        await tag(world, type, made, {STACK_NAME: "mine"})
    with pytest.raises(ServiceError, match=STACK_NAME):
        await untag(world, type, made, [STACK_NAME])
    await tag(world, type, made, {"mine": "1"})
    await untag(world, type, made, ["team"])
    request = world.request(type, TYPES[type])
    tags = await world.types[type].tags(request, made)  # type: ignore[attr-defined]
    assert tags["mine"] == "1"
    assert "team" not in tags
    assert tags[STACK_NAME] == "dev"
    again = await world.made(type, TYPES[type], resumed=True)
    assert again.physical_resource_id == made.physical_resource_id


async def test_fifty_tags_of_a_users_own_fit_beside_the_stacks(world: ResourceWorld) -> None:
    many = {f"k{number}": "" for number in range(49)}  # and the stack's `team`
    for type, properties in TYPES.items():
        made = await world.made(type, properties)
        await tag(world, type, made, many)
        with pytest.raises(ServiceError):
            await tag(world, type, made, {"one more": ""})
