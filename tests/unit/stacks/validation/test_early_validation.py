"""Names that services have already, and buckets with objects, are seen before anything is made."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.resource_world import ROOT, ResourceWorld, resource_world

from penstock.aws.payload import one_block
from penstock.aws.service import Principal

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"},
]}  # fmt: skip


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ResourceWorld]:
    async with resource_world(tmp_path) as made:
        yield made


async def reviewed(
    world: ResourceWorld, template: Mapping[str, Any], principal: Principal = ROOT, **more: Any
) -> tuple[str, list[Mapping[str, Any]]]:
    """The change set's status, and what its validation found."""
    made = await world.in_process.call(
        principal, "cloudformation", "CreateChangeSet",
        {
            "StackName": "shop", "ChangeSetName": "c", "ChangeSetType": "CREATE",
            "Capabilities": ["CAPABILITY_NAMED_IAM"], "TemplateBody": json.dumps(template), **more,
        },
    )  # fmt: skip
    described = await world.call("cloudformation", "DescribeChangeSet", ChangeSetName=made["Id"])
    events = await world.call("cloudformation", "DescribeEvents", ChangeSetName=made["Id"])
    found = [one for one in events["OperationEvents"] if one["EventType"] == "VALIDATION_ERROR"]
    return described["Status"], found


def one(resource_type: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"Resources": {"Mine": {"Type": resource_type, "Properties": properties}}}


@pytest.mark.parametrize(
    ("service", "operation", "request_fields", "resource_type", "properties", "identifier"),
    [
        (
            "s3", "CreateBucket", {"Bucket": "orders"},
            "AWS::S3::Bucket", {"BucketName": "orders"}, "orders",
        ),
        (
            "logs", "CreateLogGroup", {"logGroupName": "/a"},
            "AWS::Logs::LogGroup", {"LogGroupName": "/a"}, "/a",
        ),
        (
            "ssm", "PutParameter", {"Name": "/a", "Value": "v", "Type": "String"},
            "AWS::SSM::Parameter", {"Name": "/a", "Value": "v", "Type": "String"}, "/a",
        ),
        (
            "iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": json.dumps(TRUST)},
            "AWS::IAM::Role", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST}, "r",
        ),
        (
            "sns", "CreateTopic", {"Name": "t"},
            "AWS::SNS::Topic", {"TopicName": "t"}, "arn:aws:sns:us-east-1:123456789012:t",
        ),
        (
            "ecr", "CreateRepository", {"repositoryName": "web"},
            "AWS::ECR::Repository", {"RepositoryName": "web"}, "web",
        ),
    ],
)  # fmt: skip
async def test_a_name_that_a_service_has(
    world: ResourceWorld,
    service: str,
    operation: str,
    request_fields: dict[str, Any],
    resource_type: str,
    properties: dict[str, Any],
    identifier: str,
) -> None:
    status, found = await reviewed(world, one(resource_type, properties), ChangeSetName="before")
    assert (status, found) == ("CREATE_COMPLETE", [])
    await world.call(service, operation, **request_fields)
    status, [event] = await reviewed(world, one(resource_type, properties))
    assert status == "FAILED"
    assert event["ValidationName"] == "NAME_CONFLICT_VALIDATION"
    assert event["ValidationStatusReason"] == (
        f"Resource of type '{resource_type}' with identifier '{identifier}' already exists."
    )
    assert event["ValidationPath"] == "/Resources/Mine"


async def test_who_may_not_look_finds_out_when_it_is_made(world: ResourceWorld) -> None:
    await world.call("s3", "CreateBucket", Bucket="orders")
    principal = await world.user("planner", "cloudformation:*")
    bucket = one("AWS::S3::Bucket", {"BucketName": "orders"})
    assert await reviewed(world, bucket, principal) == ("CREATE_COMPLETE", [])


async def test_a_name_that_is_made_up_is_never_looked_for(world: ResourceWorld) -> None:
    assert await reviewed(world, one("AWS::S3::Bucket", {})) == ("CREATE_COMPLETE", [])


async def test_a_bucket_that_goes_with_its_objects_is_a_warning(world: ResourceWorld) -> None:
    both = {
        "Resources": {
            name: {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name.lower()}}
            for name in ("Full", "Empty", "Stays")
        }
    }
    made = await world.call(
        "cloudformation", "CreateStack", StackName="shop", TemplateBody=json.dumps(both)
    )
    stack: Mapping[str, Any] = {}
    while stack.get("StackStatus") != "CREATE_COMPLETE":
        await asyncio.sleep(0.01)
        [stack] = (await world.call("cloudformation", "DescribeStacks"))["Stacks"]
    assert stack["StackId"] == made["StackId"]
    await world.objects.put("full", "k", one_block(b"x"))
    left = {"Resources": {"Stays": both["Resources"]["Stays"]}}
    status, [event] = await reviewed(world, left, ChangeSetType="UPDATE")
    assert status == "CREATE_COMPLETE"
    assert (event["ValidationFailureMode"], event["ValidationName"]) == (
        "WARN", "BUCKET_EMPTINESS_VALIDATION",
    )  # fmt: skip
    assert event["LogicalResourceId"] == "Full"
    assert event["ValidationStatusReason"].startswith("The bucket 'full' is not empty. You must")


async def deployed(world: ResourceWorld, template: Mapping[str, Any]) -> None:
    """A stack `other` of the template."""
    body = json.dumps(template)
    await world.call("cloudformation", "CreateStack", StackName="other", TemplateBody=body)
    stack: Mapping[str, Any] = {"StackStatus": "CREATE_IN_PROGRESS"}
    while stack["StackStatus"] == "CREATE_IN_PROGRESS":
        await asyncio.sleep(0.01)
        [stack] = (await world.call("cloudformation", "DescribeStacks"))["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("resource_type", "there", "new"),
    [
        (
            "AWS::Amplify::Branch",
            {"BranchName": "main", "AppId": "d2gvbk0xa9n2hd"},
            {"BranchName": "main", "AppId": "d3hwcl1yb8o3ie"},
        ),
        (
            "AWS::Events::Rule",
            {"Name": "nightly", "ScheduleExpression": "rate(1 day)"},
            {"Name": "nightly", "EventBusName": "orders", "EventPattern": {"source": ["shop"]}},
        ),
        (
            "AWS::BedrockAgentCore::BrowserCustom",
            {"Name": "one", "NetworkConfiguration": {"NetworkMode": "PUBLIC"}},
            {"Name": "two", "NetworkConfiguration": {"NetworkMode": "PUBLIC"}},
        ),
        (
            "AWS::ApiGateway::Stage",
            {"RestApiId": "a1b2c3", "StageName": "prod"},
            {"RestApiId": "d4e5f6", "StageName": "prod"},
        ),
    ],
)
async def test_a_namesake_elsewhere_is_no_conflict(
    world: ResourceWorld, resource_type: str, there: dict[str, Any], new: dict[str, Any]
) -> None:
    await deployed(world, one(resource_type, there))
    assert await reviewed(world, one(resource_type, new)) == ("CREATE_COMPLETE", [])


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [
        ("AWS::Events::Rule", {"Name": "nightly", "ScheduleExpression": "rate(1 day)"}),
        ("AWS::ApiGateway::Stage", {"RestApiId": "a1b2c3", "StageName": "prod"}),
        ("AWS::CodeArtifact::Repository", {"RepositoryName": "pip", "DomainName": "acme"}),
    ],
)
async def test_the_same_name_in_the_same_place(
    world: ResourceWorld, resource_type: str, properties: dict[str, Any]
) -> None:
    await deployed(world, one(resource_type, properties))
    status, [event] = await reviewed(world, one(resource_type, properties))
    assert status == "FAILED"
    assert event["ValidationName"] == "NAME_CONFLICT_VALIDATION"


async def test_names_of_stacks_that_somebody_may_not_describe_are_not_told(
    world: ResourceWorld,
) -> None:
    database = one(
        "AWS::DynamoDB::Table",
        {
            "TableName": "prod-db",
            "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    await deployed(world, database)
    stranger = await world.user("stranger", "cloudformation:CreateChangeSet")
    assert await reviewed(world, database, stranger) == ("CREATE_COMPLETE", [])
    may = ["cloudformation:CreateChangeSet", "cloudformation:DescribeStackResources"]
    owner = await world.user("owner", *may)
    status, [event] = await reviewed(world, database, owner, ChangeSetName="again")
    assert status == "FAILED"
    assert "'prod-db' already exists" in event["ValidationStatusReason"]
