"""NoEcho values, tokens and secrets of stacks: in no file of the data directory, in no answer.

What a template puts into a field that a service keeps as plain text (a String parameter, a
variable of a build or container) is plain text there, as on AWS.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.resource_world import ResourceWorld, resource_world
from tests.unit.stacks.test_kept_stack import ended, reasons

NO_ECHO, NEXT, TOKEN, LITERAL = "hunter2-noecho", "hunter3-noecho", "ghp_oauth-token", "in-template"
SOURCE = {
    "Name": "Code",
    "ActionTypeId": {
        "Category": "Source", "Owner": "ThirdParty", "Provider": "GitHub", "Version": "1",
    },
    "OutputArtifacts": [{"Name": "Code"}],
    "Configuration": {
        "Owner": "o", "Repo": "r", "Branch": "main", "OAuthToken": {"Ref": "Token"},
        "PollForSourceChanges": "false",
    },
}  # fmt: skip
BUILD = {
    "Name": "Build",
    "ActionTypeId": {
        "Category": "Build", "Owner": "AWS", "Provider": "CodeBuild", "Version": "1",
    },
    "InputArtifacts": [{"Name": "Code"}],
    "Configuration": {"ProjectName": "p"},
}  # fmt: skip


def role(service: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole",
    }  # fmt: skip
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy}}


def secret(value: Any) -> dict[str, Any]:
    return {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": value}}


PIPELINE = {
    "Type": "AWS::CodePipeline::Pipeline",
    "Properties": {
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Bucket"}},
        "Stages": [
            {"Name": "Source", "Actions": [SOURCE]}, {"Name": "Build", "Actions": [BUILD]},
        ],
    },
}  # fmt: skip
DATABASE = {
    "Type": "AWS::RDS::DBInstance",
    "Properties": {
        "DBInstanceClass": "db.t3.micro", "Engine": "mysql", "AllocatedStorage": "20",
        "MasterUsername": "admin", "MasterUserPassword": {"Ref": "Password"},
    },
}  # fmt: skip
TEMPLATE = {
    "Parameters": {
        "Password": {"Type": "String", "NoEcho": True},
        "Token": {"Type": "String", "NoEcho": True},
    },
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Role": role("codepipeline.amazonaws.com"),
        "Secret": secret({"Fn::Sub": '{"password":"${Password}"}'}),
        "Literal": secret(LITERAL),
        "Pipeline": PIPELINE,
        "Database": DATABASE,
    },
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ResourceWorld]:
    async with resource_world(tmp_path) as made:
        yield made


async def test_no_file_and_no_answer_shows_them(world: ResourceWorld, tmp_path: Path) -> None:
    def asked(password: str) -> dict[str, Any]:
        values = {"Password": password, "Token": TOKEN}
        return {
            "StackName": "app",
            "TemplateBody": json.dumps(TEMPLATE),
            "Capabilities": ["CAPABILITY_IAM"],
            "Parameters": [
                {"ParameterKey": name, "ParameterValue": value} for name, value in values.items()
            ],
        }

    await world.call("cloudformation", "CreateStack", **asked(NO_ECHO))
    stack = await ended(world, "app")
    assert stack["StackStatus"] == "CREATE_COMPLETE", await reasons(world, "app")
    await world.call("cloudformation", "CreateChangeSet", ChangeSetName="cs", **asked(NEXT))
    named = {"StackName": "app"}
    shown = [
        await world.call(
            "cloudformation", "DescribeChangeSet", ChangeSetName="cs", IncludePropertyValues=True,
            **named,
        ),
        await world.call("cloudformation", "DescribeChangeSet", ChangeSetName="cs", **named),
        await world.call("cloudformation", "DescribeStacks", **named),
        await world.call("cloudformation", "DescribeStackEvents", **named),
        await world.call("cloudformation", "DescribeStackResources", **named),
        await world.call("cloudformation", "GetTemplateSummary", **named),
        await world.call("codepipeline", "GetPipeline", name=await _pipeline(world)),
    ]  # fmt: skip
    await world.call("cloudformation", "ExecuteChangeSet", ChangeSetName="cs", **named)
    stack = await ended(world, "app")
    assert stack["StackStatus"] == "UPDATE_COMPLETE", await reasons(world, "app")
    shown.append(await world.call("cloudformation", "DescribeStackEvents", **named))

    told = json.dumps(shown, default=str)
    kept = {file.name: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    for value in (NO_ECHO, NEXT, TOKEN, LITERAL):
        assert value not in told or value == LITERAL, value  # whoever sees the template sees that
        assert [name for name, content in kept.items() if value.encode() in content] == []


async def _pipeline(world: ResourceWorld) -> str:
    [found] = (await world.call("codepipeline", "ListPipelines"))["pipelines"]
    return str(found["name"])
