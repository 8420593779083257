"""Stacks with functions whose code stands in the template, and custom resources that they make."""

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.delivery import trust
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

PYTHON = """
import cfnresponse


def handler(event, context):
    if event["ResourceProperties"]["Word"] == "bad":
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, reason="no such word")
        return
    data = {"Word": event["ResourceProperties"]["Word"] + " " + event["RequestType"]}
    cfnresponse.send(event, context, cfnresponse.SUCCESS, data, "made")
"""
NODE = """
const response = require('cfn-response');
exports.handler = function (event, context) {
  const data = { Word: event.ResourceProperties.Word + ' ' + event.RequestType };
  response.send(event, context, response.SUCCESS, data, 'made');
};
"""

MACRO = """
def handler(event, context):
    fragment = event["fragment"]
    fragment["Resources"]["Added"] = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/added", "Type": "String", "Value": event["transformId"]},
    }
    return {"requestId": event["requestId"], "status": "success", "fragment": fragment}
"""
SERVERLESS = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Hello": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "Timeout": 20,
                "InlineCode": "def handler(event, context): return 'hello ' + event['name']",
            },
        }
    },
    "Outputs": {"Hello": {"Value": {"Ref": "Hello"}}},
}


def template(runtime: str, code: str, word: str) -> str:
    return json.dumps({
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": json.loads(trust("lambda.amazonaws.com")),
                    "Policies": [
                        {
                            "PolicyName": "logs",
                            "PolicyDocument": {
                                "Version": "2012-10-17",
                                "Statement": [
                                    {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
                                ],
                            },
                        }
                    ],
                },
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": runtime,
                    "Handler": "index.handler",
                    "Timeout": 30,
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": code},
                },
            },
            "Thing": {
                "Type": "Custom::Thing",
                "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "Word": word},
            },
        },
        "Outputs": {
            "Word": {"Value": {"Fn::GetAtt": ["Thing", "Word"]}},
            "Thing": {"Value": {"Ref": "Thing"}},
            "Function": {"Value": {"Ref": "Function"}},
        },
    })  # fmt: skip


def with_macro() -> str:
    document = json.loads(template("python3.12", MACRO, ""))
    del document["Resources"]["Thing"], document["Outputs"]
    document["Resources"]["Macro"] = {
        "Type": "AWS::CloudFormation::Macro",
        "Properties": {"Name": "Adds", "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]}},
    }
    return json.dumps(document)


def outputs(client: Any, name: str) -> dict[str, str]:
    [stack] = client.describe_stacks(StackName=name)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def wait(client: Any, what: str, name: str) -> None:
    client.get_waiter(what).wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 90})


@pytest.mark.parametrize(
    ("runtime", "code"), [("python3.13", PYTHON), ("nodejs22.x", NODE)], ids=["python", "nodejs"]
)
def test_a_custom_resource_is_made_changed_and_deleted(
    server: ServerProcess, runtime: str, code: str
) -> None:
    client = server.client("cloudformation")
    name = f"custom-{runtime[:6]}"
    request = {"StackName": name, "Capabilities": ["CAPABILITY_IAM"]}
    client.create_stack(**request, TemplateBody=template(runtime, code, "sesame"))
    wait(client, "stack_create_complete", name)
    made = outputs(client, name)
    assert (made["Thing"], made["Word"]) == ("made", "sesame Create")
    client.update_stack(**request, TemplateBody=template(runtime, code, "open"))
    wait(client, "stack_update_complete", name)
    assert outputs(client, name)["Word"] == "open Update"
    client.delete_stack(StackName=name)
    wait(client, "stack_delete_complete", name)
    assert server.client("lambda").list_functions()["Functions"] == []
    found = server.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{made['Function']}", filterPattern="START"
    )
    assert len([each for each in found["events"] if each["message"].startswith("START ")]) == 3


def test_a_function_that_refuses_fails_its_resource(server: ServerProcess) -> None:
    client = server.client("cloudformation")
    client.create_stack(
        StackName="refused",
        Capabilities=["CAPABILITY_IAM"],
        TemplateBody=template("python3.12", PYTHON, "bad"),
        OnFailure="DO_NOTHING",
    )
    with pytest.raises(WaiterError):
        wait(client, "stack_create_complete", "refused")
    events = client.describe_stack_events(StackName="refused")["StackEvents"]
    [failed] = [each for each in events if each["ResourceStatus"] == "CREATE_FAILED"
                and each["LogicalResourceId"] == "Thing"]  # fmt: skip
    assert "no such word" in failed["ResourceStatusReason"]


def test_a_macro_changes_the_templates_of_others(server: ServerProcess) -> None:
    client = server.client("cloudformation")
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    client.create_stack(StackName="macro", Capabilities=capabilities, TemplateBody=with_macro())
    wait(client, "stack_create_complete", "macro")
    using = {
        "Transform": "Adds",
        "Resources": {
            "Own": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": "/own", "Type": "String", "Value": "own"},
            }
        },
    }
    client.create_stack(
        StackName="using", Capabilities=capabilities, TemplateBody=json.dumps(using)
    )
    wait(client, "stack_create_complete", "using")
    added = server.client("ssm").get_parameter(Name="/added")["Parameter"]["Value"]
    assert added == "123456789012::Adds"


def test_a_serverless_function_runs(server: ServerProcess) -> None:
    client = server.client("cloudformation")
    client.create_stack(
        StackName="sam",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        TemplateBody=json.dumps(SERVERLESS),
    )
    wait(client, "stack_create_complete", "sam")
    answer = server.client("lambda").invoke(
        FunctionName=outputs(client, "sam")["Hello"], Payload=b'{"name": "ann"}'
    )
    assert json.load(answer["Payload"]) == "hello ann"
