"""Builds through boto3: started, watched, stopped, retried, deleted."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.codebuild.conftest import Setup, project
from tests.contract.codebuild.test_projects import ARN, refused

OK = {"statusCode": "", "message": ""}


def test_a_build_from_start_to_end(setup: Setup) -> None:
    setup.codebuild.create_project(**project("app", 'echo "built $WORD"'))
    started = setup.codebuild.start_build(
        projectName="app",
        environmentVariablesOverride=[{"name": "WORD", "value": "here", "type": "PLAINTEXT"}],
    )["build"]
    assert started["buildStatus"] == "IN_PROGRESS"
    assert (started["buildNumber"], started["initiator"]) == (1, "root")
    assert started["arn"].endswith(f":build/{started['id']}")
    build = setup.ended(started["id"])
    assert build["buildStatus"] == "SUCCEEDED"
    assert build["currentPhase"] == "COMPLETED"
    assert build["endTime"] >= build["startTime"]
    phases = {phase["phaseType"]: phase for phase in build["phases"]}
    assert list(phases) == [
        "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD",
        "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED",
    ]  # fmt: skip
    assert phases["BUILD"]["contexts"] == [OK]
    assert phases["BUILD"]["durationInSeconds"] >= 0
    assert set(phases["COMPLETED"]) == {"phaseType", "startTime"}
    place = build["logs"]
    assert (place["groupName"], place["streamName"]) == (
        "/aws/codebuild/app", build["id"].split(":")[1]
    )  # fmt: skip
    events = setup.logs.get_log_events(
        logGroupName=place["groupName"], logStreamName=place["streamName"], startFromHead=True
    )["events"]
    assert "built here\n" in [event["message"] for event in events]


def test_a_failing_command_is_told_as_aws_tells_it(setup: Setup) -> None:
    setup.codebuild.create_project(**project("app", "sh -c 'exit 7'"))
    build = setup.ended(setup.codebuild.start_build(projectName="app")["build"]["id"])
    assert build["buildStatus"] == "FAILED"
    (phase,) = (p for p in build["phases"] if p["phaseType"] == "BUILD")
    assert phase["contexts"] == [
        {
            "statusCode": "COMMAND_EXECUTION_ERROR",
            "message": ("Error while executing command: sh -c 'exit 7'. Reason: exit status 7"),
        }
    ]


def test_an_unknown_project_has_no_builds(setup: Setup) -> None:
    for call in ("start_build", "list_builds_for_project"):
        with pytest.raises(ClientError) as raised:
            getattr(setup.codebuild, call)(projectName="absent")
        assert refused(raised) == (
            "ResourceNotFoundException",
            f"Project cannot be found: {ARN.replace('app', 'absent')}",
        )


def test_a_token_finds_its_build_and_refuses_another_request(setup: Setup) -> None:
    setup.codebuild.create_project(**project())
    first = setup.codebuild.start_build(projectName="app", idempotencyToken="t")["build"]
    again = setup.codebuild.start_build(projectName="app", idempotencyToken="t")["build"]
    assert again["id"] == first["id"]
    with pytest.raises(ClientError) as raised:
        setup.codebuild.start_build(
            projectName="app", idempotencyToken="t", privilegedModeOverride=True
        )
    assert refused(raised)[0] == "InvalidInputException"
    setup.ended(first["id"])


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"debugSessionEnabled": True}, "debugSessionEnabled"),
        ({"sourceAuthOverride": {"type": "OAUTH"}}, "sourceAuthOverride"),
        ({"fleetOverride": {"fleetArn": "arn"}}, "fleetOverride"),
        ({"sourceTypeOverride": "GITHUB"}, "GITHUB"),
        ({"computeTypeOverride": "BUILD_LAMBDA_1GB"}, "BUILD_LAMBDA_1GB"),
        (
            {"environmentVariablesOverride": [{"name": "CODEBUILD_X", "value": ""}]},
            "No user environment variables can start with CODEBUILD_",
        ),
    ],
)
def test_an_override_that_cannot_be_followed_is_refused(
    setup: Setup, overrides: dict[str, Any], named: str
) -> None:
    setup.codebuild.create_project(**project())
    with pytest.raises(ClientError) as raised:
        setup.codebuild.start_build(projectName="app", **overrides)
    code, message = refused(raised)
    assert code == "InvalidInputException"
    assert named in message
    assert setup.codebuild.list_builds()["ids"] == []


def test_overrides_change_one_build_and_not_its_project(setup: Setup) -> None:
    created = setup.codebuild.create_project(**project())["project"]
    build = setup.codebuild.start_build(
        projectName="app",
        buildspecOverride="version: 0.2\nphases: {build: {commands: ['echo other']}}\n",
        timeoutInMinutesOverride=7,
        computeTypeOverride="BUILD_GENERAL1_LARGE",
    )["build"]
    assert build["timeoutInMinutes"] == 7
    assert build["environment"]["computeType"] == "BUILD_GENERAL1_LARGE"
    assert "echo other" in build["source"]["buildspec"]
    assert setup.codebuild.batch_get_projects(names=["app"])["projects"] == [created]
    assert setup.ended(build["id"])["buildStatus"] == "SUCCEEDED"


def test_a_stopped_build(setup: Setup) -> None:
    setup.codebuild.create_project(**project("app", "exec sleep 60"))
    build = setup.codebuild.start_build(projectName="app")["build"]
    setup.codebuild.stop_build(id=build["id"])
    assert setup.ended(build["id"])["buildStatus"] == "STOPPED"
    with pytest.raises(ClientError) as raised:
        setup.codebuild.stop_build(id="app:00000000-0000-0000-0000-000000000000")
    # moto codebuild/responses.py
    assert refused(raised) == (
        "ResourceNotFoundException",
        "Build app:00000000-0000-0000-0000-000000000000 does not exist",
    )
    for call, arguments in (
        (setup.codebuild.stop_build, {"id": "app"}),
        (setup.codebuild.retry_build, {"id": "app"}),
        (setup.codebuild.retry_build, {}),
    ):
        with pytest.raises(ClientError) as raised:
            call(**arguments)
        assert refused(raised) == ("InvalidInputException", "Invalid build ID provided")
    assert setup.codebuild.list_builds()["ids"] == [build["id"]]


def test_a_retried_build_has_the_former_ones_configuration(setup: Setup) -> None:
    setup.codebuild.create_project(**project())
    first = setup.codebuild.start_build(
        projectName="app",
        environmentVariablesOverride=[{"name": "A", "value": "1", "type": "PLAINTEXT"}],
    )["build"]
    setup.ended(first["id"])
    setup.codebuild.update_project(name="app", timeoutInMinutes=9)
    second = setup.codebuild.retry_build(id=first["id"])["build"]
    assert second["id"] != first["id"]
    assert second["buildNumber"] == 2
    assert second["environment"] == first["environment"]
    assert second["timeoutInMinutes"] == 60
    assert setup.ended(second["id"])["buildStatus"] == "SUCCEEDED"


def test_builds_are_listed_newest_first_and_deleted(setup: Setup) -> None:
    ids = []
    for name in ("app", "other"):
        setup.codebuild.create_project(**project(name))
        ids.append(setup.codebuild.start_build(projectName=name)["build"]["id"])
    for build_id in ids:
        setup.ended(build_id)
    assert setup.codebuild.list_builds()["ids"] == ids[::-1]
    assert setup.codebuild.list_builds(sortOrder="ASCENDING")["ids"] == ids
    assert setup.codebuild.list_builds_for_project(projectName="app")["ids"] == ids[:1]
    answer = setup.codebuild.batch_delete_builds(ids=[ids[0], "app:absent"])
    assert [arn.split(":build/")[1] for arn in answer["buildsDeleted"]] == ids[:1]
    assert [item["id"] for item in answer["buildsNotDeleted"]] == ["app:absent"]
    found = setup.codebuild.batch_get_builds(ids=ids)
    assert [build["id"] for build in found["builds"]] == ids[1:]
    assert found["buildsNotFound"] == ids[:1]
    # A number is never used again.
    again = setup.codebuild.start_build(projectName="app")["build"]
    assert again["buildNumber"] == 2
    setup.ended(again["id"])


URL = "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/code"
SPEC = """version: 0.2
phases:
  build:
    commands:
      - cat file; git log --format=%s; echo "at $CODEBUILD_RESOLVED_SOURCE_VERSION"
      - git remote get-url origin
"""


def test_a_build_of_a_repository_has_its_history(setup: Setup) -> None:
    setup.codecommit.create_repository(repositoryName="code")
    commits = []
    for number, content in enumerate(["first\n", "second\n"]):
        files = [{"filePath": "file", "fileContent": content}]
        if not commits:
            files.append({"filePath": "buildspec.yml", "fileContent": SPEC})
        commits.append(
            setup.codecommit.create_commit(
                repositoryName="code", branchName="main", putFiles=files,
                commitMessage=f"change {number}", authorName="a", email="a@b",
                **({"parentCommitId": commits[-1]} if commits else {}),
            )["commitId"]
        )  # fmt: skip
    setup.codebuild.create_project(
        **project(source={"type": "CODECOMMIT", "location": URL}, sourceVersion="main")
    )
    expected = [(None, "second", commits[1]), (commits[0], "first", commits[0])]
    for version, content, commit in expected:
        more = {"sourceVersion": version} if version else {}
        build = setup.ended(setup.codebuild.start_build(projectName="app", **more)["build"]["id"])
        assert build["buildStatus"] == "SUCCEEDED", build["phases"]
        assert build["resolvedSourceVersion"] == commit
        events = setup.logs.get_log_events(
            logGroupName="/aws/codebuild/app", logStreamName=build["id"].split(":")[1],
            startFromHead=True,
        )["events"]  # fmt: skip
        said = [event["message"].strip() for event in events]
        assert content in said
        assert f"at {commit}" in said
        assert "change 0" in said
        assert URL in said


def test_a_source_version_that_is_nowhere(setup: Setup) -> None:
    setup.codecommit.create_repository(repositoryName="code")
    setup.codebuild.create_project(
        **project(source={"type": "CODECOMMIT", "location": URL}, sourceVersion="absent")
    )
    build = setup.ended(setup.codebuild.start_build(projectName="app")["build"]["id"])
    (phase,) = (p for p in build["phases"] if p["phaseType"] == "DOWNLOAD_SOURCE")
    assert phase["contexts"] == [
        {
            "statusCode": "CLIENT_ERROR",
            "message": "reference not found for primary source and source version absent",
        }
    ]


def test_another_projects_build_is_not_reached_under_an_allowed_name(setup: Setup) -> None:
    """Locks: `allowed:build/secret:uuid` was authorized as project `allowed`, acted on `secret`."""
    setup.codebuild.create_project(**project("secret"))
    started = setup.codebuild.start_build(projectName="secret")["build"]["id"]
    setup.ended(started)
    disguised = f"allowed:build/{started}"
    assert setup.codebuild.batch_get_builds(ids=[disguised]) | {"ResponseMetadata": None} == {
        "builds": [], "buildsNotFound": [disguised], "ResponseMetadata": None
    }  # fmt: skip
    (kept,) = setup.codebuild.batch_delete_builds(ids=[disguised])["buildsNotDeleted"]
    assert kept["statusCode"] == "BUILD_NOT_FOUND"
    with pytest.raises(ClientError) as raised:
        setup.codebuild.start_build(projectName="allowed:project/secret")
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"
