"""Constraints of the models, in AWS's words. Sources stand beside each text."""

from typing import Any

import pytest
from botocore.model import ShapeResolver

from penstock.aws.errors import ServiceError
from penstock.aws.models import load
from penstock.aws.patterns import compile_pattern
from penstock.aws.validation import validate

SERVED = ["codebuild", "codecommit", "codepipeline", "ecr", "iam", "logs", "s3", "secretsmanager",
          "ssm", "sts"]  # fmt: skip


def refuse(service: str, operation: str, request: dict[str, Any]) -> ServiceError:
    model = load(service)
    with pytest.raises(ServiceError) as raised:
        validate(model, model.operation(operation).input_shape, request)
    return raised.value


def pipeline(**changes: Any) -> dict[str, Any]:
    action = {
        "name": "Fetch",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "CodeCommit",
                         "version": "1"},
    }  # fmt: skip
    stages = [{"name": "Source", "actions": [action | changes.pop("action", {})]}]
    role = "arn:aws:iam::123456789012:role/pipeline"
    return {"pipeline": {"name": "p", "roleArn": role, "stages": stages} | changes}


def test_a_good_request_passes() -> None:
    model = load("codepipeline")
    validate(model, model.operation("CreatePipeline").input_shape, pipeline())


def test_codepipeline_names_the_place_but_not_the_value() -> None:
    # awslabs/cloudfront-hosting-toolkit#12 shows this very answer.
    error = refuse("codepipeline", "CreatePipeline", pipeline(action={"namespace": "a.b"}))
    assert error.code == "ValidationException"
    assert error.message == (
        "1 validation error detected: Value at "
        "'pipeline.stages.1.member.actions.1.member.namespace' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [A-Za-z0-9@\-_]+"
    )


def test_map_values_are_reported_on_the_map() -> None:
    # aws/aws-cdk#12747.
    error = refuse(
        "codepipeline", "CreatePipeline", pipeline(action={"configuration": {"ProjectName": ""}})
    )
    assert error.message == (
        "1 validation error detected: Value at "
        "'pipeline.stages.1.member.actions.1.member.configuration' failed to satisfy constraint: "
        "Map value must satisfy constraint: [Member must have length less than or equal to 1000, "
        "Member must have length greater than or equal to 1]"
    )


def test_a_missing_member_is_null() -> None:
    # Text as sent by live services (Athena, 2026).
    error = refuse("codepipeline", "GetPipeline", {})
    assert error.message == (
        "1 validation error detected: Value null at 'name' failed to satisfy constraint: "
        "Member must not be null"
    )


def test_several_violations_are_counted_and_joined() -> None:
    error = refuse("ssm", "PutParameter", {"Name": "", "Value": "v", "Type": "Text"})
    assert error.code == "ValidationException"
    assert error.message == (
        "2 validation errors detected: "
        "Value '' at 'name' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1; "
        "Value 'Text' at 'type' failed to satisfy constraint: "
        "Member must satisfy enum value set: [String, StringList, SecureString]"
    )


def test_numbers_have_ranges() -> None:
    error = refuse("secretsmanager", "GetRandomPassword", {"PasswordLength": 5000})
    assert error.message == (
        "1 validation error detected: Value '5000' at 'passwordLength' failed to satisfy "
        "constraint: Member must have value less than or equal to 4096"
    )


def test_elements_of_a_list_are_reported_on_the_list() -> None:
    error = refuse("codebuild", "BatchGetBuilds", {"ids": ["", "b"]})
    assert error.code == "InvalidInputException"
    assert error.message == (
        "1 validation error detected: Value '[, b]' at 'ids' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must have length greater than or equal to 1]"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # aws/aws-dotnet-deploy#549
        ("a", "must have length greater than or equal to 2"),
        # boto/boto3#3191, with today's pattern
        ("Aa", "must satisfy regular expression '"),
    ],
)
def test_ecr_has_its_own_words(name: str, expected: str) -> None:
    error = refuse("ecr", "CreateRepository", {"repositoryName": name})
    assert error.code == "InvalidParameterException"
    assert error.message.startswith(
        f"Invalid parameter at 'repositoryName' failed to satisfy constraint: '{expected}"
    )


def test_iam_and_logs_answer_with_their_codes() -> None:
    assert refuse("iam", "CreateUser", {"UserName": "a b"}).code == "ValidationError"
    assert refuse("sts", "AssumeRole", {"RoleArn": "x"}).code == "ValidationError"
    error = refuse("logs", "CreateLogGroup", {"logGroupName": "a b"})
    assert error.code == "InvalidParameterException"
    assert error.message == (
        "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+"
    )


def test_sensitive_values_are_never_shown() -> None:
    model = load("secretsmanager")
    long = "secret" * 20_000
    with pytest.raises(ServiceError) as raised:
        validate(
            model, model.operation("CreateSecret").input_shape,
            {"Name": "n", "SecretString": long},
        )  # fmt: skip
    assert "secretsecret" not in raised.value.message
    assert "'secretString'" in raised.value.message


def test_no_more_than_ten_violations_are_listed() -> None:
    tags = [{"Key": "", "Value": "v"}] * 15
    error = refuse("iam", "CreateUser", {"UserName": "u", "Tags": tags})
    assert error.message.startswith("10 validation errors detected: ")


def test_a_structure_may_be_within_itself() -> None:
    described = {
        "Step": {
            "type": "structure",
            "members": {"Name": {"shape": "Name"}, "Next": {"shape": "Step"}},
        },
        "Name": {"type": "string", "max": 3},
    }
    shape = ShapeResolver(described).get_shape_by_name("Step")
    validate(load("ssm"), shape, {"Name": "one", "Next": {"Name": "two"}})
    with pytest.raises(ServiceError, match=r"Value 'three' at 'next\.next\.name' failed"):
        validate(load("ssm"), shape, {"Next": {"Next": {"Name": "three"}}})


@pytest.mark.parametrize("service", SERVED)
def test_every_pattern_of_the_served_models_can_be_checked(service: str) -> None:
    service_model = load(service).service
    shapes = [service_model.shape_for(name) for name in service_model.shape_names]
    patterns = {shape.metadata["pattern"] for shape in shapes if shape.metadata.get("pattern")}
    assert [pattern for pattern in patterns if compile_pattern(pattern) is None] == []


@pytest.mark.parametrize(
    ("text", "fits"), [("Grüße 漢字 1", True), ("a=b@c:d/e", True), ("a!b", False), ("a\tb", False)]
)
def test_unicode_classes_are_javas(text: str, fits: bool) -> None:
    pattern = compile_pattern(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*")
    assert pattern is not None
    assert bool(pattern.fullmatch(text)) is fits
