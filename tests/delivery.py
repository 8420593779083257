"""What a user sets up before a first delivery, made with boto3 and git: roles, bucket,
repositories, image repository, build project, pipeline; and what they then watch."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.server_process import ServerProcess

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "artifacts"
ENDED = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}


def trust(service: str) -> str:
    """A trust policy that lets an AWS service assume the role."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )


def create_role(server: ServerProcess, name: str, service: str, *actions: str) -> str:
    """Create a role that `service` may assume, allowed `actions`; return its ARN."""
    iam = server.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))
    iam.put_role_policy(
        RoleName=name,
        PolicyName="work",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
            }
        ),
    )
    return str(role["Role"]["Arn"])


PIPELINE_ACTIONS = ("codecommit:*", "codebuild:*", "s3:*")
BUILD_ACTIONS = ("logs:*", "s3:*", "ecr:*", "ssm:GetParameters", "secretsmanager:GetSecretValue")


def create_foundations(server: ServerProcess, *build_actions: str) -> None:
    """Roles `pipeline` and `build`, and the artifact bucket."""
    create_role(server, "pipeline", "codepipeline.amazonaws.com", *PIPELINE_ACTIONS)
    create_role(server, "build", "codebuild.amazonaws.com", *(build_actions or BUILD_ACTIONS))
    server.client("s3").create_bucket(Bucket=BUCKET)


def role_arn(name: str) -> str:
    """The ARN of a role of this account."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def create_project(
    server: ServerProcess, name: str, *, privileged: bool = False, **changes: Any
) -> None:
    """A CodeBuild project fed by a pipeline; `changes` replace parts of the request."""
    request: dict[str, Any] = {
        "name": name,
        "source": {"type": "CODEPIPELINE"},
        "artifacts": {"type": "CODEPIPELINE"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": privileged,
        },
        "serviceRole": role_arn("build"),
    }
    server.client("codebuild").create_project(**{**request, **changes})


def source_action(repository: str, artifact: str, branch: str = "main") -> dict[str, Any]:
    """A CodeCommit source action named after its artifact."""
    return {
        "name": artifact,
        "actionTypeId": {
            "category": "Source",
            "owner": "AWS",
            "provider": "CodeCommit",
            "version": "1",
        },
        "configuration": {"RepositoryName": repository, "BranchName": branch},
        "outputArtifacts": [{"name": artifact}],
        "runOrder": 1,
    }


def build_action(project: str, *inputs: str, output: str = "BuildOutput") -> dict[str, Any]:
    """A CodeBuild action on the input artifacts, the first being the primary source."""
    configuration = {"ProjectName": project}
    if len(inputs) > 1:
        configuration["PrimarySource"] = inputs[0]
    return {
        "name": "Build",
        "namespace": "BuildVariables",
        "actionTypeId": {
            "category": "Build",
            "owner": "AWS",
            "provider": "CodeBuild",
            "version": "1",
        },
        "configuration": configuration,
        "inputArtifacts": [{"name": name} for name in inputs],
        "outputArtifacts": [{"name": output}],
        "runOrder": 1,
    }


def pipeline(name: str, sources: list[dict[str, Any]], build: dict[str, Any]) -> dict[str, Any]:
    """A pipeline of two stages, Source and Build."""
    return {
        "name": name,
        "roleArn": role_arn("pipeline"),
        "artifactStore": {"type": "S3", "location": BUCKET},
        "stages": [
            {"name": "Source", "actions": sources},
            {"name": "Build", "actions": [build]},
        ],
    }


def git(directory: Path, *arguments: str) -> str:
    """Run git there as a test author, free of the machine's configuration."""
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        **{f"GIT_{who}_NAME": "Tess Author" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "tess@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def commit_files(directory: Path, files: Mapping[str, str], message: str = "change") -> str:
    """Write `files` into the working tree (made when absent), commit, return the commit id."""
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / ".git").exists():
        git(directory, "init", "-q", "-b", "main")
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git(directory, "add", "-A")
    git(directory, "commit", "-q", "-m", message)
    return git(directory, "rev-parse", "HEAD")


def push(server: ServerProcess, directory: Path, repository: str, branch: str = "main") -> None:
    """Push the working tree's HEAD to a repository of the server."""
    git(directory, "push", "-q", server.git_url(repository), f"HEAD:refs/heads/{branch}")


def executions(server: ServerProcess, name: str) -> list[dict[str, Any]]:
    """The pipeline's executions, newest first."""
    answer = server.client("codepipeline").list_pipeline_executions(pipelineName=name)
    return list(answer["pipelineExecutionSummaries"])


def wait_for_execution(
    server: ServerProcess, name: str, *, commit: str | None = None, seconds: float = 300
) -> dict[str, Any]:
    """Wait until the newest execution (of `commit`, if named) has ended; return its summary."""
    deadline = time.monotonic() + seconds
    found: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        found = [
            execution
            for execution in executions(server, name)
            if commit is None
            or commit in {s.get("revisionId") for s in execution.get("sourceRevisions", [])}
        ]
        if found and found[0]["status"] in ENDED:
            return found[0]
        time.sleep(0.25)
    raise AssertionError(
        f"no execution of {name} ended in {seconds} s: {found}\n{server.log()[-3000:]}"
    )


def wait_for_build(server: ServerProcess, build_id: str, seconds: float = 240) -> dict[str, Any]:
    """Wait until the build is complete; return it."""
    deadline = time.monotonic() + seconds
    build: dict[str, Any] = {}
    while time.monotonic() < deadline:
        build = server.client("codebuild").batch_get_builds(ids=[build_id])["builds"][0]
        if build["buildComplete"]:
            return build
        time.sleep(0.25)
    raise AssertionError(
        f"build {build_id} did not end in {seconds} s: {build}\n{server.log()[-3000:]}"
    )


def build_log(server: ServerProcess, build: Mapping[str, Any]) -> str:
    """The build's whole log, as CloudWatch Logs gives it."""
    logs, token, text = server.client("logs"), None, ""
    while True:
        more = {"nextToken": token} if token else {}
        answer = logs.get_log_events(
            logGroupName=build["logs"]["groupName"],
            logStreamName=build["logs"]["streamName"],
            startFromHead=True,
            **more,
        )
        text += "".join(
            event["message"] + ("" if event["message"].endswith("\n") else "\n")
            for event in answer["events"]
        )
        if answer["nextForwardToken"] == token:
            return text
        token = answer["nextForwardToken"]


def action_states(server: ServerProcess, name: str) -> dict[str, dict[str, Any]]:
    """The latest execution of each action of the pipeline, by action name."""
    state = server.client("codepipeline").get_pipeline_state(name=name)
    return {
        action["actionName"]: action.get("latestExecution", {})
        for stage in state["stageStates"]
        for action in stage["actionStates"]
    }


def phases(build: Mapping[str, Any]) -> dict[str, str]:
    """Phase type → phase status, COMPLETED (which has none) left out."""
    return {p["phaseType"]: p["phaseStatus"] for p in build["phases"] if "phaseStatus" in p}
