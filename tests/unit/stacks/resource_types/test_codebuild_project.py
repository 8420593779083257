"""AWS::CodeBuild::Project beyond what all types do."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.resource_world import ACCOUNT, REGION, ResourceWorld

from penstock.stacks.handlers.handler import Failed, HandlerErrorCode

TYPE = "AWS::CodeBuild::Project"
BEFORE = {
    "Name": "app",
    "Description": "the application",
    "ServiceRole": f"arn:aws:iam::{ACCOUNT}:role/build",
    "Artifacts": {"Type": "CODEPIPELINE"},
    "Source": {"Type": "CODEPIPELINE", "BuildSpec": "ci/buildspec.yml"},
    "TimeoutInMinutes": "30",
    "Environment": {
        "Type": "LINUX_CONTAINER",
        "ComputeType": "BUILD_GENERAL1_SMALL",
        "Image": "aws/codebuild/standard:7.0",
        "PrivilegedMode": "true",
        "EnvironmentVariables": [{"Name": "COUNT", "Value": 3}],
    },
}


@pytest.fixture(autouse=True)
async def _role(world: ResourceWorld) -> None:
    statement = {
        "Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }  # fmt: skip
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await world.call("iam", "CreateRole", RoleName="build", AssumeRolePolicyDocument=trust)


async def project(world: ResourceWorld) -> Mapping[str, Any]:
    [found] = (await world.call("codebuild", "BatchGetProjects", names=["app"]))["projects"]
    return dict(found)


async def test_a_project_is_as_the_template_says(world: ResourceWorld) -> None:
    made = await world.made(TYPE, BEFORE)
    assert made.physical_resource_id == "app"
    assert made.attributes["Arn"] == f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/app"
    kept = await project(world)
    assert kept["source"]["buildspec"] == "ci/buildspec.yml"
    assert kept["environment"]["privilegedMode"] is True
    assert kept["environment"]["environmentVariables"] == [{"name": "COUNT", "value": "3"}]
    assert kept["timeoutInMinutes"] == 30
    after = {**BEFORE, "Tags": [{"Key": "a", "Value": "1"}]}
    del after["Description"], after["TimeoutInMinutes"]
    assert await world.update(TYPE, made, BEFORE, after) == made
    kept = await project(world)
    assert (kept["description"], kept["timeoutInMinutes"]) == ("", 60)
    assert kept["source"]["buildspec"] == "ci/buildspec.yml"
    tags = {tag["key"]: tag["value"] for tag in kept["tags"]}
    assert (tags["a"], tags["team"], tags["aws:cloudformation:stack-name"]) == (
        "1", "delivery", "dev",
    )  # fmt: skip


async def test_a_users_tags_leave_the_stacks(world: ResourceWorld) -> None:
    await world.made(TYPE, BEFORE)
    await world.call("codebuild", "UpdateProject", name="app", tags=[{"key": "mine", "value": "1"}])
    tags = {tag["key"]: tag["value"] for tag in (await project(world))["tags"]}
    assert "team" not in tags
    assert (tags["mine"], tags["aws:cloudformation:stack-name"]) == ("1", "dev")


async def test_what_builds_lack_is_refused_by_name(world: ResourceWorld) -> None:
    source = {"Type": "CODEPIPELINE", "BuildStatus": True}
    for properties, named in (
        ({"AutoRetryLimit": 1}, "autoRetryLimit is not supported"),
        ({"Triggers": {"Webhook": True}}, "/Triggers"),
        ({"Visibility": "PUBLIC_READ"}, "/Visibility"),
        ({"Source": source}, "/Source/BuildStatus"),
    ):
        failed = await world.create(TYPE, {**BEFORE, **properties})
        assert isinstance(failed, Failed)
        assert named in failed.message
        assert failed.code is HandlerErrorCode.INVALID_REQUEST


async def test_a_role_that_may_not_be_passed_is_refused(world: ResourceWorld) -> None:
    user = await world.user("maker", "codebuild:CreateProject")
    failed = await world.create(TYPE, BEFORE, principal=user)
    assert isinstance(failed, Failed)
    assert "iam:PassRole" in failed.message
    assert failed.physical_resource_id is None


@pytest.mark.parametrize(
    "property",
    [
        {"Cache": {"Type": "LOCAL", "Modes": ["LOCAL_DOCKER_LAYER_CACHE"]}},
        {"ConcurrentBuildLimit": "2"},
        {"Description": "text"},
        {"LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "mine"}}},
        {"QueuedTimeoutInMinutes": 60},
        {
            "SecondaryArtifacts": [
                {"Type": "S3", "Location": "artifacts", "Name": "b", "ArtifactIdentifier": "b"}
            ]
        },
        {
            "SecondarySources": [
                {"Type": "S3", "Location": "bucket/key.zip", "SourceIdentifier": "other"}
            ]
        },
        {"TimeoutInMinutes": 5},
        {"EncryptionKey": "alias/aws/s3"},
    ],
)
async def test_what_leaves_the_template_gets_its_default_again(
    world: ResourceWorld, property: dict[str, Any]
) -> None:
    plain = {**BEFORE, "Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"}}
    plain["Artifacts"] = {"Type": "NO_ARTIFACTS"}
    await world.made(TYPE, plain)
    expected = await project(world)
    await world.call("codebuild", "DeleteProject", name="app")
    await world.call("s3", "CreateBucket", Bucket="artifacts")
    made = await world.made(TYPE, {**plain, **property})
    assert await world.update(TYPE, made, {**plain, **property}, plain) == made
    after = await project(world)
    times = ("created", "lastModified")
    unset = {"concurrentBuildLimit", "logsConfig", "description", "encryptionKey"}
    different = {
        member
        for member in {**expected, **after}
        if member not in times and expected.get(member) != after.get(member)
    }
    assert different <= unset, {key: after.get(key) for key in different}
