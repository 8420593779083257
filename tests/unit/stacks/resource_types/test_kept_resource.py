"""What every type of the table does alike, on the real services."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.resource_world import ACCOUNT, REGION, ROOT, STACK, ResourceWorld

from penstock.stacks.handlers.handler import Failed, HandlerErrorCode, Succeeded, Support
from penstock.stacks.planning.unsupported import POLICIES
from penstock.stacks.resource_types.kept_resource import KeptResource
from penstock.workloads.functions.package import zipped

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Service": [
                    "codebuild.amazonaws.com",
                    "codepipeline.amazonaws.com",
                    "lambda.amazonaws.com",
                ]
            },
            "Action": "sts:AssumeRole",
        }
    ],
}
DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/given"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:given"
FUNCTION = {
    "Runtime": "python3.12",
    "Handler": "index.handler",
    "Role": ROLE,
    "Code": {"ZipFile": "def handler(event, context): return 1"},
}
STAGES = [
    {
        "Name": "Source",
        "Actions": [
            {
                "Name": "App",
                "ActionTypeId": {
                    "Category": "Source", "Owner": "AWS", "Provider": "CodeCommit", "Version": 1,
                },
                "Configuration": {
                    "RepositoryName": "app", "BranchName": "main", "PollForSourceChanges": False,
                },
                "OutputArtifacts": [{"Name": "AppSource"}],
            }
        ],
    },
    {
        "Name": "Build",
        "Actions": [
            {
                "Name": "Build",
                "ActionTypeId": {
                    "Category": "Build", "Owner": "AWS", "Provider": "CodeBuild", "Version": "1",
                },
                "Configuration": {"ProjectName": "project"},
                "InputArtifacts": [{"Name": "AppSource"}],
                "RunOrder": "1",
            }
        ],
    },
]  # fmt: skip
PIPELINE = {
    "Name": "named",
    "RoleArn": ROLE,
    "ArtifactStore": {"Type": "S3", "Location": "artifacts"},
    "Stages": STAGES,
}
PROJECT = {
    "Name": "named",
    "ServiceRole": ROLE,
    "Artifacts": {"Type": "CODEPIPELINE"},
    "Source": {"Type": "CODEPIPELINE"},
    "Environment": {
        "Type": "LINUX_CONTAINER",
        "ComputeType": "BUILD_GENERAL1_SMALL",
        "Image": "aws/codebuild/standard:7.0",
        "PrivilegedMode": "true",
        "EnvironmentVariables": [{"Name": "COUNT", "Value": 3}],
    },
}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "AWS::CodeBuild::Project": PROJECT,
    "AWS::CodeCommit::Repository": {"RepositoryName": "named"},
    "AWS::CodeConnections::Connection": {"ConnectionName": "named", "ProviderType": "GitHub"},
    "AWS::CodePipeline::Pipeline": PIPELINE,
    "AWS::CodeStarConnections::Connection": {"ConnectionName": "named", "ProviderType": "GitLab"},
    "AWS::ECR::Repository": {"RepositoryName": "named"},
    "AWS::IAM::ManagedPolicy": {"ManagedPolicyName": "named", "PolicyDocument": DOCUMENT},
    "AWS::IAM::Policy": {"PolicyName": "named", "PolicyDocument": DOCUMENT, "Roles": ["given"]},
    "AWS::IAM::Role": {"RoleName": "named", "AssumeRolePolicyDocument": TRUST},
    "AWS::Lambda::Function": {"FunctionName": "named", "Timeout": "5", **FUNCTION},
    "AWS::Lambda::Permission": {
        "FunctionName": "given",
        "Action": "lambda:InvokeFunction",
        "Principal": "sns.amazonaws.com",
        "SourceArn": TOPIC,
    },
    "AWS::Logs::LogGroup": {"LogGroupName": "named"},
    "AWS::S3::Bucket": {"BucketName": "named"},
    "AWS::SNS::Subscription": {
        "TopicArn": TOPIC, "Protocol": "email", "Endpoint": "ada@example.com",
    },
    "AWS::SNS::Topic": {"TopicName": "named"},
    "AWS::SSM::Parameter": {"Name": "named", "Type": "String", "Value": "one"},
    "AWS::SecretsManager::Secret": {"Name": "named", "SecretString": "one"},
}  # fmt: skip
CONNECTIONS = {"AWS::CodeConnections::Connection", "AWS::CodeStarConnections::Connection"}
NAMELESS = {
    "AWS::IAM::Policy",
    "AWS::Lambda::Permission",
    "AWS::SNS::Subscription",
    *CONNECTIONS,
}
"""Types that no other resource's name collides with: it is CloudFormation's own, or may be taken
twice."""
NAME_REQUIRED = {"AWS::CodeCommit::Repository", *CONNECTIONS}
WORKLOADS = ("AWS::ECS::", "AWS::ElasticLoadBalancingV2::")
"""Types that are tested upon what they bring to life."""
every_type = pytest.mark.parametrize("type", EXAMPLES)


@pytest.fixture(autouse=True)
async def _given(world: ResourceWorld) -> None:
    trust = json.dumps(TRUST)
    await world.call("iam", "CreateRole", RoleName="given", AssumeRolePolicyDocument=trust)
    await world.call("sns", "CreateTopic", Name="given")
    await world.call("s3", "CreateBucket", Bucket="artifacts")
    code = {"ZipFile": zipped({"index.py": b"def handler(event, context): return 1"})}
    await world.call("lambda", "CreateFunction", FunctionName="given", **{**FUNCTION, "Code": code})


def test_every_type_of_the_table_has_an_example(world: ResourceWorld) -> None:
    kept = {name for name, one in world.types.items() if isinstance(one, KeptResource)}
    workloads = {name for name in kept if name.startswith(WORKLOADS)}
    assert kept - workloads == set(EXAMPLES)


@every_type
async def test_what_is_made_is_read_and_deleted_once(world: ResourceWorld, type: str) -> None:
    properties = EXAMPLES[type]
    made = await world.made(type, properties)
    assert made.physical_resource_id
    assert await world.read(type, made, properties) == made
    for _ in range(2):
        deleted = await world.delete(type, made, properties)
        assert isinstance(deleted, Succeeded), deleted
        assert await world.read(type, made, properties) is None


@pytest.mark.parametrize("type", sorted(EXAMPLES.keys() - NAMELESS))
async def test_a_name_that_is_taken_is_left_alone(world: ResourceWorld, type: str) -> None:
    properties = EXAMPLES[type]
    made = await world.made(type, properties)
    for resumed in (False, True):
        again = await world.create(type, properties, "Other", resumed=resumed)
        assert isinstance(again, Failed), again
        assert again.code is HandlerErrorCode.ALREADY_EXISTS
        assert again.message.endswith(f"named already exists in stack {STACK}")
        assert again.physical_resource_id is None
    assert await world.read(type, made, properties) == made


async def test_a_name_that_no_stack_has_is_taken_all_the_same(world: ResourceWorld) -> None:
    await world.call("logs", "CreateLogGroup", logGroupName="named")
    await world.call("s3", "CreateBucket", Bucket="named")
    maker = await world.user("maker", "logs:CreateLogGroup")
    for type, principal in (
        ("AWS::Logs::LogGroup", ROOT), ("AWS::Logs::LogGroup", maker), ("AWS::S3::Bucket", ROOT),
    ):  # fmt: skip
        refused = await world.create(type, EXAMPLES[type], principal=principal)
        assert refused == Failed(HandlerErrorCode.ALREADY_EXISTS, "named already exists")


@pytest.mark.parametrize("type", POLICIES)
async def test_policies_that_nobody_would_ask_are_refused(world: ResourceWorld, type: str) -> None:
    refused = await world.create(type, {"PolicyDocument": DOCUMENT})
    assert isinstance(refused, Failed)
    assert f"so {type} would have no effect" in refused.message
    assert await world.read(type, Succeeded("x"), {}) is None


@every_type
async def test_a_step_that_is_resumed_makes_nothing_twice(world: ResourceWorld, type: str) -> None:
    properties = EXAMPLES[type]
    first = await world.made(type, properties, resumed=True)
    again = await world.made(type, properties, resumed=True)
    assert again == first


@pytest.mark.parametrize("type", sorted(EXAMPLES.keys() - NAME_REQUIRED))
async def test_a_name_is_made_up_and_always_the_same(world: ResourceWorld, type: str) -> None:
    named = ("Name", "RepositoryName", "ManagedPolicyName", "RoleName", "LogGroupName",
             "BucketName", "TopicName")  # fmt: skip
    if type == "AWS::Lambda::Function":
        named += ("FunctionName",)
    properties = {key: value for key, value in EXAMPLES[type].items() if key not in named}
    made = await world.made(type, properties)
    again = await world.made(type, properties, resumed=True)
    assert made == again
    if type != "AWS::SNS::Subscription":
        assert "dev-thing-" in made.physical_resource_id.lower()


@every_type
async def test_an_update_without_a_difference_changes_nothing(
    world: ResourceWorld, type: str
) -> None:
    properties = EXAMPLES[type]
    made = await world.made(type, properties)
    assert await world.update(type, made, properties, properties) == made


@every_type
async def test_who_may_not_is_refused_in_aws_words(world: ResourceWorld, type: str) -> None:
    nobody = await world.user()
    refused = await world.create(type, EXAMPLES[type], principal=nobody)
    assert isinstance(refused, Failed), refused
    assert refused.code is HandlerErrorCode.ACCESS_DENIED
    assert refused.message.startswith(f"User: {nobody.arn} is not authorized to perform: ")


@every_type
async def test_what_cannot_be_honoured_is_refused_by_name(world: ResourceWorld, type: str) -> None:
    refused = await world.create(type, {**EXAMPLES[type], "Imaginary": 1})
    assert isinstance(refused, Failed), refused
    assert refused.code is HandlerErrorCode.INVALID_REQUEST
    assert f"the property /Imaginary of {type}" in refused.message


@every_type
async def test_nothing_is_deleted_where_nothing_was_made(world: ResourceWorld, type: str) -> None:
    made = await world.made(type, EXAMPLES[type])
    request = world.request(type, EXAMPLES[type])
    assert await world.types[type].delete(request, None) == Succeeded("")
    assert await world.read(type, made, EXAMPLES[type]) == made


def test_pipelines_and_projects_run(world: ResourceWorld) -> None:
    running = {name for name, one in world.types.items() if one.support is Support.RUNNING}
    assert {"AWS::CodeBuild::Project", "AWS::CodePipeline::Pipeline"} <= running
    assert world.types["AWS::S3::Bucket"].support is Support.KEPT
