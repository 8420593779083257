"""Every type that can be compared: in sync as it was made, and drifted when its service is changed
behind its stack's back."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.resource_world import ResourceWorld, resource_world

from penstock.stacks.display import Secrets
from penstock.stacks.drift.comparison import ResourceDrift, compare
from penstock.stacks.handlers.handler import Comparable, Succeeded
from penstock.stacks.resource_types.compared_resource import document
from penstock.stacks.schemas import resource_schema

NOTHING = Secrets(frozenset())
TAGS = [{"Key": "own", "Value": "1"}]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"},
         "Action": "sts:AssumeRole"}
    ],
}  # fmt: skip
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
WRITE = json.dumps(READ).replace("Get", "Put")
PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    "AWS::S3::Bucket": {"VersioningConfiguration": {"Status": "Enabled"}, "Tags": TAGS},
    "AWS::CodeBuild::Project": {
        "Name": "app", "Description": "d", "TimeoutInMinutes": "30", "Tags": TAGS,
        "ServiceRole": "arn:aws:iam::123456789012:role/build", "BadgeEnabled": "false",
        "Artifacts": {"Type": "CODEPIPELINE"}, "SecondarySources": [],
        "Source": {"Type": "CODEPIPELINE", "BuildSpec": "ci/buildspec.yml"},
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "builds"}},
        "Environment": {
            "Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL",
            "Image": "aws/codebuild/standard:7.0", "PrivilegedMode": "true",
            "EnvironmentVariables": [
                {"Name": "COUNT", "Value": 3}, {"Name": "B", "Value": "b", "Type": "PLAINTEXT"},
            ],
        },
    },
    "AWS::CodeCommit::Repository": {
        "RepositoryName": "app", "RepositoryDescription": "d", "Tags": TAGS,
    },
    "AWS::SNS::Subscription": {
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:told", "Protocol": "http",
        "Endpoint": "http://127.0.0.1:1/", "RawMessageDelivery": True,
    },
    "AWS::CodePipeline::Pipeline": {
        "Name": "release", "RoleArn": "arn:aws:iam::123456789012:role/pipeline", "Tags": TAGS,
        "ArtifactStore": {"Type": "S3", "Location": "artifacts"},
        "PipelineType": "V2", "ExecutionMode": "QUEUED", "RestartExecutionOnUpdate": "true",
        "Variables": [{"Name": "STAGE", "DefaultValue": "dev"}],
        "DisableInboundStageTransitions": [{"StageName": "Build", "Reason": "not yet"}],
        "Stages": [
            {"Name": "Source", "Actions": [
                {"Name": "Git", "OutputArtifacts": [{"Name": "App"}], "InputArtifacts": [],
                 "ActionTypeId": {"Category": "Source", "Owner": "ThirdParty",
                                  "Provider": "GitHub", "Version": 1},
                 "Configuration": {"Owner": "acme", "Repo": "app", "Branch": "main",
                                   "PollForSourceChanges": False, "OAuthToken": "swordfish"}},
            ]},
            {"Name": "Build", "Actions": [
                {"Name": "Build", "InputArtifacts": [{"Name": "App"}], "RunOrder": "1",
                 "ActionTypeId": {"Category": "Build", "Owner": "AWS", "Provider": "CodeBuild",
                                  "Version": "1"},
                 "Configuration": {"ProjectName": "app"}},
            ]},
        ],
    },
    "AWS::SSM::Parameter": {
        "Type": "String", "Value": "1", "Description": "d", "Tier": "Standard",
        "AllowedPattern": ".*", "DataType": "text", "Tags": {"own": "1"},
    },
    "AWS::SNS::Topic": {
        "DisplayName": "d", "Tags": TAGS,
        "Subscription": [{"Protocol": "http", "Endpoint": "http://127.0.0.1:1/"}],
    },
    "AWS::IAM::Role": {
        "RoleName": "worker", "Description": "d", "Path": "/", "MaxSessionDuration": "3600",
        "AssumeRolePolicyDocument": TRUST, "Tags": TAGS,
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
        "Policies": [{"PolicyName": "p", "PolicyDocument": READ}],
    },
    "AWS::IAM::ManagedPolicy": {
        "ManagedPolicyName": "reads", "Description": "d", "Path": "/app/",
        "PolicyDocument": READ, "Roles": ["first"], "Users": ["ada"],
    },
    "AWS::IAM::Policy": {
        "PolicyName": "reads", "PolicyDocument": READ, "Roles": ["first", "second"],
        "Users": ["ada"],
    },
    "AWS::Logs::LogGroup": {"LogGroupName": "/g", "RetentionInDays": "7", "Tags": TAGS},
    "AWS::ECR::Repository": {
        "RepositoryName": "web", "ImageTagMutability": "MUTABLE", "Tags": TAGS,
        "ImageScanningConfiguration": {"ScanOnPush": "false"},
    },
    "AWS::SecretsManager::Secret": {
        "Name": "s", "Description": "d", "Tags": TAGS,
        "GenerateSecretString": {"PasswordLength": 20},
    },
}  # fmt: skip


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ResourceWorld]:
    async with resource_world(tmp_path) as world:
        trust = json.dumps(TRUST)
        for name in ("first", "second"):
            given = {"RoleName": name, "AssumeRolePolicyDocument": trust}
            await world.call("iam", "CreateRole", **given)
        await world.call("iam", "CreateUser", UserName="ada")
        await world.call("sns", "CreateTopic", Name="told")
        for role in ("build", "pipeline"):
            trust = json.dumps(TRUST).replace("ecs-tasks", f"code{role}")
            await world.call("iam", "CreateRole", RoleName=role, AssumeRolePolicyDocument=trust)
        yield world


async def drift(world: ResourceWorld, type_name: str, made: Succeeded) -> ResourceDrift:
    handler = world.types[type_name]
    assert isinstance(handler, Comparable)
    properties = PROPERTIES[type_name]
    request = world.request(
        type_name, properties, physical_resource_id=made.physical_resource_id,
        attributes=made.attributes, tags={"team": "delivery"},
    )  # fmt: skip
    actual = await handler.actual_properties(request)
    return compare(properties, actual, resource_schema.schema(type_name), NOTHING)


@pytest.mark.parametrize("type_name", sorted(PROPERTIES))
async def test_what_was_just_made_is_in_sync(world: ResourceWorld, type_name: str) -> None:
    made = await world.made(type_name, PROPERTIES[type_name])
    assert (await drift(world, type_name, made)).differences == ()


@pytest.mark.parametrize("type_name", sorted(PROPERTIES))
async def test_what_is_gone_is_deleted(world: ResourceWorld, type_name: str) -> None:
    made = await world.made(type_name, PROPERTIES[type_name])
    await world.delete(type_name, made, PROPERTIES[type_name])
    assert (await drift(world, type_name, made)).status == "DELETED"


CHANGES: list[tuple[str, tuple[str, str, dict[str, Any]], set[tuple[str, str]]]] = [
    ("AWS::S3::Bucket",
     ("s3", "PutBucketVersioning",
      {"Bucket": "ID", "VersioningConfiguration": {"Status": "Suspended"}}),
     {("/VersioningConfiguration/Status", "NOT_EQUAL")}),
    ("AWS::SSM::Parameter",
     ("ssm", "PutParameter",
      {"Name": "ID", "Value": "2", "Type": "String", "Description": "other",
       "AllowedPattern": ".*", "Overwrite": True}),
     {("/Value", "NOT_EQUAL"), ("/Description", "NOT_EQUAL")}),
    ("AWS::SNS::Topic",
     ("sns", "SetTopicAttributes",
      {"TopicArn": "ID", "AttributeName": "DisplayName", "AttributeValue": "x"}),
     {("/DisplayName", "NOT_EQUAL")}),
    ("AWS::IAM::Role",
     ("iam", "DetachRolePolicy",
      {"RoleName": "ID", "PolicyArn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}),
     {("/ManagedPolicyArns/0", "REMOVE")}),
    ("AWS::IAM::Role",
     ("iam", "PutRolePolicy", {"RoleName": "ID", "PolicyName": "p", "PolicyDocument": WRITE}),
     {("/Policies/0/PolicyDocument/Statement/0/Action", "NOT_EQUAL")}),
    ("AWS::IAM::Role",
     ("iam", "DeleteRolePolicy", {"RoleName": "ID", "PolicyName": "p"}),
     {("/Policies/0", "REMOVE")}),
    ("AWS::IAM::Role",
     ("iam", "TagRole", {"RoleName": "ID", "Tags": [{"Key": "new", "Value": "x"}]}),
     {("/Tags/0", "ADD")}),
    ("AWS::CodeBuild::Project",
     ("codebuild", "UpdateProject",
      {"name": "ID", "timeoutInMinutes": 31,
       "source": {"type": "CODEPIPELINE", "buildspec": "other.yml"}}),
     {("/TimeoutInMinutes", "NOT_EQUAL"), ("/Source/BuildSpec", "NOT_EQUAL")}),
    ("AWS::CodeBuild::Project",
     ("codebuild", "UpdateProject", {"name": "ID", "tags": []}),
     {("/Tags/0", "REMOVE")}),
    ("AWS::CodeCommit::Repository",
     ("codecommit", "UpdateRepositoryName", {"oldName": "app", "newName": "other"}),
     {("/RepositoryName", "NOT_EQUAL")}),
    ("AWS::CodeCommit::Repository",
     ("codecommit", "UpdateRepositoryDescription",
      {"repositoryName": "app", "repositoryDescription": "x"}),
     {("/RepositoryDescription", "NOT_EQUAL")}),
    ("AWS::SNS::Subscription",
     ("sns", "SetSubscriptionAttributes",
      {"SubscriptionArn": "ID", "AttributeName": "RawMessageDelivery",
       "AttributeValue": "false"}),
     {("/RawMessageDelivery", "NOT_EQUAL")}),
    ("AWS::CodePipeline::Pipeline",
     ("codepipeline", "EnableStageTransition",
      {"pipelineName": "ID", "stageName": "Build", "transitionType": "Inbound"}),
     {("/DisableInboundStageTransitions/0", "REMOVE")}),
    ("AWS::IAM::ManagedPolicy",
     ("iam", "CreatePolicyVersion",
      {"PolicyArn": "ID", "PolicyDocument": WRITE, "SetAsDefault": True}),
     {("/PolicyDocument/Statement/0/Action", "NOT_EQUAL")}),
    ("AWS::IAM::ManagedPolicy",
     ("iam", "CreatePolicyVersion",
      {"PolicyArn": "ID", "PolicyDocument": WRITE, "SetAsDefault": False}),
     set()),
    ("AWS::IAM::ManagedPolicy",
     ("iam", "DetachRolePolicy", {"RoleName": "first", "PolicyArn": "ID"}),
     {("/Roles/0", "REMOVE")}),
    ("AWS::IAM::ManagedPolicy",
     ("iam", "AttachRolePolicy", {"RoleName": "second", "PolicyArn": "ID"}),
     set()),
    ("AWS::IAM::Policy",
     ("iam", "PutRolePolicy",
      {"RoleName": "second", "PolicyName": "reads", "PolicyDocument": WRITE}),
     {("/PolicyDocument/Statement/0/Action", "NOT_EQUAL")}),
    ("AWS::IAM::Policy",
     ("iam", "DeleteUserPolicy", {"UserName": "ada", "PolicyName": "reads"}),
     {("/Users/0", "REMOVE")}),
    ("AWS::Logs::LogGroup",
     ("logs", "DeleteRetentionPolicy", {"logGroupName": "ID"}),
     {("/RetentionInDays", "REMOVE")}),
    ("AWS::ECR::Repository",
     ("ecr", "PutImageScanningConfiguration",
      {"repositoryName": "ID", "imageScanningConfiguration": {"scanOnPush": True}}),
     {("/ImageScanningConfiguration/ScanOnPush", "NOT_EQUAL")}),
    ("AWS::SecretsManager::Secret",
     ("secretsmanager", "UpdateSecret", {"SecretId": "ID", "Description": "x"}),
     {("/Description", "NOT_EQUAL")}),
    ("AWS::SecretsManager::Secret",
     ("secretsmanager", "UntagResource", {"SecretId": "ID", "TagKeys": ["own"]}),
     {("/Tags/0", "REMOVE")}),
]  # fmt: skip


@pytest.mark.parametrize(("type_name", "change", "expected"), CHANGES)
async def test_what_was_changed_behind_the_stacks_back(
    world: ResourceWorld,
    type_name: str,
    change: tuple[str, str, dict[str, Any]],
    expected: set[tuple[str, str]],
) -> None:
    made = await world.made(type_name, PROPERTIES[type_name])
    service, operation, parameters = change
    physical_id = made.physical_resource_id
    given = {name: physical_id if each == "ID" else each for name, each in parameters.items()}
    await world.call(service, operation, **given)
    found = await drift(world, type_name, made)
    assert {(each.path, each.kind) for each in found.differences} == expected


async def test_a_pipeline_that_was_edited_by_hand(world: ResourceWorld) -> None:
    type_name = "AWS::CodePipeline::Pipeline"
    made = await world.made(type_name, PROPERTIES[type_name])
    found = await world.call("codepipeline", "GetPipeline", name="release")
    changed = json.loads(json.dumps(found["pipeline"]))
    changed["stages"][0]["actions"][0]["configuration"]["Branch"] = "feature"
    await world.call("codepipeline", "UpdatePipeline", pipeline=changed)
    [one] = (await drift(world, type_name, made)).differences
    assert one.path == "/Stages/0/Actions/0/Configuration/Branch"
    assert (one.expected, one.actual) == ("main", "feature")


async def test_artifact_stores_by_region(world: ResourceWorld) -> None:
    type_name = "AWS::CodePipeline::Pipeline"
    store = {"Type": "S3", "Location": "artifacts"}
    properties = dict(PROPERTIES[type_name])
    del properties["ArtifactStore"]
    properties["ArtifactStores"] = [{"Region": "us-east-1", "ArtifactStore": store}]
    made = await world.made(type_name, properties)
    handler = world.types[type_name]
    assert isinstance(handler, Comparable)
    request = world.request(
        type_name, properties, physical_resource_id="release", attributes=made.attributes
    )
    found = await handler.actual_properties(request)
    assert found is not None
    assert found["ArtifactStores"] == properties["ArtifactStores"]
    assert found["ArtifactStore"] is None


async def test_a_secrets_value_is_never_read(world: ResourceWorld) -> None:
    type_name = "AWS::SecretsManager::Secret"
    made = await world.made(type_name, PROPERTIES[type_name])
    secret = made.physical_resource_id
    await world.call("secretsmanager", "PutSecretValue", SecretId=secret, SecretString="changed")
    found = await drift(world, type_name, made)
    assert found.status == "IN_SYNC"
    assert "changed" not in (found.actual or "")


def test_a_document_that_is_a_dynamic_reference() -> None:
    """It is looked up at every deployment: as text it is no JSON."""
    there = json.dumps(TRUST)
    assert document("{{resolve:ssm:/trust}}", there) == there
    assert document(json.dumps(TRUST, indent=2), there) == json.dumps(TRUST, indent=2)
    assert document(json.dumps(READ), there) == there
    assert document(READ, there) == TRUST
