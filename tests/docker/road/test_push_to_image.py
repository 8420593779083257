"""The road so far, as a user drives it: two pushes, `aws codepipeline create-pipeline`, and a
real build that tests with docker-compose, publishes by the AWS name and hands on version.json."""

import io
import json
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.delivery import (
    BUCKET,
    action_states,
    build_action,
    build_log,
    commit_files,
    create_project,
    executions,
    git,
    phases,
    pipeline,
    push,
    role_arn,
    source_action,
    wait_for_execution,
)
from tests.published_image import PublishedImages
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

EXAMPLES = Path(__file__).parents[3] / "examples"


@dataclass
class Road:
    """Two repositories and the pipeline over them."""

    server: ServerProcess
    application: Path
    deployment: Path

    def release(self, nonce: str) -> tuple[str, dict[str, Any]]:
        """Push a commit that carries `nonce`; return its id and the ended execution."""
        commit = commit_files(self.application, {"NONCE": nonce + "\n"}, f"nonce {nonce}")
        push(self.server, self.application, "todobackend")
        return commit, wait_for_execution(self.server, "todobackend", commit=commit, seconds=600)

    def version(self, execution_id: str) -> str:
        """The version that the execution's version.json names."""
        details = self.server.client("codepipeline").list_action_executions(
            pipelineName="todobackend", filter={"pipelineExecutionId": execution_id}
        )["actionExecutionDetails"]
        build = next(d for d in details if d["actionName"] == "Build")
        location = build["output"]["outputArtifacts"][0]["s3location"]
        body = self.server.client("s3").get_object(Bucket=location["bucket"], Key=location["key"])[
            "Body"
        ]
        with zipfile.ZipFile(io.BytesIO(body.read())) as artifact:
            assert artifact.namelist() == ["version.json"]
            return str(json.loads(artifact.read("version.json"))["Version"])


@pytest.fixture(scope="module")
def road(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    trees = tmp_path_factory.mktemp("trees")
    for name in ("todobackend", "todobackend-aws"):
        shutil.copytree(EXAMPLES / name, trees / name)
        commit_files(trees / name, {})
        server.aws("codecommit", "create-repository", "--repository-name", name)
        push(server, trees / name, name)
    server.aws("ecr", "create-repository", "--repository-name", "todobackend")
    create_project(server, "todobackend", privileged=True)
    structure = pipeline(
        "todobackend",
        [source_action("todobackend", "App"), source_action("todobackend-aws", "Deployment")],
        build_action("todobackend", "App", "Deployment"),
    )
    server.aws("codepipeline", "create-pipeline", "--pipeline", json.dumps(structure))
    first = wait_for_execution(server, "todobackend", seconds=600)
    assert first["trigger"]["triggerType"] == "CreatePipeline"
    if first["status"] != "Succeeded":
        raise AssertionError(server.penstock("logs").stdout + server.log()[-4000:])
    return Road(server, trees / "todobackend", trees / "todobackend-aws")


def test_the_pushed_nonce_is_in_the_image_that_the_registry_serves(road: Road) -> None:
    nonce = secrets.token_hex(16)
    commit, execution = road.release(nonce)
    assert execution["status"] == "Succeeded", road.server.penstock("logs").stdout
    version = road.version(execution["pipelineExecutionId"])

    images = PublishedImages(road.server, "todobackend")
    assert images.file(version, "app/NONCE").strip() == nonce

    details = road.server.aws(
        "ecr",
        "describe-images",
        "--repository-name",
        "todobackend",
        "--image-ids",
        f"imageTag={version}",
    )["imageDetails"]
    assert [d["imageDigest"] for d in details] == [images.digest(version)]
    assert version in details[0]["imageTags"]

    exported = action_states(road.server, "todobackend")["Build"]
    assert exported["status"] == "Succeeded"
    sources = {r["actionName"]: r["revisionId"] for r in execution["sourceRevisions"]}
    assert sources == {"App": commit, "Deployment": git(road.deployment, "rev-parse", "HEAD")}


def test_one_push_makes_one_execution_from_either_repository(road: Road) -> None:
    before = {e["pipelineExecutionId"] for e in executions(road.server, "todobackend")}
    commit = commit_files(road.deployment, {"CHANGES": secrets.token_hex(4)})
    push(road.server, road.deployment, "todobackend-aws")
    execution = wait_for_execution(road.server, "todobackend", commit=commit, seconds=600)
    assert execution["status"] == "Succeeded"
    after = {e["pipelineExecutionId"] for e in executions(road.server, "todobackend")}
    assert after - before == {execution["pipelineExecutionId"]}
    assert execution["trigger"]["triggerType"] == "CloudWatchEvent"


def test_the_build_tested_the_application_with_docker_compose(road: Road) -> None:
    build_id = action_states(road.server, "todobackend")["Build"]["externalExecutionId"]
    build = road.server.aws("codebuild", "batch-get-builds", "--ids", build_id)["builds"][0]
    assert build["buildStatus"] == "SUCCEEDED"
    assert build["initiator"] == "codepipeline/todobackend"
    assert set(phases(build).values()) == {"SUCCEEDED"}
    assert list(phases(build)) == [
        "SUBMITTED",
        "QUEUED",
        "PROVISIONING",
        "DOWNLOAD_SOURCE",
        "INSTALL",
        "PRE_BUILD",
        "BUILD",
        "POST_BUILD",
        "UPLOAD_ARTIFACTS",
        "FINALIZING",
    ]
    log = build_log(road.server, build)
    assert "Login Succeeded" in log
    assert log.count("\nOK") >= 3, "unit, integration and acceptance tests each say OK"
    exported = {v["name"]: v["value"] for v in build["exportedEnvironmentVariables"]}
    assert exported["IMAGE"].startswith("123456789012.dkr.ecr.us-east-1.amazonaws.com/todobackend:")


def test_a_role_without_put_image_fails_the_publish(road: Road) -> None:
    """AWS's denial names the caller, the action and the repository."""
    iam = road.server.client("iam")
    denial = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "ecr:PutImage", "Resource": "*"}],
    }
    iam.put_role_policy(
        RoleName="build", PolicyName="no-publish", PolicyDocument=json.dumps(denial)
    )
    tags = {i.get("imageTag") for i in images(road.server)}
    try:
        _, execution = road.release(secrets.token_hex(16))
    finally:
        iam.delete_role_policy(RoleName="build", PolicyName="no-publish")
    assert execution["status"] == "Failed"
    build_id = action_states(road.server, "todobackend")["Build"]["externalExecutionId"]
    build = road.server.client("codebuild").batch_get_builds(ids=[build_id])["builds"][0]
    log = build_log(road.server, build)
    assert "is not authorized to perform: ecr:PutImage on resource: " in log
    assert (
        f"{role_arn('build').replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}" in log
    )
    assert {i.get("imageTag") for i in images(road.server)} == tags


def images(server: ServerProcess) -> list[dict[str, Any]]:
    """The repository's images as ECR lists them."""
    return list(server.client("ecr").list_images(repositoryName="todobackend")["imageIds"])


def test_status_shows_the_road_in_eighty_columns(road: Road) -> None:
    shown = road.server.penstock("status").stdout
    for word in ("todobackend", "Source", "App", "Deployment", "Build"):
        assert word in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_artifacts_are_in_the_users_bucket(road: Road) -> None:
    listed = road.server.aws("s3api", "list-objects-v2", "--bucket", BUCKET)["Contents"]
    assert any(o["Key"].startswith("todobackend/App/") for o in listed)
    assert any(o["Key"].startswith("todobackend/BuildOutpu/") for o in listed)


def test_nothing_of_a_build_is_left_on_the_engine(road: Road) -> None:
    """Only the instance's long-lived helpers are: the registry and the mirror of base images."""
    assert road.server.task_containers() == set()
