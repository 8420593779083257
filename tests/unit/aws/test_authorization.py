"""The checked-in tables: known operations, sources, and the resources they come to."""

from importlib.resources import files
from typing import Any

import pytest

from penstock.aws import authorization
from penstock.aws.authorization import expand, requirements, table
from penstock.aws.errors import ServiceError
from penstock.aws.models import load

PLACE = {
    "region": "us-east-1",
    "account": "123456789012",
    "principal": "arn:aws:iam::123456789012:user/me",
}
SERVICES = sorted(
    entry.name.removesuffix(".json")
    for entry in files(authorization).iterdir()
    if entry.name.endswith(".json")
)


def asked(service: str, operation: str, request: dict[str, Any]) -> list[tuple[str, str]]:
    return [(r.action, r.resource) for r in requirements(service, operation, request, PLACE)]


def test_there_is_a_table_for_every_service_of_the_first_road() -> None:
    first = {"codebuild", "codecommit", "codepipeline", "ecr", "iam", "logs", "s3",
             "secretsmanager", "ssm", "sts"}  # fmt: skip
    assert first <= set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_table_cites_its_page_and_knows_only_aws_operations(service: str) -> None:
    found = table(service)
    assert found is not None
    assert found.source.startswith(
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_"
    )
    assert found.operations.keys() <= load(service).operation_names


@pytest.mark.parametrize("service", SERVICES)
def test_templates_name_members_that_requests_have(service: str) -> None:
    found, model = table(service), load(service)
    assert found is not None
    for operation, rules in found.operations.items():
        for rule in rules:
            paths = [match[1] for match in authorization._PLACEHOLDER.finditer(rule.resource)]
            paths += [path for path in (rule.when, rule.unless) if path]
            for path in paths:
                shape = model.operation(operation).input_shape
                for part in [] if path in PLACE else path.split("."):
                    shape = shape.members[part.removesuffix("[]")]
                    if part.endswith("[]"):
                        shape = shape.member


@pytest.mark.parametrize(
    ("service", "operation", "request_", "expected"),
    [
        ("codepipeline", "GetPipeline", {"name": "release"},
         [("codepipeline:GetPipeline", "arn:aws:codepipeline:us-east-1:123456789012:release")]),
        ("codepipeline", "PutApprovalResult",
         {"pipelineName": "p", "stageName": "s", "actionName": "a"},
         [("codepipeline:PutApprovalResult",
           "arn:aws:codepipeline:us-east-1:123456789012:p/s/a")]),
        ("codebuild", "BatchGetBuilds", {"ids": ["app:1", "app:2", "web:3"]},
         [("codebuild:BatchGetBuilds",
           "arn:aws:codebuild:us-east-1:123456789012:project/app"),
          ("codebuild:BatchGetBuilds",
           "arn:aws:codebuild:us-east-1:123456789012:project/web")]),
        ("codebuild", "StopBuild",
         {"id": "arn:aws:codebuild:us-east-1:123456789012:build/app:uuid"},
         [("codebuild:StopBuild", "arn:aws:codebuild:us-east-1:123456789012:project/app")]),
        # What follows is read as the operations read it: never as a name that policies allow
        # while the operation acts on another one.
        ("codebuild", "StartBuild", {"projectName": "allowed:project/other"},
         [("codebuild:StartBuild", "arn:aws:codebuild:us-east-1:123456789012:project/allowed")]),
        ("codebuild", "BatchGetProjects",
         {"names": ["arn:aws:codebuild:us-east-1:123456789012:project/app"]},
         [("codebuild:BatchGetProjects", "arn:aws:codebuild:us-east-1:123456789012:project/app")]),
        ("ssm", "GetParameter", {"Name": "arn:aws:ssm:us-east-1:123456789012:parameter/a/b:3"},
         [("ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/a/b")]),
        ("logs", "GetLogEvents",
         {"logGroupIdentifier": "arn:aws:logs:eu-west-1:210987654321:log-group:/g",
          "logStreamName": "s"},
         [("logs:GetLogEvents",
           "arn:aws:logs:us-east-1:123456789012:log-group:/g:log-stream:s")]),
        ("logs", "DescribeLogStreams", {"logGroupIdentifier": "/g"},
         [("logs:DescribeLogStreams",
           "arn:aws:logs:us-east-1:123456789012:log-group:/g:log-stream:")]),
        ("secretsmanager", "GetSecretValue", {"SecretId": "db"},
         [("secretsmanager:GetSecretValue",
           "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-??????")]),
        ("ssm", "GetParameters", {"Names": ["/a/b", "c:3"]},
         [("ssm:GetParameters", "arn:aws:ssm:us-east-1:123456789012:parameter/a/b"),
          ("ssm:GetParameters", "arn:aws:ssm:us-east-1:123456789012:parameter/c")]),
        ("s3", "GetObject", {"Bucket": "b", "Key": "x/y", "VersionId": "1"},
         [("s3:GetObjectVersion", "arn:aws:s3:::b/x/y")]),
        ("s3", "CopyObject", {"Bucket": "b", "Key": "k", "CopySource": "/from/a%20b?versionId=1"},
         [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:GetObject", "arn:aws:s3:::from/a b")]),
        ("logs", "PutLogEvents", {"logGroupName": "/aws/codebuild/p", "logStreamName": "s"},
         [("logs:PutLogEvents",
           "arn:aws:logs:us-east-1:123456789012:log-group:/aws/codebuild/p:log-stream:s")]),
        ("iam", "CreateRole", {"RoleName": "r", "Path": "/team/"},
         [("iam:CreateRole", "arn:aws:iam::123456789012:role/team/r")]),
        ("iam", "CreateRole", {"RoleName": "r"},
         [("iam:CreateRole", "arn:aws:iam::123456789012:role/r")]),
        ("iam", "GetUser", {}, [("iam:GetUser", "arn:aws:iam::123456789012:user/me")]),
        ("sts", "GetCallerIdentity", {}, []),
        # The trust policy may allow by itself: the operation weighs it with the caller's policies.
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/r"}, []),
        ("cloudformation", "UpdateStack", {"StackName": "todo"},
         [("cloudformation:UpdateStack",
           "arn:aws:cloudformation:us-east-1:123456789012:stack/todo/*")]),
        ("cloudformation", "DescribeStacks", {}, [("cloudformation:DescribeStacks", "*")]),
        ("cloudformation", "ExecuteChangeSet",
         {"ChangeSetName": "arn:aws:cloudformation:us-east-1:1:changeSet/c/1"},
         [("cloudformation:ExecuteChangeSet",
           "arn:aws:cloudformation:us-east-1:1:changeSet/c/1")]),
        ("ecr", "DescribeRepositories", {},
         [("ecr:DescribeRepositories", "arn:aws:ecr:us-east-1:123456789012:repository/*")]),
    ],
)  # fmt: skip
def test_requests_come_to_resources(
    service: str, operation: str, request_: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert asked(service, operation, request_) == expected


def test_handing_over_a_role_needs_pass_role_for_that_service() -> None:
    request = {
        "pipeline": {
            "name": "p",
            "roleArn": "arn:aws:iam::1:role/p",
            "stages": [{"actions": [{"roleArn": "arn:aws:iam::1:role/a"}, {}]}],
        }
    }
    needed = requirements("codepipeline", "CreatePipeline", request, PLACE)
    passed = [(r.resource, r.context) for r in needed if r.action == "iam:PassRole"]
    context = {"iam:PassedToService": "codepipeline.amazonaws.com"}
    assert passed == [("arn:aws:iam::1:role/p", context), ("arn:aws:iam::1:role/a", context)]


@pytest.mark.parametrize(
    "operation",
    ["ContinueUpdateRollback", "CreateChangeSet", "CreateStack", "DeleteStack", "UpdateStack"],
)
def test_a_stack_s_role_must_be_passed_to_cloudformation(operation: str) -> None:
    request = {"StackName": "todo", "RoleARN": "arn:aws:iam::1:role/deploy"}
    passed = requirements("cloudformation", operation, request, PLACE)[-1]
    assert (passed.action, passed.resource) == ("iam:PassRole", "arn:aws:iam::1:role/deploy")
    assert passed.context == {"iam:PassedToService": "cloudformation.amazonaws.com"}


def test_an_operation_without_a_rule_is_denied() -> None:
    with pytest.raises(ServiceError) as raised:
        requirements("ssm", "StartSession", {}, PLACE)
    assert raised.value.code == "AccessDeniedException"


def test_every_value_of_a_list_becomes_a_resource() -> None:
    found = expand("{a[].b}/{region}", {"a": [{"b": "x"}, {}, {"b": "y"}]}, PLACE)
    assert found == ["x/us-east-1", "y/us-east-1"]
    several = {"a": [1, 2], "b": ["x", "y"]}
    assert expand("{a[]}-{b[]}!", several, PLACE) == ["1-x!", "1-y!", "2-x!", "2-y!"]
    assert expand("{a[]}-{b[]}!", {"a": [3]}, PLACE) == ["3-*!"]
