"""Fn::GetStackOutput: the value of another stack's output, as weak as AWS has it.

Source: intrinsic-function-reference-getstackoutput.html; where it may stand: cfn-lint#4519.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

KIND = "AWS::SSM::Parameter"


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    return {"Type": KIND, "Properties": {"Type": "String", "Value": value, **more}}


def body(resources: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Resources": resources, **more})


def output(stack: Any = "net", name: Any = "Id", **more: Any) -> dict[str, Any]:
    return {"Fn::GetStackOutput": {"StackName": stack, "OutputName": name, **more}}


def values(server: Any) -> dict[str, str]:
    return {logical: properties["Value"] for logical, _, properties in server.store.things()}


def refusal(server: Any, name: str, template: str, **more: Any) -> str:
    with pytest.raises(ClientError) as raised:
        server.create(name, template, **more)
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    return str(raised.value.response["Error"]["Message"])


@pytest.fixture
def net(server: Any) -> str:
    made = body({"N": parameter("n")}, Outputs={"Id": {"Value": "vpc-1"}, "Other": {"Value": "o"}})
    return str(server.create("net", made)["StackId"])


def test_a_value_of_resources_functions_and_outputs(server: Any, net: str) -> None:
    resources = {
        "A": parameter(output()),
        "B": parameter({"Fn::Sub": ["<${V}>", {"V": output({"Ref": "P"}, "Other")}]}),
        "C": parameter(output({"Ref": "I"}, Region={"Ref": "AWS::Region"})),
    }
    given = [{"ParameterKey": "I", "ParameterValue": net}]
    parameters = {"P": {"Type": "String", "Default": "net"}, "I": {"Type": "String"}}
    made = body(resources, Parameters=parameters, Outputs={"O": {"Value": output()}})
    stack = server.create("app", made, Parameters=given)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert values(server) | {"N": ""} == {"N": "", "A": "vpc-1", "B": "<o>", "C": "vpc-1"}
    assert stack["Outputs"] == [{"OutputKey": "O", "OutputValue": "vpc-1"}]


def test_a_short_form(server: Any, net: str) -> None:
    made = """
Resources:
  A:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !GetStackOutput {StackName: net, OutputName: Id}}
"""
    server.create("app", made)
    assert values(server)["A"] == "vpc-1"


def test_a_name_that_another_resource_gives(server: Any, net: str) -> None:
    resources = {"A": parameter("net"), "B": parameter(output({"Fn::GetAtt": ["A", "Value"]}))}
    assert server.create("app", body(resources))["StackStatus"] == "CREATE_COMPLETE"
    assert values(server)["B"] == "vpc-1"


def test_an_update_reads_it_again_and_a_change_set_shows_it(server: Any, net: str) -> None:
    made = body({"A": parameter(output())})
    server.create("app", made)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        server.update("app", made)
    server.update("net", body({"N": parameter("n")}, Outputs={"Id": {"Value": "vpc-2"}}))
    assert values(server)["A"] == "vpc-1", "nothing is told to who reads it"
    server.client.create_change_set(StackName="app", ChangeSetName="next", TemplateBody=made)
    found = server.client.describe_change_set(
        StackName="app", ChangeSetName="next", IncludePropertyValues=True
    )
    [change] = found["Changes"]
    [detail] = change["ResourceChange"]["Details"]
    target = detail["Target"]
    assert (target["BeforeValue"], target["AfterValue"]) == ("vpc-1", "vpc-2")
    server.client.execute_change_set(StackName="app", ChangeSetName="next")
    assert server.ended("app")["StackStatus"] == "UPDATE_COMPLETE"
    assert values(server)["A"] == "vpc-2"


def test_the_other_stack_may_go(server: Any, net: str) -> None:
    """A weak reference: no guard, unlike an export's."""
    made = body({"A": parameter(output())})
    server.create("app", made)
    server.client.delete_stack(StackName="net")
    assert server.ended(net)["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="Stack with id net does not exist"):
        server.update("app", made)
    server.client.delete_stack(StackName="app")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (output("none"), "Stack with id none does not exist"),
        (output(name="None"), "Output None does not exist in stack net"),
        (output(Region="eu-west-1"), "stack in eu-west-1 is not supported here"),
        (output(RoleArn="arn:aws:iam::210987654321:role/r"), "with RoleArn is not supported here"),
        ({"Fn::GetStackOutput": {"StackName": "net"}}, "requires the strings StackName and Output"),
        ({"Fn::GetStackOutput": ["net", "Id"]}, "requires the strings StackName and OutputName"),
        ({"Fn::ImportValue": output()}, "the attribute in Fn::ImportValue must not depend on any"),
    ],
)
def test_what_cannot_be_read_is_refused(server: Any, net: str, value: Any, message: str) -> None:
    assert message in refusal(server, "app", body({"A": parameter(value)}))


def test_where_aws_takes_none(server: Any, net: str) -> None:
    conditions = {"C": {"Fn::Equals": [output(), "x"]}}
    assert "Cannot use Fn::GetStackOutput in Conditions" in refusal(
        server, "app", body({"A": parameter("a")}, Conditions=conditions)
    )
    exported = {"O": {"Value": "v", "Export": {"Name": output()}}}
    assert "The Name field of Export must not depend on any resources" in refusal(
        server, "app", body({"A": parameter("a")}, Outputs=exported)
    )


def test_it_is_read_as_the_stacks_role(server: Any, net: str) -> None:
    role = server.role("deployer", "cloudformation.amazonaws.com")
    made = body({"A": parameter(output())})
    assert server.create("app", made, RoleARN=role)["StackStatus"] == "CREATE_COMPLETE"
    assert values(server)["A"] == "vpc-1"
