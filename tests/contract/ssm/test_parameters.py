"""Putting, reading and deleting parameters through boto3."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.clock import utc_now

_ARN = "arn:aws:ssm:us-east-1:123456789012:parameter"


def _put(ssm: Any, name: str, value: str = "v", type: str = "String", **arguments: Any) -> int:
    version: int = ssm.put_parameter(Name=name, Value=value, Type=type, **arguments)["Version"]
    return version


def _value(ssm: Any, name: str, **arguments: Any) -> str:
    value: str = ssm.get_parameter(Name=name, **arguments)["Parameter"]["Value"]
    return value


def _code(raised: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = raised.value.response["Error"]["Code"]
    return code


def test_what_is_put_is_got(ssm: Any) -> None:
    put = ssm.put_parameter(Name="/app/host", Value="db.local", Type="String")
    assert (put["Version"], put["Tier"]) == (1, "Standard")
    parameter = ssm.get_parameter(Name="/app/host")["Parameter"]
    assert abs(parameter.pop("LastModifiedDate") - utc_now()) < timedelta(minutes=1)
    assert parameter == {
        "Name": "/app/host",
        "Type": "String",
        "Value": "db.local",
        "Version": 1,
        "ARN": f"{_ARN}/app/host",
        "DataType": "text",
    }
    assert _value(ssm, f"{_ARN}/app/host") == "db.local"
    _put(ssm, "plain", "a,b", "StringList")
    assert ssm.get_parameter(Name="plain")["Parameter"]["ARN"] == f"{_ARN}/plain"
    assert ssm.get_parameter(Name="plain")["Parameter"]["Type"] == "StringList"


def test_a_secure_string_is_encrypted_at_rest_and_without_decryption(server: Any, ssm: Any) -> None:
    _put(ssm, "/app/password", "correct-horse", "SecureString")
    assert _value(ssm, "/app/password", WithDecryption=True) == "correct-horse"
    sealed = _value(ssm, "/app/password")
    assert "correct-horse" not in sealed
    assert len(sealed) > 50
    for path in server.directory.iterdir():
        assert b"correct-horse" not in path.read_bytes()
    assert ssm.describe_parameters()["Parameters"][0]["KeyId"] == "alias/aws/ssm"


def test_an_existing_parameter_is_overwritten_only_when_asked(ssm: Any) -> None:
    _put(ssm, "p", "one")
    with pytest.raises(ClientError) as raised:
        _put(ssm, "p", "two")
    assert _code(raised) == "ParameterAlreadyExists"
    assert raised.value.response["Error"]["Message"] == (
        "The parameter already exists. To overwrite this value, set the overwrite option in the "
        "request to true."
    )
    assert ssm.put_parameter(Name="p", Value="two", Overwrite=True)["Version"] == 2
    assert _value(ssm, "p") == "two"
    with pytest.raises(ClientError) as raised:
        _put(ssm, "p", "three", "SecureString", Overwrite=True)
    assert _code(raised) == "HierarchyTypeMismatchException"
    assert _value(ssm, "p") == "two"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"Name": "aws-thing"}, "ValidationException", 'can\'t be prefixed with "aws" or "ssm"'),
        ({"Name": "/ssm/x"}, "ValidationException", 'can\'t be prefixed with "aws" or "ssm"'),
        ({"Name": "/aws/x"}, "AccessDeniedException", "No access to reserved parameter name"),
        ({"Name": "a b"}, "ValidationException", "sub-path can be formed as a mix of letters"),
        ({"Name": "/a//b"}, "ValidationException", "sub-path can be formed as a mix of letters"),
        ({"Name": "a/b"}, "ValidationException", "must be a fully qualified name"),
        ({"Name": "/a" * 16}, "HierarchyLevelLimitExceededException", "maximum of 15 levels"),
        ({"Value": ""}, "ValidationException", "length greater than or equal to 1"),
        ({"Value": "x" * 4097}, "ValidationException", "maximum parameter value of 4096"),
        ({"Value": "x" * 8193, "Tier": "Advanced"}, "ValidationException", "8192 characters"),
        ({"AllowedPattern": "[0-9]+"}, "ParameterPatternMismatchException", "allowedPattern"),
        ({"AllowedPattern": "["}, "InvalidAllowedPatternException", "is not valid"),
        (
            {"AllowedPattern": "(a|aa)+", "Value": "a" * 80 + "!"},
            "InvalidAllowedPatternException",
            "takes too long to match",
        ),
        ({"KeyId": "alias/mine"}, "InvalidKeyId", "leave out KeyId"),
        ({"Policies": "[{}]"}, "ValidationException", "leave out Policies"),
        ({"DataType": "aws:ec2:image"}, "ValidationException", "DataType text"),
        (
            {"Overwrite": True, "Tags": [{"Key": "a", "Value": "b"}]},
            "ValidationException",
            "tags and overwrite can't be used together",
        ),
    ],
)
def test_what_cannot_be_put(ssm: Any, arguments: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(ClientError) as raised:
        ssm.put_parameter(**{"Name": "p", "Value": "v", "Type": "String"} | arguments)
    assert _code(raised) == code
    assert message in raised.value.response["Error"]["Message"]
    assert ssm.describe_parameters()["Parameters"] == []


def test_a_new_parameter_needs_a_type(ssm: Any) -> None:
    with pytest.raises(ClientError, match="A parameter type is required when you create"):
        ssm.put_parameter(Name="p", Value="v")


def test_tiers(ssm: Any) -> None:
    large = ssm.put_parameter(Name="p", Value="x" * 5000, Type="String", Tier="Intelligent-Tiering")
    assert large["Tier"] == "Advanced"
    with pytest.raises(ClientError, match="You can't downgrade a parameter"):
        ssm.put_parameter(Name="p", Value="x", Tier="Standard", Overwrite=True)
    assert ssm.put_parameter(Name="p", Value="x", Overwrite=True)["Tier"] == "Advanced"


def test_several_are_got_and_the_absent_reported(ssm: Any) -> None:
    _put(ssm, "/a")
    _put(ssm, "b", "secret", "SecureString")
    got = ssm.get_parameters(Names=["/a", "none", "b", "/a:1", "/a:9"], WithDecryption=True)
    assert [(p["Name"], p["Value"], p.get("Selector")) for p in got["Parameters"]] == [
        ("/a", "v", None),
        ("b", "secret", None),
        ("/a", "v", ":1"),
    ]
    assert got["InvalidParameters"] == ["none", "/a:9"]


def test_deleted_parameters_are_gone_with_their_history(ssm: Any) -> None:
    _put(ssm, "a")
    _put(ssm, "a", "w", Overwrite=True)
    _put(ssm, "b")
    ssm.delete_parameter(Name="a")
    for operation in (ssm.get_parameter, ssm.get_parameter_history, ssm.delete_parameter):
        with pytest.raises(ClientError) as raised:
            operation(Name="a")
        assert _code(raised) == "ParameterNotFound"
        # AWS sends no text (hashicorp/terraform-provider-aws#15095, aws/aws-cdk#1621); ours says
        # which parameter is missing.
        assert raised.value.response["Error"]["Message"] == "Parameter a not found."
    assert _put(ssm, "a") == 1
    deleted = ssm.delete_parameters(Names=["a", "none", "b"])
    assert deleted["DeletedParameters"] == ["a", "b"]
    assert deleted["InvalidParameters"] == ["none"]
    assert ssm.describe_parameters()["Parameters"] == []


def test_tags_are_added_replaced_and_removed(ssm: Any) -> None:
    _put(ssm, "p", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    resource = {"ResourceType": "Parameter", "ResourceId": "p"}
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "b", "Value": "3"}])
    ssm.remove_tags_from_resource(**resource, TagKeys=["a"])
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "b", "Value": "3"}]
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    with pytest.raises(ClientError) as raised:
        ssm.add_tags_to_resource(**resource, Tags=many)
    assert _code(raised) == "TooManyTagsError"
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "b", "Value": "3"}]
    absent = {"ResourceType": "Parameter", "ResourceId": "none"}
    for operation, arguments in [
        (ssm.list_tags_for_resource, {}),
        (ssm.add_tags_to_resource, {"Tags": []}),
        (ssm.remove_tags_from_resource, {"TagKeys": []}),
    ]:
        with pytest.raises(ClientError) as raised:
            operation(**absent, **arguments)
        assert _code(raised) == "InvalidResourceId"
    with pytest.raises(ClientError) as raised:
        ssm.list_tags_for_resource(ResourceType="Document", ResourceId="p")
    assert _code(raised) == "InvalidResourceType"


def test_the_domain_reads_values(server: Any, ssm: Any) -> None:
    _put(ssm, "/app/password", "one", "SecureString")
    _put(ssm, "/app/password", "two", "SecureString", Overwrite=True)
    _put(ssm, "/app/host", "h")
    run, domain = server.aws.run, server.domain
    assert run(domain.value("/app/password")) == ("two", True)
    assert run(domain.value("/app/password:1")) == ("one", True)
    assert run(domain.value(f"{_ARN}/app/host")) == ("h", False)
    with pytest.raises(Exception, match="ParameterNotFound: Parameter /none not found"):
        run(domain.value("/none"))
