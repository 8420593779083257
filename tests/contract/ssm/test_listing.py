"""Listing parameters by path and by filters through boto3."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

_NAMES = ["/app/a", "/app/b", "/app/sub/c", "/app/sub/deep/d", "/apple", "plain"]


@pytest.fixture(autouse=True)
def _parameters(ssm: Any) -> None:
    for name in _NAMES:
        kind = "SecureString" if name.endswith("b") else "String"
        tags = [{"Key": "stage", "Value": "dev" if "sub" in name else "prod"}]
        ssm.put_parameter(Name=name, Value=f"value of {name}", Type=kind, Tags=tags)


def _by_path(ssm: Any, path: str, size: int = 10, **arguments: Any) -> list[str]:
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path=path, PaginationConfig={"PageSize": size}, **arguments
    )
    return [parameter["Name"] for page in pages for parameter in page["Parameters"]]


def _described(ssm: Any, *filters: dict[str, Any]) -> list[str]:
    pages = ssm.get_paginator("describe_parameters").paginate(
        ParameterFilters=list(filters), PaginationConfig={"PageSize": 2}
    )
    return [parameter["Name"] for page in pages for parameter in page["Parameters"]]


def test_a_path_lists_one_level_or_the_hierarchy(ssm: Any) -> None:
    assert _by_path(ssm, "/app") == ["/app/a", "/app/b"]
    assert _by_path(ssm, "/app/") == ["/app/a", "/app/b"]
    assert _by_path(ssm, "/app", size=1, Recursive=True) == _NAMES[:4]
    assert _by_path(ssm, "/", Recursive=True) == _NAMES[:5]
    assert _by_path(ssm, "/none") == []
    for path in ("app", "/a b"):
        with pytest.raises(ClientError, match="must begin with a forward slash"):
            _by_path(ssm, path)


def test_pages_go_on_after_a_name_that_others_begin_with(ssm: Any) -> None:
    """Locks: of /many/1, /many/10, /many/100 a page that ended between them came again."""
    names = sorted(f"/many/{number}" for number in (*range(1, 12), 100, 101))
    for name in names:
        ssm.put_parameter(Name=name, Value="x", Type="String")
    for size in (1, 2, 3):
        assert _by_path(ssm, "/many", size=size) == names


def test_a_path_decrypts_when_asked(ssm: Any) -> None:
    def value(**arguments: Any) -> str:
        (found,) = ssm.get_parameters_by_path(
            Path="/app",
            ParameterFilters=[{"Key": "Type", "Values": ["SecureString"]}],
            **arguments,
        )["Parameters"]
        text: str = found["Value"]
        return text

    assert value(WithDecryption=True) == "value of /app/b"
    assert "value of" not in value()


def test_a_path_is_filtered_by_label(ssm: Any) -> None:
    ssm.put_parameter(Name="/app/a", Value="new", Overwrite=True)
    ssm.label_parameter_version(Name="/app/a", ParameterVersion=1, Labels=["live"])
    (found,) = ssm.get_parameters_by_path(
        Path="/app", ParameterFilters=[{"Key": "Label", "Values": ["live"]}]
    )["Parameters"]
    assert (found["Name"], found["Version"]) == ("/app/a", 1)
    with pytest.raises(ClientError, match="InvalidFilterKey"):
        _by_path(ssm, "/app", ParameterFilters=[{"Key": "Name", "Values": ["x"]}])


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], _NAMES),
        ([{"Key": "Name", "Values": ["plain", "/apple"]}], ["/apple", "plain"]),
        ([{"Key": "Name", "Option": "BeginsWith", "Values": ["/app/s"]}], _NAMES[2:4]),
        ([{"Key": "Name", "Option": "Contains", "Values": ["pl"]}], ["/apple", "plain"]),
        ([{"Key": "Type", "Values": ["SecureString"]}], ["/app/b"]),
        ([{"Key": "KeyId", "Values": ["alias/aws/ssm"]}], ["/app/b"]),
        ([{"Key": "Path", "Values": ["/app"]}], _NAMES[:2]),
        ([{"Key": "Path", "Option": "Recursive", "Values": ["/app"]}], _NAMES[:4]),
        ([{"Key": "tag:stage", "Values": ["dev"]}], _NAMES[2:4]),
        (
            [{"Key": "tag:stage", "Values": ["prod"]}, {"Key": "Path", "Values": ["/app"]}],
            _NAMES[:2],
        ),
    ],
)
def test_parameters_are_described_by_filters(
    ssm: Any, filters: list[dict[str, Any]], expected: list[str]
) -> None:
    assert _described(ssm, *filters) == expected


def test_a_description_has_everything_but_the_value(ssm: Any) -> None:
    ssm.put_parameter(
        Name="p", Value="12", Type="String", Description="text", AllowedPattern="[0-9]+"
    )
    (described,) = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": ["p"]}])[
        "Parameters"
    ]
    del described["LastModifiedDate"]
    assert described == {
        "Name": "p",
        "ARN": "arn:aws:ssm:us-east-1:123456789012:parameter/p",
        "Type": "String",
        "LastModifiedUser": "arn:aws:iam::123456789012:root",
        "Description": "text",
        "AllowedPattern": "[0-9]+",
        "Version": 1,
        "Tier": "Standard",
        "Policies": [],
        "DataType": "text",
    }


def test_filters_that_aws_refuses(ssm: Any) -> None:
    for item, code in [
        ({"Key": "Label", "Values": ["x"]}, "InvalidFilterKey"),
        ({"Key": "Type", "Option": "Near", "Values": ["x"]}, "InvalidFilterOption"),
        ({"Key": "Path", "Option": "Equals", "Values": ["/x"]}, "InvalidFilterOption"),
    ]:
        with pytest.raises(ClientError) as raised:
            _described(ssm, item)
        assert raised.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError, match="either Filters or ParameterFilters"):
        ssm.describe_parameters(
            Filters=[{"Key": "Name", "Values": ["x"]}],
            ParameterFilters=[{"Key": "Name", "Values": ["x"]}],
        )
    with pytest.raises(ClientError, match="InvalidNextToken"):
        ssm.describe_parameters(NextToken="nothing of ours")
