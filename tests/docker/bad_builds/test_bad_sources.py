"""A pipeline over sources that cannot be built: each ends as it does on AWS, with AWS's words.

Messages: CodeBuild's phase contexts, https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.delivery import (
    action_states,
    build_action,
    build_log,
    commit_files,
    create_project,
    phases,
    pipeline,
    push,
    source_action,
    wait_for_execution,
)
from tests.server_process import ServerProcess

pytestmark = pytest.mark.docker

GOOD = """version: 0.2
phases:
  build:
    commands:
      - echo built > result.txt
artifacts:
  files: [result.txt]
"""


@dataclass
class Line:
    """A repository with a pipeline that builds it."""

    server: ServerProcess
    tree: Path

    def build(self, files: dict[str, str]) -> tuple[dict[str, Any], str]:
        """Push `files`; return the build that the pipeline ran, and the execution's status."""
        commit = commit_files(self.tree, files)
        push(self.server, self.tree, "line")
        execution = wait_for_execution(self.server, "line", commit=commit)
        build_id = action_states(self.server, "line")["Build"]["externalExecutionId"]
        builds = self.server.client("codebuild").batch_get_builds(ids=[build_id])["builds"]
        return builds[0], execution["status"]


@pytest.fixture(scope="module")
def line(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    tree = tmp_path_factory.mktemp("tree") / "line"
    server.client("codecommit").create_repository(repositoryName="line")
    create_project(server, "line")
    commit_files(tree, {"README": "start\n", "buildspec.yml": GOOD})
    push(server, tree, "line")
    server.client("codepipeline").create_pipeline(
        pipeline=pipeline("line", [source_action("line", "App")], build_action("line", "App"))
    )
    first = wait_for_execution(server, "line")
    assert first["status"] == "Succeeded", action_states(server, "line")
    return Line(server, tree)


def context(build: dict[str, Any], phase: str) -> dict[str, str]:
    """The first context of a phase."""
    return next(p["contexts"][0] for p in build["phases"] if p["phaseType"] == phase)


def test_a_missing_buildspec_fails_in_download_source(line: Line) -> None:
    (line.tree / "buildspec.yml").unlink()
    build, status = line.build({"README": "no buildspec\n"})
    assert status == "Failed"
    assert phases(build)["DOWNLOAD_SOURCE"] == "FAILED"
    assert "INSTALL" not in phases(build)
    found = context(build, "DOWNLOAD_SOURCE")
    assert found["statusCode"] == "YAML_FILE_ERROR"
    assert "buildspec.yml: no such file or directory" in found["message"]


def test_a_buildspec_that_is_not_yaml_says_where(line: Line) -> None:
    build, status = line.build({"buildspec.yml": "version: 0.2\nphases: [a, b\nbuild: {\n"})
    assert status == "Failed"
    found = context(build, "DOWNLOAD_SOURCE")
    assert found["statusCode"] == "YAML_FILE_ERROR"
    assert "line" in found["message"]


def test_a_failing_command_names_itself_and_its_status(line: Line) -> None:
    spec = GOOD.replace("echo built > result.txt", "echo before; exit 7")
    build, status = line.build(
        {"buildspec.yml": spec.replace("echo before; exit 7", "sh -c 'exit 7'")}
    )
    assert status == "Failed"
    assert phases(build)["BUILD"] == "FAILED"
    assert context(build, "BUILD") == {
        "statusCode": "COMMAND_EXECUTION_ERROR",
        "message": "Error while executing command: sh -c 'exit 7'. Reason: exit status 7",
    }
    assert phases(build)["POST_BUILD"] == "SUCCEEDED"
    shown = line.server.penstock("logs", "line").stdout
    assert "sh -c 'exit 7'" in shown
    assert "buildspec.yml" in shown
    assert "5" in shown  # the line of the buildspec
    assert "7" in shown  # the exit code
    assert max(len(text) for text in shown.splitlines()) <= 80 or "Error while" in shown


def test_an_artifact_that_matches_nothing_fails_the_upload(line: Line) -> None:
    build, status = line.build({"buildspec.yml": GOOD.replace("[result.txt]", "[absent/*.txt]")})
    assert status == "Failed"
    assert phases(build)["BUILD"] == "SUCCEEDED"
    found = context(build, "UPLOAD_ARTIFACTS")
    assert found["statusCode"] == "CLIENT_ERROR"
    assert "no matching artifact paths found" in found["message"]


def test_the_next_good_push_succeeds_and_leaves_nothing_running(line: Line) -> None:
    build, status = line.build({"buildspec.yml": GOOD})
    assert status == "Succeeded", build_log(line.server, build)
    assert line.server.task_containers() == set()
