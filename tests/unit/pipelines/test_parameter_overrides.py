"""ParameterOverrides: what is written, what artifacts hold, and what is said when they do not."""

import json

import pytest

from penstock.pipelines.actions.provider import ArtifactLocation
from penstock.pipelines.artifact_paths import ArtifactFileMissing, split
from penstock.pipelines.parameter_overrides import (
    BadOverrides,
    GetArtifactAtt,
    GetParam,
    parse,
    resolve,
)

INPUTS = [ArtifactLocation("Version", "artifacts", "pipe/Version/abc")]
FILES = {
    ("Version", "version.json"): '{"Version": "1.2", "Number": 3, "Flag": true, "List": []}',
    ("Version", "list.json"): "[]",
    ("Version", "bad.json"): "{",
}


async def read(artifact: str, path: str) -> str:
    return FILES[artifact, path]


async def resolved(document: object) -> dict[str, str]:
    return await resolve(parse(json.dumps(document)), INPUTS, read)


async def test_values_come_from_text_files_and_places() -> None:
    assert await resolved(
        {
            "Text": "x",
            "Number": 2,
            "Flag": False,
            "List": ["a", "b"],
            "Version": {"Fn::GetParam": ["Version", "version.json", "Version"]},
            "FileNumber": {"Fn::GetParam": ["Version", "version.json", "Number"]},
            "FileFlag": {"Fn::GetParam": ["Version", "version.json", "Flag"]},
            "Bucket": {"Fn::GetArtifactAtt": ["Version", "BucketName"]},
            "Key": {"Fn::GetArtifactAtt": ["Version", "ObjectKey"]},
            "URL": {"Fn::GetArtifactAtt": ["Version", "URL"]},
        }
    ) == {
        "Text": "x",
        "Number": "2",
        "Flag": "false",
        "List": "a,b",
        "Version": "1.2",
        "FileNumber": "3",
        "FileFlag": "true",
        "Bucket": "artifacts",
        "Key": "pipe/Version/abc",
        "URL": "https://s3.amazonaws.com/artifacts/pipe/Version/abc",
    }


def test_functions_are_values() -> None:
    text = '{"A": {"Fn::GetParam": ["x", "y", "z"]}, "B": {"Fn::GetArtifactAtt": ["x", "URL"]}}'
    assert parse(text) == {"A": GetParam("x", "y", "z"), "B": GetArtifactAtt("x", "URL")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Version=1", "expected a JSON object, found text that is not JSON"),
        ("[]", "expected a JSON object, found list"),
        ('{"V": null}', "parameter V: expected a string, Fn::GetParam or Fn::GetArtifactAtt"),
        ('{"V": {"Ref": "x"}}', "parameter V: expected a string, Fn::GetParam"),
        ('{"V": {"Fn::GetParam": ["a", "b"]}}', "expected Fn::GetParam with a list of 3 strings"),
        ('{"V": {"Fn::GetArtifactAtt": ["a", "Arn"]}}', "expected one of BucketName, ObjectKey"),
    ],
)
def test_bad_text_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadOverrides, match=said.replace("(", r"\(")):
        parse(text)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            {"Fn::GetParam": ["Version", "version.json", "version"]},
            (
                "parameter V: file version.json in artifact Version has no key 'version' "
                "(its keys: Flag, List, Number, Version)"
            ),
        ),
        (
            {"Fn::GetParam": ["Version", "version.json", "List"]},
            (
                "parameter V: file version.json in artifact Version: expected a string "
                "under 'List', found []"
            ),
        ),
        (
            {"Fn::GetParam": ["Version", "list.json", "x"]},
            "parameter V: file list.json in artifact Version is not a JSON object but list",
        ),
        (
            {"Fn::GetArtifactAtt": ["Other", "URL"]},
            (
                "parameter V: artifact Other is not an input artifact of this action "
                "(its inputs: Version)"
            ),
        ),
    ],
)
async def test_what_the_artifacts_lack_is_said(override: object, said: str) -> None:
    with pytest.raises(BadOverrides) as refused:
        await resolved({"V": override})
    assert str(refused.value) == said


async def test_a_file_that_is_no_json_is_said() -> None:
    with pytest.raises(BadOverrides, match=r"file bad\.json in artifact Version is not JSON"):
        await resolved({"V": {"Fn::GetParam": ["Version", "bad.json", "x"]}})


@pytest.mark.parametrize("text", ["stack.yml", "::stack.yml", "Source::", "Source:stack.yml"])
def test_a_place_names_artifact_and_file(text: str) -> None:
    assert split("Source::deploy/stack.yml") == ("Source", "deploy/stack.yml")
    with pytest.raises(ArtifactFileMissing, match="expected Artifact::path/to/file"):
        split(text)
