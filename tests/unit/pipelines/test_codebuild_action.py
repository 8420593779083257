"""The CodeBuild action on real Builds, IAM and STS; no build runs."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.identities import make_role, statement
from tests.pipeline_world import NOW

from penstock.builds import project as projects
from penstock.builds.build import BuildPhase, BuildStatus, PhaseContext, PhaseType, phase_to_json
from penstock.builds.builds import Builds
from penstock.config import Config
from penstock.pipelines.actions.codebuild import CodeBuild
from penstock.pipelines.actions.provider import (
    ActionJob,
    ArtifactLocation,
    Failed,
    InProgress,
    Succeeded,
)
from penstock.pipelines.roles import Roles
from penstock.services.iam import Iam
from penstock.services.sts import Sts
from penstock.storage import builds as stored
from penstock.storage import resources
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.schema import metadata

ACCOUNT, REGION = "123456789012", "us-east-1"
TRUST = {"Service": "codepipeline.amazonaws.com"}
PROJECT_ARN = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/project"
MAY_BUILD = statement(["codebuild:StartBuild", "codebuild:BatchGetBuilds"], PROJECT_ARN)


def clock() -> Any:
    return NOW


class Parts:
    """Real parts on one database."""

    def __init__(self, path: Path) -> None:
        self.database = Database.open(path / "penstock.db")
        metadata.create_all(self.database.engine)
        self.iam = Iam(self.database, Cipher.open(path / "key"), ACCOUNT, clock)
        sts = Sts(self.iam)
        self.builds = Builds(self.database, Config(data_dir=path), clock)
        self.action = CodeBuild(self.builds, Roles(self.iam, sts))

    async def end(self, build_id: str, status: BuildStatus, **values: Any) -> None:
        """End the build as its runner would."""
        context = PhaseContext("COMMAND_EXECUTION_ERROR", "Error while executing command: make")
        failed = status is not BuildStatus.SUCCEEDED
        phases = [
            BuildPhase(PhaseType.BUILD, NOW, status, NOW, (context,) if failed else ()),
            BuildPhase(PhaseType.COMPLETED, NOW),
        ]
        done = {
            "step": "DONE", "status": status.value, "phases": [phase_to_json(p) for p in phases],
            "ended_at": NOW, **values,
        }  # fmt: skip
        assert await self.database.write(lambda c: stored.update(c, build_id, "QUEUED", **done))


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    parts = Parts(tmp_path)
    document = {
        "source": {"type": "CODEPIPELINE"},
        "artifacts": {"type": "CODEPIPELINE"},
        "environment": {
            "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/build",
    }  # fmt: skip
    project = resources.Resource(
        projects.SERVICE, projects.RESOURCE_TYPE, "project", PROJECT_ARN, document, {}, NOW, NOW
    )
    await parts.database.write(lambda c: resources.insert(c, project))
    yield parts
    parts.database.close()


def job(role_arn: str, **configuration: str) -> ActionJob:
    return ActionJob(
        pipeline_name="pipe",
        pipeline_execution_id="11111111-1111-1111-1111-111111111111",
        stage_name="Build",
        action_name="Build",
        action_execution_id="22222222-2222-2222-2222-222222222222",
        configuration={"ProjectName": "project", "PrimarySource": "App", **configuration},
        input_artifacts=[
            ArtifactLocation("Deploy", "artifacts", "pipe/Deploy/2"),
            ArtifactLocation("App", "artifacts", "pipe/App/1"),
        ],
        output_artifacts=[ArtifactLocation("Built", "artifacts", "pipe/Built/3")],
        role_arn=role_arn,
        pipeline_role_arn=role_arn,
        region=REGION,
        account_id=ACCOUNT,
        upstream_revisions={"App": "c1", "Deploy": "c2"},
    )


async def test_one_action_has_one_build_fed_by_the_pipeline(parts: Parts) -> None:
    role = await make_role(parts.iam, clock, "pipeline", TRUST, MAY_BUILD)
    work = job(role, EnvironmentVariables='[{"name":"A","value":"1"}]')
    first = await parts.action.start(work)
    assert isinstance(first, InProgress)
    assert await parts.action.start(work) == first
    assert await parts.action.poll(work, first.continuation_token) == first
    row = await parts.database.read(lambda c: stored.get(c, first.external_execution_id))
    assert row is not None
    assert row.initiator == "codepipeline/pipe"
    assert row.pipeline is not None
    assert row.pipeline["primary"]["key"] == "pipe/App/1"
    assert [one["name"] for one in row.pipeline["secondary"]] == ["Deploy"]
    assert [one["name"] for one in row.pipeline["outputs"]] == ["Built"]
    assert row.pipeline["revision_id"] == "c1"
    numbers = await parts.database.read(stored.unfinished)
    assert len(numbers) == 1


async def test_the_builds_end_is_the_actions(parts: Parts) -> None:
    role = await make_role(parts.iam, clock, "pipeline", TRUST, MAY_BUILD)
    work = job(role)
    started = await parts.action.start(work)
    assert isinstance(started, InProgress)
    await parts.end(
        started.external_execution_id, BuildStatus.SUCCEEDED, exported_variables={"V": "1"}
    )
    ended = await parts.action.poll(work, started.continuation_token)
    assert isinstance(ended, Succeeded)
    assert ended.output_variables == {"V": "1"}
    assert ended.external_execution_id == started.external_execution_id


async def test_a_failed_build_fails_the_action_with_its_reason(parts: Parts) -> None:
    role = await make_role(parts.iam, clock, "pipeline", TRUST, MAY_BUILD)
    work = job(role)
    started = await parts.action.start(work)
    assert isinstance(started, InProgress)
    await parts.end(started.external_execution_id, BuildStatus.FAILED)
    ended = await parts.action.poll(work, started.continuation_token)
    assert isinstance(ended, Failed)
    assert ended.code == "JobFailed"
    assert "Build terminated with state: FAILED" in ended.message
    assert "Error while executing command: make" in ended.message


async def test_a_role_that_may_not_build_is_refused_before_anything_starts(parts: Parts) -> None:
    role = await make_role(parts.iam, clock, "pipeline", TRUST, statement(["s3:*"]))
    ended = await parts.action.start(job(role))
    assert isinstance(ended, Failed)
    assert ended.code == "PermissionError"
    assert "is not authorized to perform: codebuild:StartBuild on resource: " in ended.message
    assert PROJECT_ARN in ended.message
    assert await parts.database.read(stored.unfinished) == []


async def test_a_role_that_does_not_trust_codepipeline_is_refused(parts: Parts) -> None:
    role = await make_role(
        parts.iam, clock, "pipeline", {"Service": "codebuild.amazonaws.com"}, MAY_BUILD
    )
    ended = await parts.action.start(job(role))
    assert isinstance(ended, Failed)
    assert ended.code == "PermissionError"
    assert "sts:AssumeRole" in ended.message


async def test_an_actions_own_role_is_reached_through_the_pipelines(parts: Parts) -> None:
    pipeline = await make_role(parts.iam, clock, "pipeline", TRUST, statement(["s3:*"]))
    own = await make_role(parts.iam, clock, "own", {"AWS": pipeline}, MAY_BUILD)
    work = replace(job(own), pipeline_role_arn=pipeline)
    assert isinstance(await parts.action.start(work), InProgress)
    other = await make_role(parts.iam, clock, "other", TRUST, MAY_BUILD)
    refused = await parts.action.start(replace(work, role_arn=other))
    assert isinstance(refused, Failed)
    assert refused.code == "PermissionError"


async def test_sessions_end_with_the_call(parts: Parts) -> None:
    role = await make_role(parts.iam, clock, "pipeline", TRUST, MAY_BUILD)
    await parts.action.start(job(role))
    left = await parts.database.read(
        lambda c: c.exec_driver_sql("SELECT count(*) FROM sessions").scalar()
    )
    assert left == 0


@pytest.mark.parametrize(
    ("configuration", "text"),
    [
        ({"ProjectName": "missing"}, "Project cannot be found"),
        ({"PrimarySource": "Nothing"}, "found 'Nothing'"),
        ({"EnvironmentVariables": "x"}, "text that is not JSON"),
    ],
)
async def test_what_cannot_be_started_fails_the_action(
    parts: Parts, configuration: dict[str, str], text: str
) -> None:
    role = await make_role(parts.iam, clock, "pipeline", TRUST, statement(["codebuild:*"]))
    ended = await parts.action.start(job(role, **configuration))
    assert isinstance(ended, Failed)
    assert ended.code == "ConfigurationError"
    assert text in ended.message
