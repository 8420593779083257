"""ValidateTemplate and GetTemplateSummary: nothing is made, everything is said.

Expected answers: API_ValidateTemplate.html, API_GetTemplateSummary.html and the texts recorded
from AWS.
"""

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.aws_server import AwsServer, Backend
from tests.databases import opened_database

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal, PrincipalKind, Service
from penstock.clock import utc_now
from penstock.services.iam import Iam
from penstock.services.s3 import Objects
from penstock.services.s3.api import service as s3
from penstock.services.sts import Sts
from penstock.stacks.api import service as cloudformation
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.stacks import Stacks
from penstock.storage.blobs import Blobs
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import Outbox

ACCOUNT, REGION = "123456789012", "us-east-1"
TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Description: A role and a queue
Metadata: {Owner: me}
Parameters:
  Env: {Type: String, Default: dev, AllowedValues: [dev, prod], Description: Which}
  Count: {Type: Number, NoEcho: true}
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "${AWS::StackName}-${Env}"}}
"""
NOT_WELL_FORMED = "Template format error: YAML not well-formed. (line 1, column 70): "
UNRESOLVED = "Template format error: Unresolved resource dependencies"
SMALL = "Resources: {Queue: {Type: 'AWS::SQS::Queue'}}"


async def only_cloudformation(
    principal: Principal, action: str, resource: str, context: Mapping[str, str] | None = None
) -> None:
    """Root may do everything, others only what is CloudFormation's."""
    if principal.kind is not PrincipalKind.ROOT and not action.startswith("cloudformation:"):
        raise ServiceError("AccessDenied", f"{principal.arn} may not {action}", status=403)


@pytest.fixture
def server(aws_server: Callable[..., AwsServer], tmp_path: Path) -> AwsServer:
    async def build(stack: contextlib.AsyncExitStack) -> Backend:
        database = stack.enter_context(opened_database(tmp_path))
        cipher = Cipher.open(tmp_path / "key")
        iam = Iam(database, cipher, ACCOUNT, utc_now)
        (tmp_path / "blobs").mkdir()
        services: list[Service] = []
        in_process = InProcess(
            lambda: services, only_cloudformation, ACCOUNT, REGION, utc_now, "http://127.0.0.1:4600"
        )
        stacks = Stacks(
            database, Outbox(database), cipher, in_process, Sts(iam), utc_now, dict,
            ACCOUNT, REGION,
        )  # fmt: skip
        await stacks.start()
        stack.push_async_callback(stacks.close)
        change_sets = ChangeSets(database, cipher, stacks, in_process, utc_now)
        services += [
            s3(Objects(database, Blobs(tmp_path / "blobs"), utc_now, region=REGION)),
            cloudformation(stacks, change_sets),
        ]
        return Backend(services, authorize=only_cloudformation)

    started = aws_server(build)
    assert isinstance(started, AwsServer)
    return started


@pytest.fixture
def client(server: AwsServer) -> Any:
    return server.client("cloudformation")


def refused(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_validate_template(client: Any) -> None:
    answer = client.validate_template(TemplateBody=TEMPLATE)
    assert answer["Parameters"] == [
        {
            "ParameterKey": "Env",
            "DefaultValue": "dev",
            "NoEcho": False,
            "Description": "Which",
        },
        {"ParameterKey": "Count", "NoEcho": True},
    ]
    assert answer["Description"] == "A role and a queue"
    assert answer["Capabilities"] == ["CAPABILITY_IAM"]
    assert answer["CapabilitiesReason"] == (
        "The following resource(s) require capabilities: [AWS::IAM::Role]"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Resources: {}", "Template format error: At least one Resources member must be defined."),
        ('{"Resources": }', "Template format error: JSON not well-formed. (line 1, column 16)"),
        (
            SMALL.replace("}}", ", Properties: {QueueName: !Sub: x}}}"),
            NOT_WELL_FORMED + "unknown tag '!Sub:'; did you mean '!Sub'?",
        ),
        (
            SMALL.replace("SQS::Queue", "SQS::Cue"),
            "Template format error: Unrecognized resource types: [AWS::SQS::Cue]",
        ),
        (
            SMALL.replace("}}", ", Properties: {QueueName: !Ref Name}}}"),
            UNRESOLVED + " [Name] in the Resources block of the template",
        ),
    ],
)
def test_templates_that_aws_refuses(client: Any, body: str, message: str) -> None:
    assert refused(client.validate_template, TemplateBody=body) == ("ValidationError", message)


def test_a_template_of_our_own_s3(server: AwsServer, client: Any) -> None:
    objects = server.client("s3")
    objects.create_bucket(Bucket="templates")
    objects.put_object(Bucket="templates", Key="a/stack.yml", Body=SMALL.encode())
    answer = client.get_template_summary(TemplateURL=f"{server.url}/templates/a/stack.yml")
    assert answer["ResourceTypes"] == ["AWS::SQS::Queue"]
    virtual = "https://templates.s3.us-east-1.amazonaws.com/a/stack.yml"
    assert client.validate_template(TemplateURL=virtual)["Parameters"] == []
    code, message = refused(client.validate_template, TemplateURL=f"{server.url}/templates/none")
    assert code == "ValidationError"
    assert message.startswith("S3 error: The specified key does not exist.\nFor more information")


def test_a_template_must_come_from_somewhere(client: Any) -> None:
    nowhere = ("ValidationError", "Either Template URL or Template Body must be specified.")
    assert refused(client.validate_template) == nowhere
    assert refused(client.get_template_summary) == nowhere
    assert refused(client.validate_template, TemplateURL="https://example.com/dummy.yml") == (
        "ValidationError", "TemplateURL must be a supported URL.",
    )  # fmt: skip


def test_a_template_in_s3_is_read_as_the_caller(server: AwsServer) -> None:
    server.client("s3").create_bucket(Bucket="templates")
    server.client("s3").put_object(Bucket="templates", Key="stack.yml", Body=SMALL.encode())
    validator = server.client("cloudformation", server.user("validator"))
    assert validator.validate_template(TemplateBody=SMALL)["Parameters"] == []
    code, message = refused(
        validator.validate_template, TemplateURL=f"{server.url}/templates/stack.yml"
    )
    assert code == "ValidationError"
    assert message.startswith("S3 error: ")
    assert "s3:GetObject" in message


def test_get_template_summary(client: Any) -> None:
    answer = client.get_template_summary(TemplateBody=TEMPLATE)
    env, count = answer["Parameters"]
    assert env["ParameterType"] == "String"
    assert env["ParameterConstraints"] == {"AllowedValues": ["dev", "prod"]}
    assert (count["ParameterType"], count["NoEcho"]) == ("Number", True)
    assert answer["ResourceTypes"] == ["AWS::IAM::Role", "AWS::SQS::Queue"]
    assert answer["Version"] == "2010-09-09"
    assert json.loads(answer["Metadata"]) == {"Owner": "me"}
    assert answer["Capabilities"] == ["CAPABILITY_IAM"]
    assert {
        "ResourceType": "AWS::SQS::Queue",
        "LogicalResourceIds": ["Queue"],
        "ResourceIdentifiers": ["QueueUrl"],
    } in answer["ResourceIdentifierSummaries"]


def test_unrecognized_types_may_be_warnings(client: Any) -> None:
    body = SMALL.replace("SQS::Queue", "SQS::Cue")
    answer = client.get_template_summary(
        TemplateBody=body,
        TemplateSummaryConfig={"TreatUnrecognizedResourceTypesAsWarnings": True},
    )
    assert answer["Warnings"] == {"UnrecognizedResourceTypes": ["AWS::SQS::Cue"]}


def test_the_summary_of_a_stack(client: Any) -> None:
    client.create_stack(StackName="app", TemplateBody=SMALL)
    client.get_waiter("stack_create_complete").wait(StackName="app", WaiterConfig={"Delay": 1})
    assert client.get_template_summary(StackName="app")["ResourceTypes"] == ["AWS::SQS::Queue"]


def test_the_summary_of_what_is_not_there_yet(client: Any) -> None:
    assert refused(client.get_template_summary, StackName="none") == (
        "ValidationError", "Stack with id none does not exist",
    )  # fmt: skip
    client.create_change_set(
        StackName="new", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=SMALL
    )
    assert refused(client.get_template_summary, StackName="new") == (
        "ValidationError", "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.",
    )  # fmt: skip
    assert refused(client.get_template_summary, StackSetName="set") == (
        "StackSetNotFoundException", "StackSet set not found",
    )  # fmt: skip


def test_every_resource_has_its_type(client: Any) -> None:
    body = (
        "Resources: {B: {Type: 'AWS::SQS::Queue'}, A: {Type: 'AWS::SNS::Topic'}, "
        "C: {Type: 'AWS::SQS::Queue'}}"
    )
    answer = client.get_template_summary(TemplateBody=body)
    queue = "AWS::SQS::Queue"
    assert answer["ResourceTypes"] == [queue, "AWS::SNS::Topic", queue]
    [topics] = [
        each
        for each in answer["ResourceIdentifierSummaries"]
        if each["ResourceType"] == "AWS::SNS::Topic"
    ]
    assert topics["LogicalResourceIds"] == ["A"]
    assert "DeclaredTransforms" not in answer
    assert "Capabilities" not in answer


def test_a_stack_is_summed_up_by_its_id_when_it_is_gone(client: Any) -> None:
    stack_id = client.create_stack(StackName="app", TemplateBody=SMALL)["StackId"]
    client.get_waiter("stack_create_complete").wait(StackName="app", WaiterConfig={"Delay": 1})
    client.delete_stack(StackName="app")
    client.get_waiter("stack_delete_complete").wait(StackName=stack_id, WaiterConfig={"Delay": 1})
    assert client.get_template_summary(StackName=stack_id)["ResourceTypes"] == ["AWS::SQS::Queue"]


def test_one_place_for_the_template(client: Any) -> None:
    for more in ({"TemplateURL": "https://b.s3.amazonaws.com/k"}, {"StackName": "app"}):
        code, _ = refused(client.get_template_summary, TemplateBody=SMALL, **more)
        assert code == "ValidationError"


def test_the_sizes_that_aws_takes(server: AwsServer, client: Any) -> None:
    """51,200 bytes in a request, 1,000,000 by URL."""
    objects = server.client("s3")
    objects.create_bucket(Bucket="templates")

    def sized(size: int) -> str:
        return SMALL + "\n#" + "x" * (size - len(SMALL) - 2)

    assert client.validate_template(TemplateBody=sized(51_200))["Parameters"] == []
    code, message = refused(client.validate_template, TemplateBody=sized(51_201))
    assert code == "ValidationError"
    assert message.startswith("1 validation error detected: Value 'Resources: {")
    assert message.endswith(
        "' at 'templateBody' failed to satisfy constraint: Member must have length less than or "
        "equal to 51200"
    )
    url = f"{server.url}/templates/large.yml"
    objects.put_object(Bucket="templates", Key="large.yml", Body=sized(1_000_000).encode())
    assert client.get_template_summary(TemplateURL=url)["ResourceTypes"] == ["AWS::SQS::Queue"]
    objects.put_object(Bucket="templates", Key="large.yml", Body=sized(1_000_001).encode())
    assert refused(client.validate_template, TemplateURL=url) == (
        "ValidationError", "Template may not exceed 1000000 bytes in size.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ("Type: String, Default: x, AllowedValues: [a]",
         "Parameter 'P' must be one of AllowedValues"),
        ("Type: Number, Default: x", "Parameter 'P' must be a number."),
        ("Type: String, Default: x, AllowedPattern: '[0-9]+'",
         "Parameter 'P' must match pattern [0-9]+"),
        ("Type: Strin", "Template format error: Unrecognized parameter type: Strin"),
    ],
)  # fmt: skip
def test_defaults_that_their_declaration_refuses(client: Any, members: str, message: str) -> None:
    body = f"Parameters: {{P: {{{members}}}}}\n{SMALL}"
    assert refused(client.validate_template, TemplateBody=body) == ("ValidationError", message)


def test_where_json_and_yaml_are_broken(client: Any) -> None:
    recorded = '{"this is invalid JSON"="bobbins"}'
    assert refused(client.validate_template, TemplateBody=recorded)[1] == (
        "Template format error: JSON not well-formed. (line 1, column 25)"
    )
    json_error = "Template format error: JSON not well-formed. (line 3, column 2)"
    assert refused(client.validate_template, TemplateBody='{"Resources": {\n"A": 1,\n}}')[1] == (
        json_error
    )
    _, message = refused(client.validate_template, TemplateBody="Resources:\n  A: [1\n  B: 2\n")
    assert message == "Template format error: YAML not well-formed. (line 3, column 4)"


def test_of_equal_keys_the_last_counts(client: Any) -> None:
    body = "Resources: {A: {Type: 'AWS::SQS::Queue'}, A: {Type: 'AWS::SNS::Topic'}}"
    found = client.get_template_summary(TemplateBody=body)["ResourceTypes"]
    assert found == ["AWS::SNS::Topic"]


def test_the_template_of_a_change_set_by_its_name_alone(client: Any) -> None:
    assert refused(client.get_template, ChangeSetName="does-not-exist") == (
        "ValidationError", "StackName is a required parameter.",
    )  # fmt: skip
