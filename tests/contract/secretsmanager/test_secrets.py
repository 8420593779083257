"""Secrets from creation to deletion through boto3."""

import re
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.clock import utc_now

_ABSENT = (
    "ResourceNotFoundException",
    "Secrets Manager can't find the specified secret.",
)
_DELETED = (
    "InvalidRequestException",
    "You can't perform this operation on the secret because it was marked for deletion.",
)
_TOKEN = "11111111-1111-4111-8111-111111111111"


def _refused(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_created_secret_is_described_and_read(secrets: Any) -> None:
    created = secrets.create_secret(
        Name="app/db",
        Description="for the app",
        SecretString="hunter2",
        Tags=[{"Key": "team", "Value": "a"}],
    )
    prefix = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app/db-"
    assert re.fullmatch(re.escape(prefix) + "[A-Za-z0-9]{6}", created["ARN"])
    described = secrets.describe_secret(SecretId="app/db")
    assert described["ARN"] == created["ARN"]
    assert described["Description"] == "for the app"
    assert described["Tags"] == [{"Key": "team", "Value": "a"}]
    assert described["VersionIdsToStages"] == {created["VersionId"]: ["AWSCURRENT"]}
    assert abs(described["CreatedDate"] - utc_now()) < timedelta(minutes=1)
    for secret_id in ("app/db", created["ARN"], created["ARN"][:-7]):
        value = secrets.get_secret_value(SecretId=secret_id)
        assert (value["SecretString"], value["VersionStages"]) == ("hunter2", ["AWSCURRENT"])


def test_a_binary_value_is_kept_as_it_is(secrets: Any) -> None:
    secrets.create_secret(Name="key", SecretBinary=b"\x00\xff")
    value = secrets.get_secret_value(SecretId="key")
    assert value["SecretBinary"] == b"\x00\xff"
    assert "SecretString" not in value


def test_no_value_stands_in_the_clear_on_disk(server: Any, secrets: Any) -> None:
    secrets.create_secret(Name="s", SecretString="correct-horse-battery")
    secrets.put_secret_value(SecretId="s", SecretString="staple-correct-horse")
    for path in server.directory.iterdir():
        content = path.read_bytes()
        assert b"correct-horse" not in content, path
    assert b"AWSPREVIOUS" in b"".join(path.read_bytes() for path in server.directory.iterdir())


def test_creating_again_is_refused_unless_it_is_the_same_request(secrets: Any) -> None:
    first = secrets.create_secret(Name="s", SecretString="a", ClientRequestToken=_TOKEN)
    again = secrets.create_secret(Name="s", SecretString="a", ClientRequestToken=_TOKEN)
    assert (again["ARN"], again["VersionId"]) == (first["ARN"], _TOKEN)
    for other in ({"SecretString": "b", "ClientRequestToken": _TOKEN}, {"SecretString": "a"}, {}):
        with pytest.raises(ClientError) as raised:
            secrets.create_secret(Name="s", **other)
        assert _refused(raised) == (
            "ResourceExistsException",
            "The operation failed because the secret s already exists.",
        )
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "a"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"Name": "a b"}, "ValidationException", "Invalid name. Must be a valid name containing"),
        (
            {"Name": "s", "SecretString": "a", "SecretBinary": b"a"},
            "InvalidParameterException",
            "You can't specify both a binary secret value and a string secret value",
        ),
        ({"Name": "s", "KmsKeyId": "alias/mine"}, "InvalidParameterException", "leave out KmsKey"),
        (
            {"Name": "s", "AddReplicaRegions": [{"Region": "eu-west-1"}]},
            "InvalidParameterException",
            "one region",
        ),
    ],
)
def test_what_cannot_be_created(
    secrets: Any, arguments: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ClientError) as raised:
        secrets.create_secret(**arguments)
    found_code, found_message = _refused(raised)
    assert found_code == code
    assert message in found_message
    assert secrets.list_secrets()["SecretList"] == []


def test_updating_changes_description_and_value_each_alone(secrets: Any) -> None:
    created = secrets.create_secret(Name="s", SecretString="a")
    updated = secrets.update_secret(SecretId="s", Description="new")
    assert "VersionId" not in updated
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "a"
    updated = secrets.update_secret(SecretId="s", SecretString="b")
    described = secrets.describe_secret(SecretId="s")
    assert described["Description"] == "new"
    assert described["VersionIdsToStages"] == {
        updated["VersionId"]: ["AWSCURRENT"],
        created["VersionId"]: ["AWSPREVIOUS"],
    }


def test_absent_secrets_are_not_found(secrets: Any) -> None:
    secrets.create_secret(Name="app/db", SecretString="a")
    for secret_id in ("none", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db"):
        for operation, arguments in [
            (secrets.get_secret_value, {}),
            (secrets.describe_secret, {}),
            (secrets.put_secret_value, {"SecretString": "b"}),
            (secrets.update_secret, {}),
            (secrets.delete_secret, {}),
            (secrets.restore_secret, {}),
            (secrets.list_secret_version_ids, {}),
            (secrets.update_secret_version_stage, {"VersionStage": "x"}),
            (secrets.tag_resource, {"Tags": []}),
            (secrets.untag_resource, {"TagKeys": []}),
        ]:
            with pytest.raises(ClientError) as raised:
                operation(SecretId=secret_id, **arguments)
            assert _refused(raised) == _ABSENT


def test_a_deleted_secret_can_be_restored_until_its_window_ends(server: Any, secrets: Any) -> None:
    secrets.create_secret(Name="s", SecretString="a")
    deleted = secrets.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    assert abs(deleted["DeletionDate"] - utc_now() - timedelta(days=7)) < timedelta(minutes=1)
    for operation, arguments in [
        (secrets.get_secret_value, {}),
        (secrets.put_secret_value, {"SecretString": "b"}),
        (secrets.update_secret, {"Description": "b"}),
        (secrets.tag_resource, {"Tags": [{"Key": "a", "Value": "b"}]}),
        (secrets.untag_resource, {"TagKeys": ["a"]}),
    ]:
        with pytest.raises(ClientError) as raised:
            operation(SecretId="s", **arguments)
        assert _refused(raised) == _DELETED
    with pytest.raises(ClientError, match="already scheduled for deletion"):
        secrets.delete_secret(SecretId="s")
    with pytest.raises(ClientError, match="a secret with this name is already scheduled"):
        secrets.create_secret(Name="s", SecretString="b")
    assert "DeletedDate" in secrets.describe_secret(SecretId="s")
    assert secrets.list_secrets()["SecretList"] == []
    assert len(secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]) == 1
    secrets.restore_secret(SecretId="s")
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "a"
    assert "DeletedDate" not in secrets.describe_secret(SecretId="s")
    secrets.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    server.ahead = timedelta(days=8)
    with pytest.raises(ClientError) as raised:
        secrets.restore_secret(SecretId="s")
    assert _refused(raised) == _ABSENT
    assert secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []
    secrets.create_secret(Name="s", SecretString="anew")
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "anew"


def test_deleting_without_recovery_is_at_once(secrets: Any) -> None:
    first = secrets.create_secret(Name="s", SecretString="a")
    secrets.delete_secret(SecretId="s", ForceDeleteWithoutRecovery=True)
    with pytest.raises(ClientError) as raised:
        secrets.describe_secret(SecretId="s")
    assert _refused(raised) == _ABSENT
    assert secrets.create_secret(Name="s")["ARN"] != first["ARN"]
    secrets.delete_secret(SecretId="never-there", ForceDeleteWithoutRecovery=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"RecoveryWindowInDays": 6}, "must be between 7 and 30 days"),
        (
            {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True},
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ),
    ],
)
def test_deletions_that_aws_refuses(secrets: Any, arguments: dict[str, Any], message: str) -> None:
    secrets.create_secret(Name="s", SecretString="a")
    with pytest.raises(ClientError, match=message):
        secrets.delete_secret(SecretId="s", **arguments)
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "a"


def test_secrets_are_listed_in_pages_sorted_and_filtered(secrets: Any) -> None:
    for number in range(5):
        secrets.create_secret(
            Name=f"{'web' if number % 2 else 'db'}/{number}",
            Description=f"Secret number {number}",
            Tags=[{"Key": "stage", "Value": "dev" if number < 2 else "prod"}],
        )

    def listed(**arguments: Any) -> list[str]:
        pages = secrets.get_paginator("list_secrets").paginate(
            PaginationConfig={"PageSize": 2}, **arguments
        )
        return [secret["Name"] for page in pages for secret in page["SecretList"]]

    assert listed(SortOrder="asc") == ["db/0", "web/1", "db/2", "web/3", "db/4"]
    assert listed() == ["db/4", "web/3", "db/2", "web/1", "db/0"]
    assert listed(SortBy="name", SortOrder="asc") == ["db/0", "db/2", "db/4", "web/1", "web/3"]

    def filtered(key: str, *values: str) -> list[str]:
        return sorted(listed(Filters=[{"Key": key, "Values": list(values)}]))

    assert filtered("name", "web") == ["web/1", "web/3"]
    assert filtered("name", "!web") == ["db/0", "db/2", "db/4"]
    assert filtered("tag-value", "dev") == ["db/0", "web/1"]
    assert filtered("tag-key", "stage", "none") == ["db/0", "db/2", "db/4", "web/1", "web/3"]
    assert filtered("description", "secret NUMBER 3") == ["web/3"]
    assert filtered("all", "WEB") == ["web/1", "web/3"]


def test_tags_are_added_replaced_and_removed(secrets: Any) -> None:
    secrets.create_secret(Name="s", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    secrets.tag_resource(SecretId="s", Tags=[{"Key": "b", "Value": "3"}])
    secrets.untag_resource(SecretId="s", TagKeys=["a"])
    assert secrets.describe_secret(SecretId="s")["Tags"] == [{"Key": "b", "Value": "3"}]
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    with pytest.raises(ClientError, match="at most 50 tags, found 51"):
        secrets.tag_resource(SecretId="s", Tags=many)


def test_random_passwords_have_what_is_asked(secrets: Any) -> None:
    password = secrets.get_random_password()["RandomPassword"]
    assert len(password) == 32
    assert secrets.get_random_password()["RandomPassword"] != password
    for pattern in ("[a-z]", "[A-Z]", "[0-9]", r"[^A-Za-z0-9]"):
        assert re.search(pattern, password)
    digits = secrets.get_random_password(
        PasswordLength=100,
        ExcludeUppercase=True,
        ExcludeLowercase=True,
        ExcludePunctuation=True,
        ExcludeCharacters="01234",
    )["RandomPassword"]
    assert re.fullmatch("[5-9]{100}", digits)
    with pytest.raises(ClientError, match="too short based on the required types"):
        secrets.get_random_password(PasswordLength=3)
    with pytest.raises(ClientError, match="none of a type of characters"):
        secrets.get_random_password(ExcludeCharacters="0123456789")


def test_the_domain_reads_values_and_keys(server: Any, secrets: Any) -> None:
    created = secrets.create_secret(Name="s", SecretString='{"user": "u", "port": 5432}')
    secrets.create_secret(Name="plain", SecretString="text")
    secrets.create_secret(Name="binary", SecretBinary=b"x")

    def value(*arguments: Any, **named: Any) -> str:
        result: str = server.aws.run(server.domain.value(*arguments, **named))
        return result

    assert value("s") == '{"user": "u", "port": 5432}'
    assert value(created["ARN"], "user") == "u"
    assert value("s", json_key="port", version_id=created["VersionId"]) == "5432"
    assert server.aws.run(server.domain.arn("s")) == created["ARN"]
    for secret_id, message in [
        ("plain", "expected a JSON object with the key k in secret plain, found no JSON object"),
        ("s", "expected a JSON object with the key k in secret s, found no such key"),
        ("binary", "expected a text in secret binary, found binary data"),
        ("none", "can't find the specified secret"),
    ]:
        with pytest.raises(Exception, match=message) as raised:
            value(secret_id, "k")
        assert type(raised.value).__name__ == "ServiceError"
