"""`penstock changeset TEMPLATE` against a real server: what it shows is what deploying it does."""

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from tests.server_process import ServerProcess

from penstock.cli.application import main

SECRET = "swordfish-and-chips"
TEMPLATE = """\
Parameters:
  Version: {Type: String}
  Password: {Type: String, NoEcho: true}
  Name: {Type: String, Default: orders}
Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Ref Name
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
  Released:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Ref Version, Description: !Ref Password}
  Old:
    Type: AWS::SNS::Topic
"""
OLD = "  Old:\n    Type: AWS::SNS::Topic\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    server.start(DOCKER_HOST="unix:///nowhere/docker.sock")
    cloudformation = server.client("cloudformation")
    cloudformation.create_stack(
        StackName="shop",
        TemplateBody=TEMPLATE,
        Parameters=[
            {"ParameterKey": "Version", "ParameterValue": "1"},
            {"ParameterKey": "Password", "ParameterValue": SECRET},
        ],
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="shop", WaiterConfig={"Delay": 1}
    )
    yield server
    server.stop()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yml"
    path.write_text(TEMPLATE)
    return path


def penstock(server: ServerProcess, *arguments: Any, code: int = 0) -> tuple[str, str]:
    """Run `penstock changeset` in this process; return what it printed and what went wrong."""
    printed, wrong = io.StringIO(), io.StringIO()
    line = ["penstock", "changeset", *map(str, arguments), "--data-dir", str(server.data_dir)]
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
    assert SECRET not in printed.getvalue() + wrong.getvalue()
    return printed.getvalue(), wrong.getvalue()


def left(server: ServerProcess) -> Any:
    """Return all that a preview could leave."""
    cloudformation = server.client("cloudformation")
    stacks = cloudformation.describe_stacks()["Stacks"]
    sets = [
        each["ChangeSetName"]
        for stack in stacks
        for each in cloudformation.list_change_sets(StackName=stack["StackName"])["Summaries"]
    ]
    buckets = [each["Name"] for each in server.client("s3").list_buckets()["Buckets"]]
    return [each["StackName"] for each in stacks], sets, buckets


@pytest.fixture(autouse=True)
def _nothing_is_left(server: ServerProcess) -> Iterator[None]:
    before = left(server)
    yield
    assert left(server) == before


def test_nothing_changes_where_the_template_is_the_stacks(
    server: ServerProcess, template: Path
) -> None:
    said, _ = penstock(server, template, "--fail-on-replacement")
    assert said == "shop.yml changes nothing in shop.\n"
    found = json.loads(penstock(server, template, "--json")[0])
    assert (found["empty"], found["changes"], found["stack"]["exists"]) == (True, [], True)


def test_what_changes_why_and_what_is_lost(server: ServerProcess, template: Path) -> None:
    template.write_text(TEMPLATE.replace(OLD, ""))
    config = template.parent / "prod.json"
    values = {"Name": "orders-2", "Version": "2"}
    config.write_text(json.dumps({"Parameters": values, "Tags": {"team": "shop"}}))
    said, _ = penstock(server, template, "--config", config, "--param", "Version=3")
    [headline, version, name, *rest] = said.splitlines()
    assert headline == "shop.yml would update shop: 1 changed, 1 replaced, 1 removed"
    assert (version, name) == ("  parameter Version: 1 → 3", "  parameter Name: orders → orders-2")
    text = " ".join(" ".join(rest).split())
    assert "± Orders AWS::DynamoDB::Table orders is replaced" in text
    assert "(parameter Name changed) WARNING: what the old one stores is deleted" in text
    assert "TableName: orders → orders-2" in text
    assert "in place (parameter Version changed) Value: 1 → 3" in text
    assert "- Old AWS::SNS::Topic" in text
    assert "is deleted WARNING: nothing of it is kept" in text
    assert "WARNING, see above: Orders, Old" in text
    given = ("--config", config, "--fail-on-replacement", "--json")
    out, told = penstock(server, template, *given, code=2)
    found = json.loads(out)
    assert (found["replaced"], found["removed"]) == (["Orders"], ["Old"])
    assert told == "penstock: replaced: Orders; removed: Old (--fail-on-replacement)\n"
    [table] = [each for each in found["changes"] if each["logicalId"] == "Orders"]
    [cause] = table["properties"][0]["causes"]
    assert cause == {"source": "ParameterReference", "entity": "Name", "certain": True}


def test_another_secret_is_told_as_such(server: ServerProcess, template: Path) -> None:
    said, _ = penstock(server, template, "--param", "Password=another-secret")
    assert "parameter Password: **** → **** (another value)" in said
    assert "another-secret" not in said
    same, _ = penstock(server, template, "--param", f"Password={SECRET}")
    assert same == "shop.yml changes nothing in shop.\n"


def test_a_new_stack_and_what_is_wrong_with_it(server: ServerProcess, template: Path) -> None:
    given = (
        "--param",
        "Version=1",
        "--param",
        "Password=x",
        "--param",
        "Name=others",
        "--tag",
        "a=b",
    )
    said, _ = penstock(server, template, "--stack", "other", *given)
    assert "shop.yml would create other: 3 added" in said
    _, wrong = penstock(server, template, "--stack", "other", code=1)
    assert "Parameters: [Version, Password] must have values" in wrong
    template.write_text("Resources: {")
    _, wrong = penstock(server, template, code=1)
    assert wrong.startswith("penstock: shop.yml: Template format error: ")
    _, wrong = penstock(server, template.parent / "nothing.yml", code=1)
    assert "nothing.yml: No such file or directory" in wrong


def test_what_early_validation_finds_is_listed(server: ServerProcess, template: Path) -> None:
    given = ("--param", "Version=1", "--param", "Password=x")
    _, wrong = penstock(server, template, "--stack", "other", *given, code=1)
    assert "AWS::EarlyValidation" in wrong
    assert "\n  /Resources/Orders" in wrong
    assert "orders" in wrong.splitlines()[-1]


def test_a_big_template_needs_no_bucket_here(server: ServerProcess, template: Path) -> None:
    template.write_text(TEMPLATE.replace("PAY_PER_REQUEST", "PROVISIONED") + "#" * 60_000)
    said, _ = penstock(server, template)
    assert "BillingMode: PAY_PER_REQUEST → PROVISIONED" in said


def test_what_is_kept_is_what_is_executed(server: ServerProcess, template: Path) -> None:
    given = ("--stack", "kept", "--param", "Version=1", "--param", "Password=x")
    found = json.loads(
        penstock(server, template, *given, "--param", "Name=k", "--keep", "--json")[0]
    )
    assert found["changeSet"]["kept"]
    cloudformation = server.client("cloudformation")
    again = json.loads(penstock(server, "kept", "--json")[0])
    assert (again["digest"], again["arn"]) == (found["digest"], found["changeSet"]["arn"])
    text, _ = penstock(server, "kept")
    assert f"Digest {found['digest']}" in text.replace("\n", "")
    cloudformation.delete_change_set(ChangeSetName=found["changeSet"]["arn"])
    cloudformation.delete_stack(StackName="kept")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=found["stack"]["id"], WaiterConfig={"Delay": 1}
    )


@pytest.fixture
def parent(server: ServerProcess, template: Path) -> Iterator[Path]:
    """A template with a nested stack, whose template is in the server's S3."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="templates")
    inner = "Resources: {Inside: {Type: AWS::SNS::Topic}}"
    s3.put_object(Bucket="templates", Key="child.yml", Body=inner.encode())
    url = f"{server.url}/templates/child.yml"
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    template.write_text(json.dumps({"Resources": {"Child": child}}))
    yield template
    s3.delete_object(Bucket="templates", Key="child.yml")
    s3.delete_bucket(Bucket="templates")


def test_nested_stacks_are_looked_into(server: ServerProcess, parent: Path) -> None:
    before = left(server)
    said, _ = penstock(server, parent, "--stack", "parent", "--nested")
    assert "shop.yml would create parent: 1 added" in said
    assert "Inside, it would create parent-Child-" in said
    assert "+ Inside  AWS::SNS::Topic" in said
    assert "Note" not in said
    found = json.loads(penstock(server, parent, "--stack", "parent", "--nested", "--json")[0])
    assert [each["logicalId"] for each in found["nested"][0]["changes"]] == ["Inside"]
    said, _ = penstock(server, parent, "--stack", "parent")
    assert "nested stacks Child is not shown: see it with --nested" in " ".join(said.split())
    assert left(server) == before


def test_an_option_of_templates_is_refused_with_a_stack(
    server: ServerProcess, template: Path
) -> None:
    _, wrong = penstock(server, "shop", "--param", "Version=1", code=1)
    assert "shop is no file, so a stack" in wrong
    _, wrong = penstock(server, template, "a-change-set", code=1)
    assert "is a template: a change set (a-change-set) is named with a stack" in wrong


@pytest.mark.parametrize(("no_colour", "coloured"), [("", True), ("1", False)])
def test_a_terminal_sees_colours_and_eighty_columns(
    server: ServerProcess, template: Path, no_colour: str, coloured: bool
) -> None:
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "penstock", "changeset", str(template), "--param", "Version=9"]
    environment = {**server.environment, "COLUMNS": "80", "TERM": "xterm"}
    environment |= {"NO_COLOR": no_colour} if no_colour else {}
    done = subprocess.run(
        [*line, "--data-dir", str(server.data_dir)], env=environment, check=True, timeout=60,
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # the end of a terminal on Linux
        while part := os.read(ours, 65_536):
            seen += part
    os.close(ours)
    assert done.returncode == 0
    assert (b"\x1b[32m" in seen) == coloured
    assert b"would update shop" in seen
