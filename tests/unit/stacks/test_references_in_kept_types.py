"""Dynamic references in types that are kept by real services: the services have the values, what
CloudFormation shows and stores does not."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.resource_world import ResourceWorld, resource_world

from penstock.stacks.resource_types.ssm_parameter import SsmParameter

PASSWORD = {
    "Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, ":SecretString:password}}"]]
}
TEMPLATE: dict[str, Any] = {
    "Parameters": {"Note": {"Type": "String", "Default": "one"}},
    "Resources": {
        "Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"user": "ada"}',
                    "GenerateStringKey": "password",
                    "ExcludePunctuation": True,
                }
            },
        },
        "Address": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {
                "Name": "/address",
                "Type": "String",
                "Description": {"Ref": "Note"},
                "Value": {
                    "Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString:user}}:"
                    "{{resolve:secretsmanager:${Secret}:SecretString:password}}@db"
                },
            },
        },
        "Copy": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {
                "Name": "/copy",
                "Type": "String",
                "Value": {"Fn::GetAtt": ["Address", "Value"]},
            },
        },
        "Group": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "app", "RetentionInDays": "{{resolve:ssm:/days}}"},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": {
                        "Effect": "Allow",
                        "Principal": {"Service": "codebuild.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    },
                }
            },
        },
        "Build": {
            "Type": "AWS::CodeBuild::Project",
            "Properties": {
                "Name": "app",
                "Artifacts": {"Type": "NO_ARTIFACTS"},
                "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
                "Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"},
                "Environment": {
                    "ComputeType": "BUILD_GENERAL1_SMALL",
                    "Image": "aws/codebuild/standard:7.0",
                    "Type": "LINUX_CONTAINER",
                    "EnvironmentVariables": [{"Name": "PASSWORD", "Value": PASSWORD}],
                },
            },
        },
    },
    "Outputs": {"Address": {"Value": {"Fn::GetAtt": ["Address", "Value"]}}},
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ResourceWorld]:
    async with resource_world(tmp_path) as made:
        await made.call("ssm", "PutParameter", Name="/days", Value="14", Type="String")
        yield made


def asking() -> dict[str, Any]:
    return {
        "StackName": "app",
        "TemplateBody": json.dumps(TEMPLATE),
        "Capabilities": ["CAPABILITY_IAM"],
    }


async def ended(world: ResourceWorld, name: str) -> Mapping[str, Any]:
    for _ in range(600):
        answer = await world.call("cloudformation", "DescribeStacks", StackName=name)
        stack: Mapping[str, Any] = answer["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        await asyncio.sleep(0.05)
    raise AssertionError(stack)


async def value(world: ResourceWorld, name: str) -> str:
    found = await world.call("ssm", "GetParameter", Name=name)
    return str(found["Parameter"]["Value"])


async def password(world: ResourceWorld) -> str:
    [secret] = (await world.call("secretsmanager", "ListSecrets"))["SecretList"]
    found = await world.call("secretsmanager", "GetSecretValue", SecretId=secret["ARN"])
    return str(json.loads(found["SecretString"])["password"])


async def shown(world: ResourceWorld) -> str:
    answers = [
        await world.call("cloudformation", operation, StackName="app")
        for operation in ("DescribeStacks", "DescribeStackEvents", "DescribeStackResources")
    ]
    return json.dumps(answers, default=str)


async def test_services_get_values_and_nobody_is_shown_them(
    world: ResourceWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asked = asking()
    await world.call("cloudformation", "CreateStack", **asked)
    stack = await ended(world, "app")
    assert stack["StackStatus"] == "CREATE_COMPLETE", await shown(world)
    word = await password(world)
    assert await value(world, "/address") == f"ada:{word}@db"
    assert await value(world, "/copy") == f"ada:{word}@db"
    [group] = (await world.call("logs", "DescribeLogGroups"))["logGroups"]
    assert group["retentionInDays"] == 14
    [project] = (await world.call("codebuild", "BatchGetProjects", names=["app"]))["projects"]
    [variable] = project["environment"]["environmentVariables"]
    assert variable["value"] == word
    assert word not in await shown(world)
    assert word not in caplog.text
    address = stack["Outputs"][0]["OutputValue"]
    assert address.startswith("{{resolve:secretsmanager:arn:aws:")
    assert "ada" not in address, "a short secret is hidden with the text that it stands in"


async def test_a_secret_that_was_rotated_comes_with_the_next_change(world: ResourceWorld) -> None:
    asked = asking()
    await world.call("cloudformation", "CreateStack", **asked)
    await ended(world, "app")
    [secret] = (await world.call("secretsmanager", "ListSecrets"))["SecretList"]
    newer = json.dumps({"user": "bob", "password": "new-password"})
    await world.call("secretsmanager", "PutSecretValue", SecretId=secret["ARN"], SecretString=newer)
    given = [{"ParameterKey": "Note", "ParameterValue": "two"}]
    await world.call("cloudformation", "UpdateStack", **asked, Parameters=given)
    assert (await ended(world, "app"))["StackStatus"] == "UPDATE_COMPLETE"
    assert await value(world, "/address") == "bob:new-password@db"
    await world.call("cloudformation", "DeleteStack", StackName="app")
    assert (await world.call("ssm", "DescribeParameters"))["Parameters"][0]["Name"]


async def test_a_word_of_a_secret_in_an_arn_is_no_secret(world: ResourceWorld) -> None:
    """An ARN with a database's name in it was kept with a reference inside, and named nothing."""
    word = json.dumps({"dbname": "shop", "password": "swordfish-9"})
    await world.call("secretsmanager", "CreateSecret", Name="db", SecretString=word)
    document = json.loads(json.dumps(TEMPLATE))
    build = document["Resources"]["Build"]["Properties"]
    build["Name"] = "shop-prod"
    [variable] = build["Environment"]["EnvironmentVariables"]
    variable["Value"] = "{{resolve:secretsmanager:db:SecretString:dbname}}"
    document["Outputs"] = {"Arn": {"Value": {"Fn::GetAtt": ["Build", "Arn"]}}}
    asked = {**asking(), "TemplateBody": json.dumps(document)}
    await world.call("cloudformation", "CreateStack", **asked)
    stack = await ended(world, "app")
    arn = "arn:aws:codebuild:us-east-1:123456789012:project/shop-prod"
    assert stack["Outputs"][0]["OutputValue"] == arn


async def test_a_bug_tells_no_secret(
    world: ResourceWorld, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.call("secretsmanager", "CreateSecret", Name="app", SecretString="swordfish-9")

    async def broken(handler: Any, request: Any, identity: str) -> Any:
        raise RuntimeError(f"cannot make {request.properties['Value']}")

    monkeypatch.setattr(SsmParameter, "make", broken)
    resource = {"Type": "String", "Value": "{{resolve:secretsmanager:app}}"}
    made = {"Resources": {"A": {"Type": "AWS::SSM::Parameter", "Properties": resource}}}
    asked = {"StackName": "app", "TemplateBody": json.dumps(made)}
    await world.call("cloudformation", "CreateStack", **asked)
    assert (await ended(world, "app"))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "cannot make ****" in await shown(world)
    assert "swordfish" not in await shown(world)
    assert "RuntimeError: cannot make ****" in caplog.text
    assert "swordfish" not in caplog.text
