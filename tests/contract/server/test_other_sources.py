"""Sources on other git hosts and in S3, on a real server: the git host is the server itself, met
as a stranger would, over HTTP with a user name and a token."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.delivery import (
    BUCKET,
    action_states,
    commit_files,
    create_role,
    executions,
    push,
    role_arn,
    wait_for_execution,
)
from tests.server_process import ServerProcess, free_port

ALLOWED = ("s3:*", "cloudformation:*", "iam:PassRole", "codestar-connections:UseConnection")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    port = free_port()
    options = ["--source-interval=1", f"--github-url=http://127.0.0.1:{port}/v1"]
    data = tmp_path_factory.mktemp("server") / "data"
    server = ServerProcess(data, port=port, options=options)
    server.start(DOCKER_HOST="unix:///nowhere/docker.sock")
    create_role(server, "pipeline", "codepipeline.amazonaws.com", *ALLOWED)
    server.client("s3").create_bucket(Bucket=BUCKET)
    server.aws("codecommit", "create-repository", "--repository-name", "app")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def tree(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree") / "app"
    commit_files(tree, {"file.txt": "one", ".gitattributes": "file.txt export-ignore\n"})
    push(server, tree, "app")
    return tree


def create_pipeline(server: ServerProcess, name: str, source: dict[str, Any]) -> None:
    """The source, then an action that needs no engine: a stack that isn't there is deleted."""
    delete = {
        "name": "Nothing",
        "actionTypeId": {
            "category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1",
        },
        "configuration": {
            "ActionMode": "DELETE_ONLY", "StackName": f"no-{name}", "RoleArn": role_arn("pipeline"),
        },
    }  # fmt: skip
    server.client("codepipeline").create_pipeline(
        pipeline={
            "name": name,
            "roleArn": role_arn("pipeline"),
            "artifactStore": {"type": "S3", "location": BUCKET},
            "stages": [
                {"name": "Source", "actions": [source]},
                {"name": "Deploy", "actions": [delete]},
            ],
        }
    )


def source(provider: str, owner: str = "AWS", **configuration: str) -> dict[str, Any]:
    return {
        "name": "App",
        "namespace": "App",
        "actionTypeId": {
            "category": "Source", "owner": owner, "provider": provider, "version": "1",
        },
        "configuration": configuration,
        "outputArtifacts": [{"name": "AppSource"}],
    }  # fmt: skip


def artifact(server: ServerProcess, pipeline: str, execution: str) -> dict[str, str]:
    """The files of the source artifact of an execution."""
    (detail,) = [
        d
        for d in server.client("codepipeline").list_action_executions(
            pipelineName=pipeline, filter={"pipelineExecutionId": execution}
        )["actionExecutionDetails"]
        if d["actionName"] == "App"
    ]
    place = detail["output"]["outputArtifacts"][0]["s3location"]
    body = server.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist() if name[-1] != "/"}


def wait_for_count(server: ServerProcess, pipeline: str, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(executions(server, pipeline)) < count:
        assert time.monotonic() < deadline, server.log()[-2000:]
        time.sleep(0.2)


def add_connection(server: ServerProcess, directory: Path, name: str, token: str) -> str:
    path = directory / f"{name}.token"
    path.write_text(token + "\n")
    done = server.penstock(
        "connection", "add", name, f"--url={server.url}/v1/repos/",
        f"--username={server.credentials['AccessKeyId']}", f"--token-file={path}",
    )  # fmt: skip
    return done.stdout.strip()


def test_a_connection_reads_a_branch_and_sees_it_change(
    server: ServerProcess, tree: Path, tmp_path: Path
) -> None:
    place = add_connection(server, tmp_path, "host", server.credentials["SecretAccessKey"])
    connection = server.client("codestar-connections").get_connection(ConnectionArn=place)
    assert connection["Connection"]["ConnectionStatus"] == "AVAILABLE"
    create_pipeline(
        server, "connected",
        source("CodeStarSourceConnection", ConnectionArn=place, FullRepositoryId="app",
               BranchName="main"),
    )  # fmt: skip
    first = wait_for_execution(server, "connected", seconds=60)
    assert first["status"] == "Succeeded", action_states(server, "connected")
    files = artifact(server, "connected", first["pipelineExecutionId"])
    assert files["file.txt"] == "one", "the whole tree, whatever .gitattributes leave out"

    commit = commit_files(tree, {"file.txt": "two"}, "second\n\nwith a body")
    push(server, tree, "app")
    second = wait_for_execution(server, "connected", commit=commit, seconds=60)
    assert second["status"] == "Succeeded"
    assert second["trigger"]["triggerType"] == "WebhookV2"
    assert artifact(server, "connected", second["pipelineExecutionId"])["file.txt"] == "two"
    time.sleep(3)
    assert len(executions(server, "connected")) == 2, "one execution for one change"
    details = server.client("codepipeline").list_action_executions(
        pipelineName="connected",
        filter={"pipelineExecutionId": second["pipelineExecutionId"]},
    )["actionExecutionDetails"]
    variables = next(d for d in details if d["actionName"] == "App")["output"]["outputVariables"]
    assert variables["CommitId"] == commit
    assert variables["CommitMessage"] == "second\n\nwith a body"
    assert variables["FullRepositoryName"] == "app"
    assert variables["ConnectionArn"] == place


def test_a_wrong_token_fails_the_action_without_showing_it(
    server: ServerProcess, tree: Path, tmp_path: Path
) -> None:
    place = add_connection(server, tmp_path, "wrong", "not-the-token")
    create_pipeline(
        server, "wrong",
        source("CodeStarSourceConnection", ConnectionArn=place, FullRepositoryId="app",
               BranchName="main", DetectChanges="false"),
    )  # fmt: skip
    assert wait_for_execution(server, "wrong", seconds=60)["status"] == "Failed"
    error = action_states(server, "wrong")["App"]["errorDetails"]
    assert error["code"] == "RevisionUnavailable"
    assert f"Branch main of {server.url}/v1/repos/app can't be read" in error["message"]
    assert "not-the-token" not in json.dumps(error) + server.log()


def test_a_connection_without_credentials_is_pending(server: ServerProcess, tree: Path) -> None:
    made = server.client("codestar-connections").create_connection(
        ConnectionName="new", ProviderType="GitHub"
    )
    place = made["ConnectionArn"]
    create_pipeline(
        server, "pending",
        source("CodeStarSourceConnection", ConnectionArn=place, FullRepositoryId="a/b",
               BranchName="main"),
    )  # fmt: skip
    assert wait_for_execution(server, "pending", seconds=60)["status"] == "Failed"
    message = action_states(server, "pending")["App"]["errorDetails"]["message"]
    assert "is in PENDING state" in message
    assert "penstock connection add new" in message


def test_a_role_needs_use_connection(server: ServerProcess, tree: Path, tmp_path: Path) -> None:
    place = add_connection(server, tmp_path, "guarded", server.credentials["SecretAccessKey"])
    deny = {"Effect": "Deny", "Action": "codestar-connections:UseConnection", "Resource": place}
    server.client("iam").put_role_policy(
        RoleName="pipeline", PolicyName="deny",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )  # fmt: skip
    create_pipeline(
        server, "guarded",
        source("CodeStarSourceConnection", ConnectionArn=place, FullRepositoryId="app",
               BranchName="main"),
    )  # fmt: skip
    assert wait_for_execution(server, "guarded", seconds=60)["status"] == "Failed"
    error = action_states(server, "guarded")["App"]["errorDetails"]
    assert error["code"] == "PermissionError"
    assert "codestar-connections:UseConnection" in error["message"]


def test_github_with_a_token_that_nobody_sees(server: ServerProcess, tree: Path) -> None:
    """GitHub is this server (--github-url); the token is never shown nor stored in the clear."""
    token = "ghp_0123456789abcdefSECRET"
    given = {"Owner": "repos", "Repo": "app", "Branch": "main", "OAuthToken": token}
    create_pipeline(server, "hub", source("GitHub", "ThirdParty", **given))
    assert wait_for_execution(server, "hub", seconds=60)["status"] == "Failed"
    pipelines = server.client("codepipeline")
    found = pipelines.get_pipeline(name="hub")["pipeline"]
    assert found["stages"][0]["actions"][0]["configuration"]["OAuthToken"] == "****"
    updated = pipelines.update_pipeline(pipeline=found)["pipeline"]
    assert updated["version"] == 2
    said = json.dumps(
        [
            pipelines.get_pipeline_state(name="hub"),
            pipelines.list_action_executions(pipelineName="hub"),
            pipelines.get_pipeline(name="hub", version=1),
            updated,
        ],
        default=str,
    )
    assert token not in said + server.log()
    for path in server.data_dir.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path


def test_an_object_of_s3_and_its_next_version(server: ServerProcess) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="sources")
    s3.put_bucket_versioning(Bucket="sources", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="sources", Key="app.zip", Body=zipped("one"))["VersionId"]
    create_pipeline(server, "s3", source("S3", S3Bucket="sources", S3ObjectKey="app.zip"))
    execution = wait_for_execution(server, "s3", seconds=60)
    assert execution["status"] == "Succeeded", action_states(server, "s3")
    assert execution["sourceRevisions"][0]["revisionId"] == first
    assert artifact(server, "s3", execution["pipelineExecutionId"]) == {"file.txt": "one"}

    second = s3.put_object(Bucket="sources", Key="app.zip", Body=zipped("two"))["VersionId"]
    changed = wait_for_execution(server, "s3", commit=second, seconds=60)
    assert changed["status"] == "Succeeded"
    assert artifact(server, "s3", changed["pipelineExecutionId"]) == {"file.txt": "two"}

    again = server.client("codepipeline").start_pipeline_execution(
        name="s3",
        sourceRevisions=[
            {"actionName": "App", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": first}
        ],
    )["pipelineExecutionId"]
    wait_for_count(server, "s3", 3)
    assert wait_for_execution(server, "s3", seconds=60)["pipelineExecutionId"] == again
    time.sleep(5)
    assert len(executions(server, "s3")) == 3, "what was released by hand is not replaced again"
    assert artifact(server, "s3", again) == {"file.txt": "one"}


def test_a_bucket_without_versions_is_no_source(server: ServerProcess) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="plain")
    s3.put_object(Bucket="plain", Key="app.zip", Body=zipped("one"))
    create_pipeline(server, "plain", source("S3", S3Bucket="plain", S3ObjectKey="app.zip"))
    assert wait_for_execution(server, "plain", seconds=60)["status"] == "Failed"
    message = action_states(server, "plain")["App"]["errorDetails"]["message"]
    assert "versioning is not enabled for bucket plain" in message


def zipped(content: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("file.txt", content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--url=file:///etc"], "--url: expected one of https://"),
        (["--url=ssh://git@host/"], "needs --key-file and --known-hosts"),
        (["--url=https://host/", "--provider=Other"], "--provider: expected one of GitHub"),
        (["--url=https://host/", "--token-file=/nowhere"], "/nowhere can't be read"),
        (["--url=https://host/", "--ca=/etc/hostname"], "--ca: expected a certificate in PEM"),
        (["--url=https://host/", "--token-file=/dev/null"], "--token-file: expected a token"),
    ],
)
def test_a_connection_that_leads_nowhere_is_refused(
    server: ServerProcess, options: list[str], said: str
) -> None:
    done = server.penstock("connection", "add", "bad", *options, check=False)
    assert done.returncode == 2
    assert said in done.stderr
