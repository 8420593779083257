"""Versions of secrets and their staging labels through boto3."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def versions(secrets: Any) -> list[str]:
    """Ids of three versions: deprecated, previous, current; values a, b, c."""
    ids = [secrets.create_secret(Name="s", SecretString="a")["VersionId"]]
    ids += [secrets.put_secret_value(SecretId="s", SecretString=v)["VersionId"] for v in "bc"]
    return ids


def _value(secrets: Any, **arguments: str) -> str:
    value: str = secrets.get_secret_value(SecretId="s", **arguments)["SecretString"]
    return value


def _stages(secrets: Any) -> dict[str, list[str]]:
    stages: dict[str, list[str]] = secrets.describe_secret(SecretId="s")["VersionIdsToStages"]
    return stages


def _message(raised: pytest.ExceptionInfo[ClientError]) -> str:
    message: str = raised.value.response["Error"]["Message"]
    return message


def test_putting_moves_current_and_previous(secrets: Any, versions: list[str]) -> None:
    assert _value(secrets) == "c"
    assert _value(secrets, VersionStage="AWSPREVIOUS") == "b"
    assert _value(secrets, VersionId=versions[0]) == "a"
    assert _value(secrets, VersionId=versions[1], VersionStage="AWSPREVIOUS") == "b"
    assert _stages(secrets) == {versions[2]: ["AWSCURRENT"], versions[1]: ["AWSPREVIOUS"]}


def test_versions_that_do_not_exist(secrets: Any, versions: list[str]) -> None:
    absent = str(uuid.uuid4())
    for arguments, message in [
        (
            {"VersionStage": "AWSPENDING"},
            "Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
        ),
        (
            {"VersionId": absent},
            f"Secrets Manager can't find the specified secret value for VersionId: {absent}",
        ),
        (
            {"VersionId": versions[0], "VersionStage": "AWSCURRENT"},
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ),
    ]:
        with pytest.raises(ClientError) as raised:
            _value(secrets, **arguments)
        assert _message(raised) == message


def test_a_secret_without_a_value_has_none(secrets: Any) -> None:
    secrets.create_secret(Name="s")
    with pytest.raises(ClientError) as raised:
        _value(secrets)
    assert _message(raised) == (
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    )
    with pytest.raises(ClientError, match="You must provide either SecretString or SecretBinary"):
        secrets.put_secret_value(SecretId="s")


def test_rotation_stages_pending_then_promotes_it(secrets: Any, versions: list[str]) -> None:
    token = str(uuid.uuid4())
    put = secrets.put_secret_value(
        SecretId="s", SecretString="d", ClientRequestToken=token, VersionStages=["AWSPENDING"]
    )
    assert (put["VersionId"], put["VersionStages"]) == (token, ["AWSPENDING"])
    assert _value(secrets) == "c"
    assert _value(secrets, VersionStage="AWSPENDING") == "d"
    with pytest.raises(ClientError) as raised:
        secrets.update_secret_version_stage(
            SecretId="s", VersionStage="AWSCURRENT", MoveToVersionId=token
        )
    assert _message(raised) == (
        "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently "
        f"attached to version {versions[2]}, so you must explicitly reference that version in "
        "RemoveFromVersionId."
    )
    secrets.update_secret_version_stage(
        SecretId="s",
        VersionStage="AWSCURRENT",
        MoveToVersionId=token,
        RemoveFromVersionId=versions[2],
    )
    secrets.update_secret_version_stage(
        SecretId="s", VersionStage="AWSPENDING", RemoveFromVersionId=token
    )
    assert _stages(secrets) == {token: ["AWSCURRENT"], versions[2]: ["AWSPREVIOUS"]}


def test_current_cannot_be_taken_away(secrets: Any, versions: list[str]) -> None:
    with pytest.raises(ClientError, match="You can only move staging label AWSCURRENT"):
        secrets.update_secret_version_stage(
            SecretId="s", VersionStage="AWSCURRENT", RemoveFromVersionId=versions[2]
        )
    with pytest.raises(ClientError, match="is not attached to version"):
        secrets.update_secret_version_stage(
            SecretId="s", VersionStage="mine", RemoveFromVersionId=versions[2]
        )
    assert _value(secrets) == "c"


def test_putting_again_with_the_same_token(secrets: Any) -> None:
    secrets.create_secret(Name="s")
    token = str(uuid.uuid4())
    for _ in range(2):
        secrets.put_secret_value(SecretId="s", SecretString="a", ClientRequestToken=token)
    assert _stages(secrets) == {token: ["AWSCURRENT"]}
    with pytest.raises(ClientError, match="that value is already in use for a version of secret"):
        secrets.put_secret_value(SecretId="s", SecretString="b", ClientRequestToken=token)
    assert _value(secrets) == "a"


def test_versions_are_listed_deprecated_ones_when_asked(secrets: Any, versions: list[str]) -> None:
    def listed(**arguments: Any) -> dict[str, list[str]]:
        pages = secrets.list_secret_version_ids(SecretId="s", **arguments)["Versions"]
        return {version["VersionId"]: version.get("VersionStages", []) for version in pages}

    assert listed() == {versions[2]: ["AWSCURRENT"], versions[1]: ["AWSPREVIOUS"]}
    assert listed(IncludeDeprecated=True) == listed() | {versions[0]: []}
    page = secrets.list_secret_version_ids(SecretId="s", MaxResults=1)
    rest = secrets.list_secret_version_ids(SecretId="s", NextToken=page["NextToken"])
    found = [version["VersionId"] for version in page["Versions"] + rest["Versions"]]
    assert sorted(found) == sorted(versions[1:])


def test_only_so_many_deprecated_versions_are_kept(secrets: Any) -> None:
    secrets.create_secret(Name="s")
    for number in range(105):
        secrets.put_secret_value(SecretId="s", SecretString=str(number))
    kept = secrets.list_secret_version_ids(SecretId="s", IncludeDeprecated=True, MaxResults=100)
    more = secrets.list_secret_version_ids(
        SecretId="s", IncludeDeprecated=True, NextToken=kept["NextToken"]
    )
    assert len(kept["Versions"] + more["Versions"]) == 102
    assert _value(secrets) == "104"
