"""A preview of a template: what is sent, and that nothing of it is kept."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.cli.change_preview import previewed
from penstock.cli.connection import Connection
from penstock.cli.refusal import Refusal


class CloudFormation:
    def __init__(self, stack: dict[str, Any] | None) -> None:
        self.stack = stack
        self.made: dict[str, Any] = {}
        self.deleted: list[str] = []

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if self.stack is None:
            error = {
                "Code": "ValidationError",
                "Message": f"Stack with id {StackName} does not exist",
            }
            raise ClientError({"Error": error}, "DescribeStacks")
        return {"Stacks": [self.stack]}

    def get_template_summary(self, TemplateBody: str) -> dict[str, Any]:
        return {"Parameters": [{"ParameterKey": "A"}, {"ParameterKey": "B"}]}

    def create_change_set(self, **request: Any) -> dict[str, str]:
        self.made = request
        return {"Id": "arn:change-set", "StackId": "arn:stack"}

    def describe_change_set(self, ChangeSetName: str) -> dict[str, str]:
        return {"Status": "CREATE_COMPLETE"}

    def delete_change_set(self, ChangeSetName: str) -> None:
        self.deleted.append(ChangeSetName)

    def delete_stack(self, StackName: str) -> None:
        self.deleted.append(StackName)


LIVE = {
    "StackStatus": "CREATE_COMPLETE",
    "Parameters": [{"ParameterKey": "A"}, {"ParameterKey": "Gone"}],
}


def preview(
    monkeypatch: pytest.MonkeyPatch,
    directory: Path,
    stack: dict[str, Any] | None,
    *given: str,
    file: Any = None,
) -> CloudFormation:
    cloudformation = CloudFormation(stack)
    monkeypatch.setattr(Connection, "client", lambda _self, _service: cloudformation)
    connection = Connection("http://x", "us-east-1", "1", "AKIA", "secret")
    template, parameters = directory / "stack.yml", None
    template.write_text("Resources: {}")
    if file is not None:
        parameters = directory / "prod.json"
        parameters.write_text(file if isinstance(file, str) else json.dumps(file))
    with previewed(connection, "app", template, parameters, given) as arn:
        assert arn == "arn:change-set"
        assert cloudformation.deleted == []
    return cloudformation


def test_a_stacks_own_values_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sent = preview(monkeypatch, tmp_path, LIVE, "B=x=y")
    assert sent.made["ChangeSetType"] == "UPDATE"
    assert sent.made["Parameters"] == [
        {"ParameterKey": "B", "ParameterValue": "x=y"},
        {"ParameterKey": "A", "UsePreviousValue": True},
    ]
    assert sent.deleted == ["arn:change-set"], "the stack stays"


@pytest.mark.parametrize(
    ("stack", "deleted"),
    [
        (None, ["arn:change-set", "arn:stack"]),
        ({"StackStatus": "REVIEW_IN_PROGRESS"}, ["arn:change-set"]),
    ],
)
def test_a_stack_is_removed_only_if_it_was_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stack: dict[str, Any], deleted: list[str]
) -> None:
    sent = preview(monkeypatch, tmp_path, stack)
    assert (sent.made["ChangeSetType"], sent.made["Parameters"]) == ("CREATE", [])
    assert sent.deleted == deleted


@pytest.mark.parametrize(
    "file",
    [
        {"Parameters": {"A": "1", "B": 2}},
        [
            {"ParameterKey": "A", "ParameterValue": "1"},
            {"ParameterKey": "B", "ParameterValue": "2"},
        ],
    ],
)
def test_both_forms_of_a_file_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Any
) -> None:
    sent = preview(monkeypatch, tmp_path, None, "A=9", file=file)
    given = {each["ParameterKey"]: each["ParameterValue"] for each in sent.made["Parameters"]}
    assert given == {"A": "9", "B": "2"}


def test_a_files_tags_are_the_stacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = {"Parameters": {}, "Tags": {"environment": "production"}}
    sent = preview(monkeypatch, tmp_path, None, file=file)
    assert sent.made["Tags"] == [{"Key": "environment", "Value": "production"}]
    assert "Tags" not in preview(monkeypatch, tmp_path, None).made, "what is not given stays"


def test_a_value_from_an_artifact_must_be_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = {"Parameters": {"A": {"Fn::GetParam": ["Build", "version.json", "Version"]}}}
    with pytest.raises(Refusal, match=r"give it: --parameter A=VALUE"):
        preview(monkeypatch, tmp_path, None, file=file)
    assert preview(monkeypatch, tmp_path, None, "A=1", file=file).made["Parameters"] == [
        {"ParameterKey": "A", "ParameterValue": "1"}
    ]


@pytest.mark.parametrize("file", ["{", "[1]", "{}", '{"Parameters": 1}'])
def test_other_files_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: str
) -> None:
    with pytest.raises(Refusal, match=r"prod\.json is neither"):
        preview(monkeypatch, tmp_path, None, file=file)


def test_a_parameter_without_a_value_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(Refusal, match="--parameter expects NAME=VALUE, found Version"):
        preview(monkeypatch, tmp_path, None, "Version")
