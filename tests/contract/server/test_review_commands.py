"""A release to production as somebody at a terminal meets it: `penstock approve`, `reject`,
`changeset` and `history`, and the addresses that they read, against a real server."""

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from tests.delivery import (
    BUCKET,
    commit_files,
    create_role,
    push,
    role_arn,
    source_action,
    wait_for_execution,
)
from tests.deployment import stack
from tests.server_process import ServerProcess

from penstock.cli.application import main
from penstock.cli.connection import Connection
from penstock.cli.own_requests import ask
from penstock.cli.refusal import Refusal

NAME, PRODUCTION = "shop", "shop-prod"
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop"
TEMPLATE = """\
Parameters:
  Version: {Type: String}
  Password: {Type: String, NoEcho: true}
Resources:
  TaskDefinition:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: shop
      ContainerDefinitions:
        - Name: app
          Image: !Sub REGISTRY:${Version}
          Memory: 128
          Environment:
            - {Name: PORT, Value: 80}
            - {Name: DATABASE_PASSWORD, Value: !Ref Password}
  Released:
    Type: AWS::SSM::Parameter
    Properties: {Name: /shop/version, Type: String, Value: !Ref Version}
  Runs:
    Type: AWS::SSM::Parameter
    Properties: {Name: /shop/task, Type: String, Value: !Ref TaskDefinition}
""".replace("REGISTRY", REGISTRY)
SECRET = "swordfish-and-chips"


def action(name: str, category: str, provider: str, order: int, **more: Any) -> dict[str, Any]:
    type_id = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": type_id, "runOrder": order, **more}


def stages() -> list[dict[str, Any]]:
    change_set = {"StackName": PRODUCTION, "ChangeSetName": "release"}
    prepared = {
        **change_set,
        "ActionMode": "CHANGE_SET_REPLACE",
        "TemplatePath": "App::stack.yml",
        "TemplateConfiguration": "App::prod.json",
        "RoleArn": role_arn("cloudformation"),
    }
    prepare = action("Prepare", "Deploy", "CloudFormation", 1, configuration=prepared)
    executed = {**change_set, "ActionMode": "CHANGE_SET_EXECUTE"}
    ask_first = {"CustomData": "Read what changes, then decide.", "ExternalEntityLink": "http://x/"}
    return [
        {"name": "Source", "actions": [source_action(NAME, "App")]},
        {
            "name": "Production",
            "actions": [
                {**prepare, "inputArtifacts": [{"name": "App"}]},
                action("Approve", "Approval", "Manual", 2, configuration=ask_first),
                action("Execute", "Deploy", "CloudFormation", 3, configuration=executed),
            ],
        },
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    server.start(DOCKER_HOST="unix:///nowhere/docker.sock")
    actions = ("s3:*", "codecommit:*", "cloudformation:*", "iam:PassRole")
    create_role(server, "pipeline", "codepipeline.amazonaws.com", *actions)
    create_role(server, "cloudformation", "cloudformation.amazonaws.com", "*")
    server.client("s3").create_bucket(Bucket=BUCKET)
    server.aws("codecommit", "create-repository", "--repository-name", NAME)
    yield server
    server.stop()


def commit(server: ServerProcess, tree: Path, version: str, words: str) -> str:
    parameters = {"Version": version, "Password": SECRET}
    files = {"stack.yml": TEMPLATE, "prod.json": json.dumps({"Parameters": parameters})}
    made = commit_files(tree, files, words)
    push(server, tree, NAME)
    return made


def asked(server: ServerProcess, after: str = "") -> str:
    """Wait until an approval waits, other than `after`; return its action execution's id."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = server.client("codepipeline").get_pipeline_state(name=NAME)
        for each in state["stageStates"][-1]["actionStates"]:
            latest = each.get("latestExecution", {})
            if "token" in latest and latest["actionExecutionId"] != after:
                return str(latest["actionExecutionId"])
        time.sleep(0.1)
    raise AssertionError(server.aws("codepipeline", "get-pipeline-state", "--name", NAME))


def connection(server: ServerProcess, key: dict[str, str] | None = None) -> Connection:
    keys = key or server.credentials
    return Connection(
        server.url, "us-east-1", "123456789012", keys["AccessKeyId"], keys["SecretAccessKey"]
    )


def at_terminal(server: ServerProcess, answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command at a terminal where somebody types `answer`; return its exit code and text."""
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    done = subprocess.run(
        [sys.executable, "-m", "penstock", *arguments, "--data-dir", str(server.data_dir)],
        env={**server.environment, "COLUMNS": "80"},
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    return done.returncode, done.stdout.decode()


def penstock(server: ServerProcess, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Run a command where nobody can be asked; return what it printed and what went wrong."""
    printed, wrong = io.StringIO(), io.StringIO()
    line = ["penstock", *arguments, "--data-dir", str(server.data_dir)]
    with (
        mock.patch.object(sys, "argv", line),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(wrong),
    ):
        ended = 0
        try:
            main()
        except SystemExit as end:
            ended = int(end.code or 0)
    assert ended == code, printed.getvalue() + wrong.getvalue()
    return printed.getvalue(), wrong.getvalue()


def fits(text: str) -> None:
    """Hold that no line is wider than the terminal."""
    assert max(map(len, text.splitlines())) <= 80, text


@pytest.mark.timeout(300)
def test_a_release_is_read_refused_rejected_and_approved(
    server: ServerProcess, tmp_path: Path
) -> None:
    _, none = penstock(server, "approve", "--yes", code=1)
    assert none == "penstock: nothing waits for approval\n"
    first = commit(server, tmp_path, "1.0.0-abc", "Sell things")
    server.client("codepipeline").create_pipeline(
        pipeline={
            "name": NAME,
            "roleArn": role_arn("pipeline"),
            "artifactStore": {"type": "S3", "location": BUCKET},
            "stages": stages(),
        }
    )
    waiting = asked(server)
    read_and_refused(server, first, waiting)
    rejected(server, waiting)
    again = approved_by_digest(server, waiting)
    second = commit(server, tmp_path, "1.0.1-def", "Sell more things")
    asked(server, again)
    approved_at_a_terminal(server, first, second)
    remembered(server, second)
    users(server, waiting)
    previews(server, tmp_path)


def read_and_refused(server: ServerProcess, first: str, waiting: str) -> None:
    """Hold what is shown, and that nothing but a clear yes decides."""
    approval = ask(connection(server), f"/_penstock/approvals/{waiting}")
    digest = approval["digest"]
    assert approval["status"] == "Waiting"
    assert digest.startswith("sha256:")

    text, nobody = penstock(server, "approve", code=2)
    assert "nobody can be asked here: approve with --digest sha256:…" in nobody
    seen, _ = penstock(server, "approve", "--dry-run", "--json")
    assert json.loads(seen) == approval
    fits(text)
    assert f"{NAME} / Production / Approve  Waiting" in text
    assert "Read what changes, then decide." in text
    assert "Sources, of the first release to this stage" in text
    assert f"{first[:7]} Sell things" in text
    assert f"Change set release creates {PRODUCTION}: 3 added" in text
    assert f"Digest {digest}" in text
    assert SECRET not in text + json.dumps(approval)

    other = f"sha256:{'0' * 64}"
    _, wrong = penstock(server, "approve", "--digest", other, code=1)
    assert f"you named {other}, what waits is {digest}; nothing was decided" in wrong
    code, said = at_terminal(server, "n\n", "approve")
    assert (code, said.splitlines()[-1]) == (1, "Approve this? [y/N] penstock: nothing was decided")
    assert asked(server) == waiting


def rejected(server: ServerProcess, waiting: str) -> None:
    """Hold that a rejection leaves production alone, and stays to be read."""
    said, _ = penstock(server, "reject", NAME, "--yes", "--comment", "not on Fridays")
    assert "Rejected. Follow it: penstock status shop" in said
    assert wait_for_execution(server, NAME, seconds=60)["status"] == "Failed"
    assert stack(server, PRODUCTION)["StackStatus"] == "REVIEW_IN_PROGRESS"
    after = ask(connection(server), f"/_penstock/approvals/{waiting}")
    assert (after["status"], after["token"], after["comment"]) == (
        "Rejected", None, "not on Fridays",
    )  # fmt: skip
    assert after["decided_by"] == "arn:aws:iam::123456789012:root"


def approved_by_digest(server: ServerProcess, waiting: str) -> str:
    """Release again; approve as a script does; return the approval's id."""
    server.aws("codepipeline", "start-pipeline-execution", "--name", NAME)
    again = asked(server, waiting)
    digest = ask(connection(server), f"/_penstock/approvals/{again}")["digest"]
    approved = json.loads(penstock(server, "approve", "--digest", digest, "--json")[0])
    assert (approved["status"], approved["digest"]) == ("Approved", digest)
    assert wait_for_execution(server, NAME, seconds=60)["status"] == "Succeeded"
    return again


def approved_at_a_terminal(server: ServerProcess, first: str, second: str) -> None:
    """Hold what the second release shows: what is new, and nothing else."""
    code, said = at_terminal(server, "y\n", "approve", "--comment", "tested in dev")
    assert code == 0, said
    fits(said)
    assert f"{first[:7]} → {second[:7]}" in said
    assert "Sell things" not in said.replace("Sell more things", "")
    assert "parameter Version: 1.0.0-abc → 1.0.1-def" in said
    assert "parameter Password" not in said
    assert "ContainerDefinitions[0].Image" in said
    assert f"- {REGISTRY}:1.0.0-abc" in said
    assert f"+ {REGISTRY}:1.0.1-def" in said
    assert "is replaced: a new one is made, the old one deleted" in said
    assert "refers to TaskDefinition, which is replaced" in said
    assert "Environment" not in said, "what stays is not told"
    assert wait_for_execution(server, NAME, seconds=60)["status"] == "Succeeded"


def remembered(server: ServerProcess, second: str) -> None:
    """Hold what the history says."""
    past, _ = penstock(server, "history")
    fits(past)
    assert "Production / Approve: approved by root: tested in dev" in past
    assert "Production / Approve: rejected by root: not on Fridays" in past
    assert past.index("tested in dev") < past.index("not on Fridays"), "newest first"
    [document] = json.loads(penstock(server, "history", NAME, "--json", "--limit", "1")[0])
    [execution] = document["executions"]
    assert execution["revisions"][0]["id"] == second
    assert execution["decisions"][0]["comment"] == "tested in dev"


def users(server: ServerProcess, waiting: str) -> None:
    """Hold who may read an approval, and what the others are told."""
    iam = server.client("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    path = f"/_penstock/approvals/{waiting}"

    def allow(*actions: str) -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="ann", PolicyName="read", PolicyDocument=document)

    def refused(path: str, query: dict[str, str] | None = None) -> str:
        with pytest.raises(Refusal) as error:
            ask(connection(server, key), path, query)
        return str(error.value)

    ann = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "
    assert f"{ann}codepipeline:GetPipelineState on resource: " in refused(path)
    allow("codepipeline:GetPipelineState")
    assert f"{ann}cloudformation:DescribeChangeSet on resource: " in refused(path)
    place = {"stack": PRODUCTION, "name": "release"}
    assert "cloudformation:DescribeChangeSet" in refused("/_penstock/changesets", place)
    allow("codepipeline:GetPipelineState", "cloudformation:DescribeChangeSet")
    assert ask(connection(server, key), path)["status"] == "Rejected"
    assert "Approval nothing does not exist" in refused("/_penstock/approvals/nothing")
    assert "ChangeSet [other] does not exist" in refused(
        "/_penstock/changesets", {"stack": PRODUCTION, "name": "other"}
    )
    assert "Expected arn=" in refused("/_penstock/changesets")
    stranger = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": "wrong"}
    with pytest.raises(Refusal, match="signature we calculated does not match"):
        ask(connection(server, stranger), path)


def previews(server: ServerProcess, directory: Path) -> None:
    """Hold that a template's changes can be seen, and that nothing is kept of it."""
    template = directory / "new.yml"
    template.write_text(TEMPLATE.replace("Memory: 128", "Memory: 256"))
    before = server.client("cloudformation").describe_stacks()["Stacks"]
    seen, _ = penstock(server, "changeset", PRODUCTION, "--template", str(template))
    fits(seen)
    assert "ContainerDefinitions[0].Memory: 128 → 256" in seen
    assert "parameter" not in seen, "the stack's values are kept"
    _, missing = penstock(server, "changeset", str(template), code=1)
    assert "must have values" in missing
    given = ("--param", "Version=9", "--param", "Password=x")
    other = directory / "other.yml"
    other.write_text(TEMPLATE.replace("/shop/", "/other/"))
    new, _ = penstock(server, "changeset", str(other), *given, "--full")
    assert "other.yml would create other: 3 added" in new
    from_file = ("--stack", PRODUCTION, "--config", str(directory / "prod.json"))
    found, _ = penstock(server, "changeset", str(template), *from_file, "--json")
    document = json.loads(found)
    [memory] = [each for each in document["changes"] if each["logicalId"] == "TaskDefinition"]
    assert memory["replacement"] == "True"
    assert document["replaced"] == ["TaskDefinition"]
    assert document["digest"].startswith("sha256:")
    strict = (*from_file, "--fail-on-replacement")
    _, told = penstock(server, "changeset", str(template), *strict, code=2)
    assert told == "penstock: replaced: TaskDefinition (--fail-on-replacement)\n"
    assert server.client("cloudformation").describe_stacks()["Stacks"] == before
    summaries = server.client("cloudformation").list_change_sets(StackName=PRODUCTION)["Summaries"]
    assert summaries == [], "the previews are gone, the releases executed"
    by_name, _ = penstock(server, "changeset", PRODUCTION, "release", "--json")
    assert json.loads(by_name)["status"] == "EXECUTE_COMPLETE"
    newest, _ = penstock(server, "changeset", PRODUCTION, "--json")
    assert json.loads(newest)["arn"] == json.loads(by_name)["arn"]
