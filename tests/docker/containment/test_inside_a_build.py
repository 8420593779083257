"""What a build cannot do: reach another Task, the real AWS, the host's engine, or more of the
API than its role allows. Each is tried from inside a real build and read from its log."""

import json
from typing import Any

import pytest

from tests.delivery import (
    build_log,
    create_project,
    create_role,
    phases,
    role_arn,
    trust,
    wait_for_build,
)
from tests.server_process import ServerProcess

pytestmark = pytest.mark.docker


def run(server: ServerProcess, name: str, commands: list[str], **changes: Any) -> tuple[Any, str]:
    """Run `commands` as a build without a source; return the build and its log."""
    lines = "".join(f"      - |\n{indent(command)}" for command in commands)
    buildspec = f"version: 0.2\nphases:\n  build:\n    commands:\n{lines}"
    create_project(
        server,
        name,
        source={"type": "NO_SOURCE", "buildspec": buildspec},
        artifacts={"type": "NO_ARTIFACTS"},
        **changes,
    )
    started = server.client("codebuild").start_build(projectName=name)["build"]
    build = wait_for_build(server, started["id"])
    return build, build_log(server, build)


def indent(command: str) -> str:
    """Indent a command for a YAML block scalar."""
    return "".join(f"        {line}\n" for line in command.strip().splitlines())


def test_a_build_is_its_role_and_nothing_else(server: ServerProcess) -> None:
    build, log = run(
        server,
        "identity",
        [
            "aws sts get-caller-identity --query Arn --output text",
            "aws iam list-users; echo list-users=$?",
            (
                "aws codepipeline put-approval-result --pipeline-name p --stage-name s"
                " --action-name a --token 11111111-1111-1111-1111-111111111111"
                " --result summary=x,status=Approved; echo approve=$?"
            ),
        ],
    )
    assert build["buildStatus"] == "SUCCEEDED", log
    assert ":assumed-role/build/AWSCodeBuild-" in log
    assert "is not authorized to perform: iam:ListUsers" in log
    assert "list-users=0" not in log
    assert "is not authorized to perform: codepipeline:PutApprovalResult" in log
    assert "approve=0" not in log


def test_approving_without_a_credential_is_refused(server: ServerProcess) -> None:
    build, log = run(
        server,
        "unsigned",
        [
            (
                "curl -sS -o answer -w 'status=%{http_code}\\n' -X POST"
                " -H 'X-Amz-Target: CodePipeline_20150709.PutApprovalResult'"
                " -H 'Content-Type: application/x-amz-json-1.1'"
                """ -d '{"pipelineName":"p"}' https://codepipeline.us-east-1.amazonaws.com/"""
                "; cat answer"
            ),
            (
                "curl -sS -o /dev/null -w 'console=%{http_code}\\n'"
                " https://codepipeline.us-east-1.amazonaws.com/console/"
            ),
        ],
    )
    assert build["buildStatus"] == "SUCCEEDED", log
    assert "status=400" in log or "status=403" in log
    assert "MissingAuthenticationToken" in log
    assert "console=200" not in log


APPROVE = (
    "aws codepipeline put-approval-result --pipeline-name p --stage-name s --action-name a"
    " --token 11111111-1111-1111-1111-111111111111 --result summary=x,status=Approved"
)


def test_a_build_that_may_do_all_approves_nothing_by_any_key(server: ServerProcess) -> None:
    """ADR 0029: not by its own key, one that it assumed, or a person's; nor by a way around."""
    iam = server.client("iam")
    role = create_role(server, "almighty", "codebuild.amazonaws.com", "*")
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    trusted = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": role}, "Action": "sts:AssumeRole"}],
    }
    other = iam.create_role(RoleName="deeper", AssumeRolePolicyDocument=json.dumps(trusted))
    iam.put_role_policy(RoleName="deeper", PolicyName="all", PolicyDocument=json.dumps(policy))
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    own = "https://codepipeline.us-east-1.amazonaws.com/_penstock"
    build, log = run(
        server,
        "almighty",
        [
            f"{APPROVE}; echo own=$?",
            (
                f"set -- $(aws sts assume-role --role-arn {other['Role']['Arn']}"
                " --role-session-name deep --output text"
                " --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]')\n"
                "AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$2 AWS_SESSION_TOKEN=$3"
                f" {APPROVE}; echo assumed=$?"
            ),
            (
                f"AWS_ACCESS_KEY_ID={key['AccessKeyId']}"
                f" AWS_SECRET_ACCESS_KEY={key['SecretAccessKey']} {APPROVE}; echo person=$?"
            ),
            *(
                f"curl -sS -o /dev/null -w '{path}=%{{http_code}}\\n' -X {method} {own}/{path}"
                for method, path in (
                    ("POST", "console/login-links"), ("GET", "approvals/x"), ("GET", "changesets"),
                )
            ),
        ],
        serviceRole=role,
    )  # fmt: skip
    assert build["buildStatus"] == "SUCCEEDED", log
    said = [line for line in log.splitlines() if "never approves" in line]
    callers = ("assumed-role/almighty/", "assumed-role/deeper/deep", "user/ann")
    for caller, ended in zip(callers, ("own", "assumed", "person"), strict=True):
        assert any("AccessDeniedException" in line and caller in line for line in said), log
        assert f"{ended}=0" not in log
    for path in ("console/login-links", "approvals/x", "changesets"):
        assert f"{path}=404" in log


def test_another_tasks_credentials_cannot_be_read(server: ServerProcess) -> None:
    build, log = run(
        server,
        "credentials",
        [
            (
                'own=$(curl -sS -o /dev/null -w "%{http_code}"'
                ' "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); echo own=$own'
            ),
            (
                'other=$(curl -sS -o /dev/null -w "%{http_code}"'
                ' "http://169.254.170.2/v2/credentials/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");'
                " echo other=$other"
            ),
            (
                'listing=$(curl -sS -o /dev/null -w "%{http_code}"'
                ' "http://169.254.170.2/v2/credentials/"); echo listing=$listing'
            ),
            "curl -sS -m 3 http://169.254.169.254/latest/meta-data/ ; echo metadata=$?",
        ],
    )
    assert build["buildStatus"] == "SUCCEEDED", log
    assert "own=200" in log
    assert "\nother=4" in log
    assert "\nlisting=4" in log
    assert "\nmetadata=0" not in log


def test_the_real_aws_and_the_hosts_engine_are_out_of_reach(server: ServerProcess) -> None:
    build, log = run(
        server,
        "reach",
        [
            (
                "getent hosts dynamodb.eu-west-1.amazonaws.com s3.amazonaws.com"
                " 123456789012.dkr.ecr.us-east-1.amazonaws.com"
            ),
            "aws dynamodb list-tables; echo dynamodb=$?",
            "ls -la /var/run/docker.sock; docker info; echo engine=$?",
            "env",
        ],
    )
    assert build["buildStatus"] == "SUCCEEDED", log
    addresses = {
        line.split()[0]
        for line in log.splitlines()
        if line.endswith(".amazonaws.com") and line[0].isdigit()
    }
    assert addresses == {"169.254.170.3"}
    assert "dynamodb=0" not in log
    assert "dynamodb" in log.split("dynamodb=")[0].lower()
    assert "engine=0" not in log
    root = server.credentials
    assert root["AccessKeyId"] not in log
    assert root["SecretAccessKey"] not in log


def test_dockerd_does_not_start_without_privileged_mode(server: ServerProcess) -> None:
    build, log = run(
        server,
        "unprivileged",
        ["timeout 20 dockerd; echo dockerd=$?", "docker info"],
    )
    assert build["buildStatus"] == "FAILED", log
    assert phases(build)["BUILD"] == "FAILED"
    assert "dockerd=0" not in log
    assert "Cannot connect to the Docker daemon" in log


def test_an_inner_container_stays_within_the_builds_memory(server: ServerProcess) -> None:
    """A SMALL build has 3 GB in AWS's table: an inner container that takes more is killed."""
    build, log = run(
        server,
        "memory",
        [
            "printf 'FROM python:3.11-slim\\n' > Dockerfile && docker build -q -t eater .",
            (
                'docker run --rm eater python3 -c \'x = bytearray(64 << 20); x[::4096] = b"1" *'
                ' len(x[::4096]); print("small-done")\''
            ),
            (
                'docker run --rm eater python3 -c \'x = bytearray(4500 << 20); x[::4096] = b"1" *'
                ' len(x[::4096]); print("big-done")\'; echo eater=$?'
            ),
        ],
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": True,
        },
    )
    assert "\nsmall-done" in log, log
    assert "\nbig-done" not in log
    assert "\neater=0" not in log
    assert build["buildStatus"] in {"SUCCEEDED", "FAILED"}


def test_two_privileged_builds_of_one_project_run_side_by_side(server: ServerProcess) -> None:
    buildspec = """version: 0.2
phases:
  build:
    commands:
      - docker info --format '{{.ID}}'
      - printf 'FROM python:3.11-slim\\n' | docker build -q -t inner -
      - docker run --rm inner sleep 8
"""
    create_project(
        server,
        "pair",
        privileged=True,
        source={"type": "NO_SOURCE", "buildspec": buildspec},
        artifacts={"type": "NO_ARTIFACTS"},
    )
    codebuild = server.client("codebuild")
    ids = [codebuild.start_build(projectName="pair")["build"]["id"] for _ in range(2)]
    builds = [wait_for_build(server, build_id) for build_id in ids]
    assert [b["buildStatus"] for b in builds] == ["SUCCEEDED"] * 2, build_log(server, builds[0])
    spans = sorted(
        next((p["startTime"], p["endTime"]) for p in b["phases"] if p["phaseType"] == "BUILD")
        for b in builds
    )
    assert spans[1][0] < spans[0][1], "the two builds did not overlap"


def test_a_role_that_does_not_trust_codebuild_is_refused(server: ServerProcess) -> None:
    """Refused when the project is made; a role that trusted it then runs nothing later."""
    project = {
        "source": {
            "type": "NO_SOURCE",
            "buildspec": "version: 0.2\nphases: {build: {commands: [id]}}",
        },
        "artifacts": {"type": "NO_ARTIFACTS"},
    }
    refused = server.client("codebuild").exceptions.InvalidInputException
    with pytest.raises(refused, match=r"CodeBuild is not authorized to perform: sts:AssumeRole on"):
        create_project(server, "untrusted", serviceRole=role_arn("pipeline"), **project)

    create_role(server, "turncoat", "codebuild.amazonaws.com", "logs:*")
    create_project(server, "turncoat", serviceRole=role_arn("turncoat"), **project)
    server.client("iam").update_assume_role_policy(
        RoleName="turncoat", PolicyDocument=trust("ec2.amazonaws.com")
    )
    started = server.client("codebuild").start_build(projectName="turncoat")["build"]
    build = wait_for_build(server, started["id"])
    assert build["buildStatus"] == "FAILED"
    assert "BUILD" not in phases(build)
    contexts = [c for p in build["phases"] for c in p.get("contexts", [])]
    assert any("sts:AssumeRole" in c.get("message", "") for c in contexts), contexts
