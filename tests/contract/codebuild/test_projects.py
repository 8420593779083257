"""Projects through boto3.

Messages: AWS's as public reports show them (hashicorp/terraform-provider-aws issue 36987,
cloudposse/terraform-aws-codebuild issue 23, awsdocs/aws-cloudformation-user-guide issue 54);
those marked "ours" say what Penstock cannot do.
"""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.build_world import ROLE
from tests.contract.codebuild.conftest import Setup, project

from penstock.clock import utc_now

ARN = "arn:aws:codebuild:us-east-1:123456789012:project/app"


def refused(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_created_project_is_read_back_with_awss_defaults(setup: Setup) -> None:
    tags = [{"key": "team", "value": "a"}]
    created = setup.codebuild.create_project(**project(tags=tags))["project"]
    assert created["arn"] == ARN
    (found,) = setup.codebuild.batch_get_projects(names=["app"])["projects"]
    assert found == created
    assert found["tags"] == tags
    assert found["environment"]["imagePullCredentialsType"] == "CODEBUILD"
    assert found["environment"]["privilegedMode"] is False
    assert (found["timeoutInMinutes"], found["queuedTimeoutInMinutes"]) == (60, 480)
    assert found["cache"] == {"type": "NO_CACHE"}
    assert found["badge"] == {"badgeEnabled": False}
    assert abs(found["created"] - utc_now()) < timedelta(minutes=1)


def test_projects_are_found_by_arn_too_and_the_others_named(setup: Setup) -> None:
    setup.codebuild.create_project(**project())
    answer = setup.codebuild.batch_get_projects(names=[ARN, "absent"])
    assert [p["name"] for p in answer["projects"]] == ["app"]
    assert answer["projectsNotFound"] == ["absent"]


def test_a_name_is_taken_once(setup: Setup) -> None:
    setup.codebuild.create_project(**project())
    with pytest.raises(ClientError) as raised:
        setup.codebuild.create_project(**project())
    assert refused(raised) == (
        "ResourceAlreadyExistsException", f"Project already exists: {ARN}"
    )  # fmt: skip


def test_an_update_changes_what_it_names_and_nothing_else(setup: Setup) -> None:
    before = setup.codebuild.create_project(**project(description="first"))["project"]
    after = setup.codebuild.update_project(name="app", description="second")["project"]
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {"description", "lastModified"}
    assert setup.codebuild.batch_get_projects(names=["app"])["projects"] == [after]


def test_a_concurrency_limit_is_set_and_lifted(setup: Setup) -> None:
    setup.codebuild.create_project(**project(concurrentBuildLimit=2))
    (before,) = setup.codebuild.batch_get_projects(names=["app"])["projects"]
    assert before["concurrentBuildLimit"] == 2
    after = setup.codebuild.update_project(name="app", concurrentBuildLimit=-1)["project"]
    assert "concurrentBuildLimit" not in after
    assert setup.codebuild.batch_get_projects(names=["app"])["projects"] == [after]


def test_an_unknown_project_cannot_be_updated(setup: Setup) -> None:
    with pytest.raises(ClientError) as raised:
        setup.codebuild.update_project(name="app", description="x")
    assert refused(raised) == ("ResourceNotFoundException", f"Project cannot be found: {ARN}")


def test_deleting_keeps_the_builds_and_may_be_repeated(setup: Setup) -> None:
    setup.codebuild.create_project(**project())
    build = setup.codebuild.start_build(projectName="app")["build"]
    setup.ended(build["id"])
    for _ in range(2):
        setup.codebuild.delete_project(name="app")
    assert setup.codebuild.list_projects()["projects"] == []
    assert setup.codebuild.list_builds()["ids"] == [build["id"]]


def test_projects_are_listed_by_name_and_time_in_pages(setup: Setup) -> None:
    names = [f"p{n:03d}" for n in range(101)]
    for name in reversed(names):
        setup.codebuild.create_project(**project(name))
    first = setup.codebuild.list_projects()
    second = setup.codebuild.list_projects(nextToken=first["nextToken"])
    assert first["projects"] + second["projects"] == names
    assert "nextToken" not in second
    newest = setup.codebuild.list_projects(sortBy="CREATED_TIME", sortOrder="DESCENDING")
    assert newest["projects"][:2] == ["p000", "p001"]
    with pytest.raises(ClientError) as raised:
        setup.codebuild.list_projects(nextToken="made up")
    assert refused(raised)[0] == "InvalidInputException"


S3_SOURCE = {"type": "S3", "location": "bucket/app.zip"}
ENVIRONMENT = project()["environment"]


def with_variables(*names: str) -> dict[str, Any]:
    variables = [{"name": name, "value": ""} for name in names]
    return {"environment": {**ENVIRONMENT, "environmentVariables": variables}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"source": {"type": "CODEPIPELINE"}},
            (
                "Invalid input: when using CodePipeline both sourceType, and artifactType must "
                "be set to: CODEPIPELINE"
            ),
        ),
        (
            {"source": {"type": "S3", "location": "bucket"}},
            "Invalid project source: location must be a valid S3 source",
        ),
        ({"source": {"type": "S3"}}, "Project source location is required"),
        (
            {"source": {"type": "NO_SOURCE", "location": "x", "buildspec": "version: 0.2"}},
            "Invalid input: source location must be empty for source type NO_SOURCE",
        ),
        ({"artifacts": {"type": "S3"}}, "Invalid artifacts: location is required"),
        (
            {"artifacts": {"type": "NO_ARTIFACTS", "location": "b"}},
            "Invalid artifacts: artifact type NO_ARTIFACTS should have null location",
        ),
        (
            {"secondarySources": [S3_SOURCE]},
            "Invalid input: sourceIdentifier is required for secondary sources",
        ),
        (
            {"secondarySources": [{**S3_SOURCE, "sourceIdentifier": "a"}] * 2},
            "Invalid input: sourceIdentifier cannot be duplicated",
        ),
        (
            {"secondaryArtifacts": [{"type": "S3", "location": "b"}]},
            "Invalid input: artifactIdentifier is required for secondary artifacts",
        ),
        (
            {
                "secondaryArtifacts": [
                    {"type": "S3", "location": "b", "artifactIdentifier": "a"}
                ] * 2,
            },
            "Invalid input: artifactIdentifier cannot be duplicated",
        ),
        (
            with_variables("CODEBUILD_X"),
            "No user environment variables can start with CODEBUILD_",
        ),
        (with_variables("A", "A"), "EnvironmentVariable name cannot be duplicated"),
        (
            {"concurrentBuildLimit": 0},
            "Project level concurrent builds limit should be greater than 0",
        ),
        (
            {"cache": {"type": "LOCAL"}},
            "At least one mode must be provided for cache type: LOCAL",
        ),
        ({"serviceRole": "build"}, "Invalid service role: build"),  # unverified
        (
            {"serviceRole": ROLE + "-absent"},
            f"CodeBuild is not authorized to perform: sts:AssumeRole on {ROLE}-absent",
        ),
        (
            {
                "secondarySources": [{"type": "CODEPIPELINE", "sourceIdentifier": "a"}],
                "source": {**S3_SOURCE},
            },
            # unverified: by analogy with that of artifacts
            "Invalid input: sourceType CODEPIPELINE is not allowed for secondarySources",
        ),
        (
            {"secondaryArtifacts": [{"type": "CODEPIPELINE", "artifactIdentifier": "a"}]},
            "Invalid input: artifactType CODEPIPELINE is not allowed for secondaryArtifacts",
        ),
        (
            {
                "source": {"type": "CODEPIPELINE"}, "artifacts": {"type": "CODEPIPELINE"},
                "badgeEnabled": True,
            },
            "Build badges are not supported for CodePipeline source",
        ),
    ],
)  # fmt: skip
def test_what_aws_refuses_is_refused_with_its_words(
    setup: Setup, changes: dict[str, Any], message: str
) -> None:
    """Sources of the texts: those of `builds/project.py`."""
    with pytest.raises(ClientError) as raised:
        setup.codebuild.create_project(**project(**changes))
    assert refused(raised) == ("InvalidInputException", message)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"source": {"type": "GITHUB", "location": "https://github.com/a/b"}}, "GITHUB"),
        ({"cache": {"type": "S3", "location": "b"}}, "cache type S3"),
        ({"buildBatchConfig": {"serviceRole": ROLE}}, "buildBatchConfig"),
        ({"fileSystemLocations": [{"type": "EFS"}]}, "fileSystemLocations"),
        ({"logsConfig": {"s3Logs": {"status": "ENABLED", "location": "b"}}}, "s3Logs"),
        ({"environment": {**ENVIRONMENT, "type": "ARM_CONTAINER"}}, "ARM_CONTAINER"),
        ({"environment": {**ENVIRONMENT, "computeType": "BUILD_LAMBDA_1GB"}}, "LAMBDA"),
        ({"badgeEnabled": True}, "badgeEnabled"),
        ({"autoRetryLimit": 2}, "autoRetryLimit"),
    ],
)
def test_what_would_silently_not_happen_is_refused(
    setup: Setup, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError) as raised:
        setup.codebuild.create_project(**project(**changes))
    code, message = refused(raised)
    assert code == "InvalidInputException"
    assert named in message
    assert "not supported by Penstock" in message
    assert setup.codebuild.list_projects()["projects"] == []


def test_a_caller_who_may_not_pass_the_role_makes_no_project(setup: Setup) -> None:
    setup.denied = {"iam:PassRole"}
    client = setup.server.client("codebuild", setup.server.user("dev"))
    with pytest.raises(ClientError) as raised:
        client.create_project(**project())
    code, message = refused(raised)
    assert code == "AccessDeniedException"
    assert f"iam:PassRole on resource: {ROLE}" in message


def test_a_cache_of_an_unknown_project_cannot_be_invalidated(setup: Setup) -> None:
    with pytest.raises(ClientError) as raised:
        setup.codebuild.invalidate_project_cache(projectName="app")
    assert refused(raised)[0] == "ResourceNotFoundException"
    setup.codebuild.create_project(**project())
    setup.codebuild.invalidate_project_cache(projectName="app")


def test_curated_images_are_those_that_are_understood(setup: Setup) -> None:
    (platform,) = setup.codebuild.list_curated_environment_images()["platforms"]
    assert platform["platform"] == "DEBIAN"
    names = [image["name"] for image in platform["languages"][0]["images"]]
    assert "aws/codebuild/standard:7.0" in names
