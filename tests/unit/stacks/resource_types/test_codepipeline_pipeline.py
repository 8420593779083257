"""AWS::CodePipeline::Pipeline beyond what all types do."""

import json
from typing import Any

import pytest
from tests.resource_world import ACCOUNT, REGION, ResourceWorld

from penstock.stacks.handlers.handler import Failed, Succeeded

TYPE = "AWS::CodePipeline::Pipeline"


def action(category: str, provider: str, configuration: dict[str, Any]) -> dict[str, Any]:
    kind = {"Category": category, "Owner": "AWS", "Provider": provider, "Version": 1}
    return {"Name": provider, "ActionTypeId": kind, "Configuration": configuration}


SOURCE = action(
    "Source",
    "CodeCommit",
    {"RepositoryName": "app", "BranchName": "main", "PollForSourceChanges": False},
) | {"OutputArtifacts": [{"Name": "AppSource"}]}
BUILD = action("Build", "CodeBuild", {"ProjectName": "project"}) | {
    "InputArtifacts": [{"Name": "AppSource"}],
    "RunOrder": "1",
}
BEFORE = {
    "Name": "app",
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/pipeline",
    "ArtifactStore": {"Type": "S3", "Location": "artifacts"},
    "PipelineType": "V2",
    "Variables": [{"Name": "STAGE", "DefaultValue": "dev"}],
    "Stages": [{"Name": "Source", "Actions": [SOURCE]}, {"Name": "Build", "Actions": [BUILD]}],
    "DisableInboundStageTransitions": [{"StageName": "Build", "Reason": "not yet"}],
}


@pytest.fixture(autouse=True)
async def _given(world: ResourceWorld) -> None:
    statement = {
        "Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }  # fmt: skip
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await world.call("iam", "CreateRole", RoleName="pipeline", AssumeRolePolicyDocument=trust)


async def executions(world: ResourceWorld) -> int:
    answer = await world.call("codepipeline", "ListPipelineExecutions", pipelineName="app")
    return len(answer["pipelineExecutionSummaries"])


async def disabled(world: ResourceWorld) -> list[str]:
    state = await world.call("codepipeline", "GetPipelineState", name="app")
    return [
        stage["stageName"]
        for stage in state["stageStates"]
        if not stage["inboundTransitionState"]["enabled"]
    ]


async def test_a_pipeline_is_as_the_template_says(world: ResourceWorld) -> None:
    made = await world.made(TYPE, BEFORE)
    assert made.physical_resource_id == "app"
    assert made.attributes == {
        "Arn": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:app",
        "Version": "1",
    }
    kept = (await world.call("codepipeline", "GetPipeline", name="app"))["pipeline"]
    assert kept["pipelineType"] == "V2"
    assert kept["artifactStore"] == {"type": "S3", "location": "artifacts"}
    [source], [build] = (stage["actions"] for stage in kept["stages"])
    assert source["configuration"]["PollForSourceChanges"] == "false"
    assert source["actionTypeId"]["version"] == "1"
    assert build["runOrder"] == 1
    assert await executions(world) == 1
    assert await disabled(world) == ["Build"]


async def test_an_update_makes_a_version_and_runs_it_when_asked(world: ResourceWorld) -> None:
    made = await world.made(TYPE, BEFORE)
    stages = [{"Name": "Source", "Actions": [SOURCE]}, {"Name": "Test", "Actions": [BUILD]}]
    after = {**BEFORE, "Stages": stages, "RestartExecutionOnUpdate": "true"}
    del after["DisableInboundStageTransitions"]
    updated = await world.update(TYPE, made, BEFORE, after)
    assert isinstance(updated, Succeeded), updated
    assert updated.attributes["Version"] == "2"
    assert await executions(world) == 2
    assert await disabled(world) == []
    await world.update(TYPE, made, BEFORE, after, resumed=True)
    assert await executions(world) == 2
    tagged = {**after, "Tags": [{"Key": "a", "Value": "1"}]}
    tagged_only = await world.update(TYPE, updated, after, tagged)
    assert tagged_only == updated
    assert await executions(world) == 2
    answer = await world.call(
        "codepipeline", "ListTagsForResource", resourceArn=made.attributes["Arn"]
    )
    tags = {tag["key"]: tag["value"] for tag in answer["tags"]}
    assert (tags["a"], tags["aws:cloudformation:stack-name"]) == ("1", "dev")


async def test_what_the_engine_refuses_is_the_resources_failure(world: ResourceWorld) -> None:
    broken = {**BEFORE, "Stages": BEFORE["Stages"][:1]}  # type: ignore[index]
    failed = await world.create(TYPE, broken)
    assert isinstance(failed, Failed)
    assert "stage" in failed.message.lower()
    strange = {**BUILD, "Colour": "red"}
    stages = [{"Name": "Source", "Actions": [SOURCE]}, {"Name": "Build", "Actions": [strange]}]
    failed = await world.create(TYPE, {**BEFORE, "Stages": stages})
    assert isinstance(failed, Failed)
    assert "/Stages/1/Actions/0/Colour" in failed.message
