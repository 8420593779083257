"""`penstock changeset` at a CloudFormation that is not ours: AWS's answers, and poorer ones."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.foreign_cloudformation import (
    ARN,
    NO_CHANGES,
    STACK_ID,
    ForeignCloudFormation,
    serving,
)
from tests.review_samples import change, detail

from penstock.cli.application import main

TEMPLATE = """\
Parameters:
  Version: {Type: String}
  Password: {Type: String, NoEcho: true}
Resources: {Topic: {Type: "AWS::SNS::Topic"}}
"""
LIVE = {
    "StackStatus": "UPDATE_COMPLETE",
    "Parameters": [
        {"ParameterKey": "Version", "ParameterValue": "1"},
        {"ParameterKey": "Password", "ParameterValue": "****"},
    ],
}
TABLE = change(
    "Modify", "Table", "AWS::DynamoDB::Table",
    detail("TableName", "a", "b", "Always", "ParameterReference", "Version"),
    Replacement="True", PolicyAction="ReplaceAndDelete", PhysicalResourceId="a",
)  # fmt: skip
TOPIC = change("Modify", "Topic", "AWS::SNS::Topic", detail("DisplayName", "a", "b"),
               Replacement="False", PhysicalResourceId="t")  # fmt: skip
REACHED = change("Modify", "Reached", "AWS::SSM::Parameter", Replacement="Conditional")


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForeignCloudFormation]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAELSEWHERE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with serving(ForeignCloudFormation()) as found:
        yield found


class Run:
    """How `penstock changeset` ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(
    there: ForeignCloudFormation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    (tmp_path / "shop.yml").write_text(TEMPLATE)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, file: str = "shop.yml") -> Run:
        line = ["penstock", "changeset", file, "--endpoint", there.url, "--region", "eu-west-1"]
        monkeypatch.setattr(sys, "argv", [*line, *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        seen = capsys.readouterr()
        assert max(map(len, seen.out.splitlines()), default=0) <= 80 or "--json" in arguments
        return Run(code, seen.out, seen.err)

    return run


def test_an_update_is_shown_from_all_pages_of_both_forms(
    there: ForeignCloudFormation, run: Any
) -> None:
    there.stack = LIVE
    there.pages = {False: [[TOPIC, REACHED], [TABLE]], True: [[TOPIC], [TABLE]]}
    there.described["Parameters"] = [
        {"ParameterKey": "Version", "ParameterValue": "2"},
        {"ParameterKey": "Password", "ParameterValue": "****"},
    ]
    seen = run("--param", "Version=2")
    assert seen.code == 0, seen.err
    assert "shop.yml would update shop: 2 changed, 1 replaced" in seen.out
    assert "parameter Version: 1 → 2" in seen.out
    assert "Password" not in seen.out
    assert "DisplayName: a → b" in seen.out
    assert "may be replaced: only carrying the change out will tell" in seen.out
    assert "TableName: a → b" in seen.out
    assert "WARNING: what the old one stores is deleted with it" in seen.out
    assert "A preview: nothing was changed." in seen.out
    [made] = there.of("CreateChangeSet")
    assert (made["ChangeSetType"], made["TemplateBody"]) == ("UPDATE", TEMPLATE)
    assert made["Parameters.member.1.ParameterValue"] == "2"
    assert made["Parameters.member.2.ParameterKey"] == "Password"
    assert made["Parameters.member.2.UsePreviousValue"] == "true"
    assert [each["ChangeSetName"] for each in there.of("DeleteChangeSet")] == [ARN]
    assert there.of("DeleteStack") == []


def test_a_new_stack_is_not_there_afterwards(there: ForeignCloudFormation, run: Any) -> None:
    added = change("Add", "Topic", "AWS::SNS::Topic")
    there.pages = {False: [[added]], True: [[added]]}
    seen = run("--param", "Version=1", "--param", "Password=x")
    assert seen.code == 0, seen.err
    assert "shop.yml would create shop: 1 added" in seen.out
    assert "+ parameter Version: 1\n" in seen.out
    assert "+ parameter Password: ****\n" in seen.out, "it told no parameters"
    assert "There is no stack shop, which is the file's name" in seen.out
    assert [each["StackName"] for each in there.of("DeleteStack")] == [STACK_ID]


def test_what_is_kept_stays(there: ForeignCloudFormation, run: Any) -> None:
    there.stack, there.pages = LIVE, {False: [[TOPIC]], True: [[TOPIC]]}
    seen = run("--keep", "--capability", "CAPABILITY_IAM")
    assert "execute-change-set --change-set-name" in seen.out
    assert there.of("DeleteChangeSet") == []
    [made] = there.of("CreateChangeSet")
    assert made["Capabilities.member.1"] == "CAPABILITY_IAM"
    assert "Capabilities.member.2" not in made


def test_a_poor_answer_is_told_as_it_is(there: ForeignCloudFormation, run: Any) -> None:
    poor = [
        {"ResourceChange": {"Action": action, "LogicalResourceId": name, "ResourceType": type}}
        for action, name, type in (
            ("Modify", "Table", "AWS::DynamoDB::Table"),
            ("Remove", "Queue", "AWS::SQS::Queue"),
        )
    ]
    there.stack, there.statuses = LIVE, ["CREATE_COMPLETE"]
    there.pages = {False: [poor], True: [poor]}
    seen = run("--fail-on-replacement")
    assert "changes; the endpoint does not say how, nor whether it is replaced" in seen.out
    assert "whether it is deleted or kept the endpoint does not say" in seen.out
    assert seen.code == 2
    assert "perhaps replaced: Table; removed: Queue (--fail-on-replacement)" in seen.err


@pytest.mark.parametrize(("changes", "code"), [([TOPIC], 0), ([TABLE], 2), ([TOPIC, REACHED], 2)])
def test_a_script_is_told_by_the_exit_code(
    there: ForeignCloudFormation, run: Any, changes: list[Any], code: int
) -> None:
    there.stack, there.pages = LIVE, {False: [changes], True: [changes]}
    assert run().code == 0
    assert run("--fail-on-replacement").code == code
    document = json.loads(run("--fail-on-replacement", "--json").out)
    assert bool(document["replaced"] or document["mayBeReplaced"]) == (code == 2)
    assert document["digest"] is None


@pytest.mark.parametrize("made", [True, False])
def test_no_changes_are_no_failure(there: ForeignCloudFormation, run: Any, made: bool) -> None:
    there.stack = LIVE
    if made:
        there.statuses, there.described = ["FAILED"], {"StatusReason": NO_CHANGES}
    else:
        words = "No updates are to be performed."
        there.refuses["CreateChangeSet"] = ("ValidationError", words)
    seen = run("--fail-on-replacement")
    assert (seen.code, seen.out) == (0, "shop.yml changes nothing in shop.\n")
    assert there.change_set is None


def test_a_failure_is_one_line_and_leaves_nothing(there: ForeignCloudFormation, run: Any) -> None:
    there.statuses, there.described = ["FAILED"], {"StatusReason": "No export named x found."}
    seen = run()
    assert (seen.code, seen.err) == (1, "penstock: shop.yml: No export named x found.\n")
    assert there.stack is None
    there.refuses["DescribeStacks"] = ("AccessDenied", "You may not.")
    seen = run("--fail-on-replacement")
    assert seen.code == 1
    assert seen.err.startswith(f"penstock: {there.url}: ")
    assert "You may not." in seen.err


def test_a_key_that_nobody_knows_there_is_explained(
    there: ForeignCloudFormation, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.refuses["DescribeStacks"] = ("InvalidClientTokenId", "The security token is invalid.")
    assert "give --profile" not in run().err
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert "is Penstock's: give --profile, or use another shell" in run().err
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    seen = run()
    assert (seen.code, "Unable to locate credentials" in seen.err) == (1, True)


def test_a_big_template_goes_by_way_of_a_bucket(
    there: ForeignCloudFormation, run: Any, tmp_path: Path
) -> None:
    there.stack, there.pages = LIVE, {False: [[TOPIC]], True: [[TOPIC]]}
    big = TEMPLATE + "# é" * 20_000
    (tmp_path / "shop.yml").write_text(big)
    assert "--s3-bucket NAME" in run().err
    assert there.asked[-1]["Action"] == "DescribeStacks", "nothing was made"
    seen = run("--s3-bucket", "templates")
    assert seen.code == 0, seen.err
    [(path, content)] = there.objects.items()
    assert big.encode() in content
    assert path.startswith("/templates/penstock-preview/")
    [made] = there.of("CreateChangeSet")
    assert made["TemplateURL"] == f"https://s3.eu-west-1.amazonaws.com{path}"
    assert "TemplateBody" not in made
    assert there.of("DeleteObject") == [{"Action": "DeleteObject", "Path": path}]
    (tmp_path / "shop.yml").write_text("#" * 1_000_001)
    assert "CloudFormation takes 1000000 at most" in run("--s3-bucket", "templates").err
