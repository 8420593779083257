import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.dynamic_references import (
    DynamicReference,
    OfParameterStore,
    OfSecretsManager,
    dynamic_references,
    has_reference,
    misplaced,
    parsed,
    replaced,
)

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app-AbCdEf"


def reference(text):
    [found] = dynamic_references(text)
    return found


def test_references_are_found_at_any_depth_in_order():
    value = {"A": ["x{{resolve:ssm:/a}}y{{resolve:ssm-secure:/b:2}}"], "B": {"C": 1, "D": None}}
    assert dynamic_references(value) == [
        DynamicReference("ssm", "/a", "{{resolve:ssm:/a}}"),
        DynamicReference("ssm-secure", "/b:2", "{{resolve:ssm-secure:/b:2}}"),
    ]


@pytest.mark.parametrize(
    "text", ["{{resolve:s3:a}}", "{{resolve:ssm}}", "{resolve:ssm:/a}", "{{resolve:ssm:/a}", "${A}"]
)
def test_other_texts_are_texts(text):
    assert not has_reference(text)
    assert replaced(text, {text: "no"}, {}) == text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ssm:a", OfParameterStore("a", None)),
        ("ssm:/a/b.c-d_e:12", OfParameterStore("/a/b.c-d_e", "12")),
        ("ssm-secure:/a:1", OfParameterStore("/a", "1")),
        ("secretsmanager:app", OfSecretsManager("app", None, None, None)),
        ("secretsmanager:app:SecretString", OfSecretsManager("app", None, None, None)),
        ("secretsmanager:app:SecretString:k", OfSecretsManager("app", "k", None, None)),
        ("secretsmanager:app:SecretString:k::v1", OfSecretsManager("app", "k", None, "v1")),
        ("secretsmanager:app:::AWSPREVIOUS:", OfSecretsManager("app", None, "AWSPREVIOUS", None)),
        (f"secretsmanager:{ARN}", OfSecretsManager(ARN, None, None, None)),
        (f"secretsmanager:{ARN}:SecretString:k:S:V", OfSecretsManager(ARN, "k", "S", "V")),
    ],
)
def test_what_references_name(text, named):
    assert parsed(reference(f"{{{{resolve:{text}}}}}")) == named


@pytest.mark.parametrize(
    "text",
    ["ssm:", "ssm:/a:", "ssm:/a:x", "ssm:/a b", "ssm:/a:1:2", "ssm-secure:/a:-1",
     "secretsmanager:", "secretsmanager:app:Binary", "secretsmanager:a:SecretString:k:s:v:more",
     "secretsmanager:arn:aws:secretsmanager"],
)  # fmt: skip
def test_forms_that_are_none(text):
    with pytest.raises(ServiceError) as raised:
        parsed(reference(f"{{{{resolve:{text}}}}}"))
    assert raised.value.code == "ValidationError"
    assert raised.value.message.startswith("Incorrect format is used in the following ")
    assert raised.value.message.endswith(f"reference: [{{{{resolve:{text}}}}}]")


def test_values_are_put_in_once():
    values = {"{{resolve:ssm:/a}}": "{{resolve:ssm:/b}}", "{{resolve:ssm:/b}}": "b"}
    lists = {"{{resolve:ssm:/b}}": ["1", "2"]}
    value = {
        "A": "<{{resolve:ssm:/a}}>",
        "B": ["{{resolve:ssm:/b}}"],
        "C": ["{{resolve:ssm:/b}}", 1],
    }
    assert replaced(value, values, lists) == {
        "A": "<{{resolve:ssm:/b}}>",
        "B": ["1", "2"],
        "C": ["b", 1],
    }


def test_where_secure_strings_may_be():
    secure = "{{resolve:ssm-secure:/a:1}}"
    assert misplaced("AWS::IAM::User", {"LoginProfile": {"Password": secure}}) == []
    stack = {"RdsDbInstances": [{"DbPassword": secure}]}
    assert misplaced("AWS::OpsWorks::Stack", stack) == []
    rule = {"Actions": [{"AuthenticateOidcConfig": {"ClientSecret": secure}}]}
    assert misplaced("AWS::ElasticLoadBalancingV2::ListenerRule", rule) == [
        "AWS::ElasticLoadBalancingV2::ListenerRule/Properties/Actions"
    ]
    function = {"Environment": {"Variables": {"KEY": secure}}}
    assert misplaced("AWS::Lambda::Function", function) == [
        "AWS::Lambda::Function/Properties/Environment/Variables/KEY"
    ]
    assert misplaced("AWS::Lambda::Function", {"Description": "{{resolve:ssm:/a}}"}) == []
