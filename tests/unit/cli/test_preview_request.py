"""What a preview's files and options come to."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.preview_request import PreviewRequest, is_template, preview_request
from penstock.cli.refusal import Refusal

BODY = """\
Parameters:
  Plain: {Type: String}
  Hidden: {Type: String, NoEcho: true}
Resources: {T: {Type: "AWS::SNS::Topic"}}
"""


def asked(
    directory: Path,
    *params: str,
    config: Any = None,
    file: str = "shop.yml",
    stack: str | None = None,
    tags: tuple[str, ...] = (),
    capabilities: tuple[str, ...] = (),
    **more: Any,
) -> PreviewRequest:
    template, configuration = directory / file, None
    template.write_text(BODY)
    if config is not None:
        configuration = directory / "prod.json"
        configuration.write_text(config if isinstance(config, str) else json.dumps(config))
    return preview_request(str(template), stack, configuration, params, tags, capabilities, **more)


@pytest.mark.parametrize("argument", ["-", "a.yml", "b.YAML", "c/d.json", "e.template"])
def test_a_template_is_told_by_its_name(argument: str) -> None:
    assert is_template(argument)


def test_any_file_that_is_there_is_a_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not is_template("shop")
    (tmp_path / "shop").mkdir()
    assert not is_template("shop"), "a directory is none"
    (tmp_path / "shop2").write_text(BODY)
    assert is_template("shop2")


@pytest.mark.parametrize(
    ("file", "stack"),
    [
        ("shop.yml", "shop"),
        ("shop_prod.template.yml", "shop-prod"),
        ("my shop.v2.json", "my-shop-v2"),
        ("plain", "plain"),
    ],
)
def test_the_files_name_is_the_stacks(tmp_path: Path, file: str, stack: str) -> None:
    found = asked(tmp_path, file=file)
    assert (found.stack, found.guessed, found.source) == (stack, True, file)


def test_a_name_that_is_none_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refusal, match="--stack NAME"):
        asked(tmp_path, file="1.yml")
    stdin = io.TextIOWrapper(io.BytesIO(BODY.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(Refusal, match="standard input has no name"):
        preview_request("-", None, None, (), (), ())


def test_a_template_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BODY.encode())))
    found = preview_request("-", "shop", None, (), (), ())
    assert (found.body, found.source, found.guessed) == (BODY, "the template", False)


def test_an_option_goes_before_a_tag_before_the_files_name(tmp_path: Path) -> None:
    config = {"Tags": {"penstock:stack": "shop-prod", "team": "shop"}}
    found = asked(tmp_path, config=config)
    assert (found.stack, found.guessed) == ("shop-prod", False)
    assert asked(tmp_path, config=config, stack="other").stack == "other"


@pytest.mark.parametrize(
    "config",
    [
        {"Parameters": {"A": "1", "B": 2, "C": True, "D": ["x", "y"]}},
        [
            {"ParameterKey": "A", "ParameterValue": "1"},
            {"ParameterKey": "B", "ParameterValue": "2"},
            {"ParameterKey": "C", "ParameterValue": "true"},
            {"ParameterKey": "D", "ParameterValue": "x,y"},
            {"ParameterKey": "Kept", "UsePreviousValue": True},
        ],
        ["A=1", "B=2", "C=true", "D=x,y"],
    ],
)
def test_every_form_of_a_file_is_read(tmp_path: Path, config: Any) -> None:
    found = asked(tmp_path, "A=9=9", "E=", config=config)
    assert found.parameters == {"A": "9=9", "B": "2", "C": "true", "D": "x,y", "E": ""}


def test_tags_are_the_files_and_the_options(tmp_path: Path) -> None:
    config = {"Tags": {"team": "shop", "stage": "dev"}}
    found = asked(tmp_path, config=config, tags=("stage=prod", "a=b"))
    assert found.tags == {"team": "shop", "stage": "prod", "a": "b"}
    assert asked(tmp_path).tags is None, "what is not given stays as it is"


def test_a_stack_policy_is_said_to_be_left_out(tmp_path: Path) -> None:
    found = asked(tmp_path, config={"Parameters": {}, "StackPolicy": {"Statement": []}})
    assert "StackPolicy is not looked at" in found.notes[0]
    assert asked(tmp_path, config={}).notes == []


@pytest.mark.parametrize("function", ["Fn::GetParam", "Fn::GetArtifactAtt"])
def test_a_value_from_an_artifact_must_be_given(tmp_path: Path, function: str) -> None:
    config = {"Parameters": {"A": {function: ["Build", "version.json", "Version"]}, "B": "b"}}
    with pytest.raises(Refusal, match=r"takes A from an artifact .* give it: --param A=VALUE"):
        asked(tmp_path, config=config)
    assert asked(tmp_path, "A=1", config=config).parameters == {"A": "1", "B": "b"}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", r"JSON not well-formed\. \(line 1, column 2\)"),
        ("[1]", "expected .*, or the aws CLI's list"),
        ('{"Parameters": 1}', "expected an object as Parameters, found a number"),
        ('{"Parameter": {}}', "expected the members Parameters, Tags, StackPolicy"),
        ('{"Parameters": {"A": {"Ref": "B"}}}', "expected a string under Parameters/A"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, config: str, words: str) -> None:
    with pytest.raises(Refusal, match=r"prod\.json: .*" + words):
        asked(tmp_path, config=config)


@pytest.mark.parametrize("given", ["Version", "=1"])
def test_a_parameter_without_name_or_value_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(Refusal, match=f"--param expects NAME=VALUE, found {given}"):
        asked(tmp_path, given)
    with pytest.raises(Refusal, match="--tag expects"):
        asked(tmp_path, tags=(given,))


def test_a_preview_may_do_all_but_what_is_kept_only_what_was_said(tmp_path: Path) -> None:
    assert "CAPABILITY_NAMED_IAM" in asked(tmp_path).capabilities
    assert asked(tmp_path, keep=True).capabilities == ()
    for keep in (True, False):
        found = asked(tmp_path, keep=keep, capabilities=("CAPABILITY_IAM",))
        assert found.capabilities == ("CAPABILITY_IAM",)


def test_the_templates_parameters_are_read_as_far_as_they_can_be(tmp_path: Path) -> None:
    found = asked(tmp_path)
    assert list(found.declared) == ["Plain", "Hidden"]
    assert found.secrets == {"Hidden"}
    for broken in ("{", "Parameters: 1", "[1]"):
        assert PreviewRequest("a", broken, "s").declared == {}


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(Refusal, match="expected UTF-8 text"):
        preview_request(str(tmp_path / "a.yml"), None, None, (), (), ())
