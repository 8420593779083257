"""Versions of parameters, their labels and history through boto3."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def three_versions(ssm: Any) -> None:
    for number in (1, 2, 3):
        ssm.put_parameter(
            Name="/p", Value=f"v{number}", Type="String", Overwrite=True, Description=f"d{number}"
        )


def _value(ssm: Any, name: str) -> str:
    value: str = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    return value


@pytest.mark.usefixtures("three_versions")
def test_selectors_choose_by_number_and_by_label(ssm: Any) -> None:
    labelled = ssm.label_parameter_version(Name="/p", ParameterVersion=2, Labels=["prod", "9bad"])
    assert labelled["ParameterVersion"] == 2
    assert labelled["InvalidLabels"] == ["9bad"]
    assert _value(ssm, "/p") == "v3"
    assert _value(ssm, "/p:1") == "v1"
    assert _value(ssm, "/p:prod") == "v2"
    parameter = ssm.get_parameter(Name="/p:prod")["Parameter"]
    assert (parameter["Name"], parameter["Selector"], parameter["Version"]) == ("/p", ":prod", 2)
    for selector, kind in (("99", "version"), ("none", "label")):
        with pytest.raises(ClientError) as raised:
            _value(ssm, f"/p:{selector}")
        assert raised.value.response["Error"] == {
            "Code": "ParameterVersionNotFound",
            "Message": f"Systems Manager could not find {kind} {selector} of /p. Verify the "
            f"{kind} and try again.",
        }


@pytest.mark.usefixtures("three_versions")
def test_a_label_is_on_one_version(ssm: Any) -> None:
    ssm.label_parameter_version(Name="/p", ParameterVersion=1, Labels=["prod"])
    assert ssm.label_parameter_version(Name="/p", Labels=["prod"])["ParameterVersion"] == 3
    assert _value(ssm, "/p:prod") == "v3"
    history = ssm.get_parameter_history(Name="/p")["Parameters"]
    assert [version["Labels"] for version in history] == [[], [], ["prod"]]
    removed = ssm.unlabel_parameter_version(Name="/p", ParameterVersion=3, Labels=["prod", "x"])
    assert (removed["RemovedLabels"], removed["InvalidLabels"]) == (["prod"], ["x"])
    with pytest.raises(ClientError, match="ParameterVersionNotFound"):
        _value(ssm, "/p:prod")
    with pytest.raises(ClientError, match="ParameterVersionNotFound"):
        ssm.label_parameter_version(Name="/p", ParameterVersion=9, Labels=["prod"])
    with pytest.raises(ClientError, match="ParameterNotFound"):
        ssm.label_parameter_version(Name="/none", Labels=["prod"])
    ssm.label_parameter_version(Name="/p", Labels=[f"l{n}" for n in range(10)])
    with pytest.raises(ClientError, match="ParameterVersionLabelLimitExceeded"):
        ssm.label_parameter_version(Name="/p", Labels=["eleventh"])


@pytest.mark.usefixtures("three_versions")
def test_history_is_oldest_first_in_pages(ssm: Any) -> None:
    pages = ssm.get_paginator("get_parameter_history").paginate(
        Name="/p", PaginationConfig={"PageSize": 2}
    )
    history = [version for page in pages for version in page["Parameters"]]
    assert [(v["Version"], v["Value"], v["Description"]) for v in history] == [
        (1, "v1", "d1"),
        (2, "v2", "d2"),
        (3, "v3", "d3"),
    ]
    assert history[0]["LastModifiedUser"] == "arn:aws:iam::123456789012:root"


def test_history_of_a_secure_string_is_decrypted_when_asked(ssm: Any) -> None:
    ssm.put_parameter(Name="p", Value="secret", Type="SecureString")
    (sealed,) = ssm.get_parameter_history(Name="p")["Parameters"]
    (plain,) = ssm.get_parameter_history(Name="p", WithDecryption=True)["Parameters"]
    assert plain["Value"] == "secret"
    assert "secret" not in sealed["Value"]


def test_the_oldest_version_makes_room_unless_it_is_labelled(ssm: Any) -> None:
    for number in range(1, 102):
        ssm.put_parameter(Name="p", Value=str(number), Type="String", Overwrite=True)
    assert _value(ssm, "p:2") == "2"
    with pytest.raises(ClientError, match="ParameterVersionNotFound"):
        _value(ssm, "p:1")
    ssm.label_parameter_version(Name="p", ParameterVersion=2, Labels=["prod"])
    with pytest.raises(ClientError, match="ParameterMaxVersionLimitExceeded"):
        ssm.put_parameter(Name="p", Value="x", Overwrite=True)
    assert _value(ssm, "p") == "101"
