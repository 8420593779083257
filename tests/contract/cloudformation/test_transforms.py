"""Transforms over the wire: both stages of a template, change sets of them, and what is refused.

Expected answers: API_GetTemplate.html, API_CreateStack.html (Capabilities), the examples of AWS's
pages on each transform, and texts recorded from AWS.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.cloudformation.conftest import CloudFormationServer

EXPAND = {"Capabilities": ["CAPABILITY_AUTO_EXPAND"]}
EXTENDED = """
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: "a,b"}}
Resources:
  Fn::ForEach::Things:
    - Name
    - !Ref Names
    - Thing${Name}:
        Type: AWS::SSM::Parameter
        Properties: {Type: String, Name: !Ref Name, Value: {Fn::ToJsonString: {n: !Ref Name}}}
Outputs:
  Count: {Value: {Fn::Length: !Ref Names}}
"""
SERVERLESS = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Store:
    Type: AWS::Serverless::SimpleTable
    Properties: {PrimaryKey: {Name: id, Type: String}}
"""


@contextlib.contextmanager
def refused(message: str, code: str = "ValidationError") -> Iterator[None]:
    with pytest.raises(ClientError) as raised:
        yield
    assert (raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]) == (
        code,
        message,
    )


def body(server: CloudFormationServer, **asked: str) -> Any:
    return server.client.get_template(**asked)["TemplateBody"]


class TestStages:
    def test_both_stages_of_a_stack(self, server: CloudFormationServer) -> None:
        stack = server.create("shop", EXTENDED, **EXPAND)
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        assert stack["Outputs"] == [{"OutputKey": "Count", "OutputValue": "2"}]
        found = server.client.get_template(StackName="shop", TemplateStage="Original")
        assert found["StagesAvailable"] == ["Original", "Processed"]
        assert found["TemplateBody"] == EXTENDED
        processed = body(server, StackName="shop", TemplateStage="Processed")
        assert list(processed["Resources"]) == ["Thinga", "Thingb"]
        assert "Transform" not in processed
        assert body(server, StackName="shop") == processed
        values = {name: properties["Value"] for name, _, properties in server.store.things()}
        assert values == {"Thinga": '{"n":"a"}', "Thingb": '{"n":"b"}'}

    def test_a_template_without_transforms(self, server: CloudFormationServer) -> None:
        text = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
        server.create("shop", text)
        for stage in ("Original", "Processed"):
            assert body(server, StackName="shop", TemplateStage=stage) == json.loads(text)

    def test_the_previous_template_is_expanded_again(self, server: CloudFormationServer) -> None:
        server.create("shop", EXTENDED, **EXPAND)
        server.client.update_stack(
            StackName="shop", UsePreviousTemplate=True, **EXPAND,
            Parameters=[{"ParameterKey": "Names", "ParameterValue": "b,c"}],
        )  # fmt: skip
        assert server.ended("shop")["StackStatus"] == "UPDATE_COMPLETE"
        assert list(body(server, StackName="shop")["Resources"]) == ["Thingb", "Thingc"]
        assert body(server, StackName="shop", TemplateStage="Original") == EXTENDED
        assert [name for name, _, _ in server.store.things()] == ["Thingb", "Thingc"]

    def test_a_value_that_only_the_execution_knows(self, server: CloudFormationServer) -> None:
        other = "Other: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: '\"'}}"
        text = EXTENDED.replace("n: !Ref Name", "n: !GetAtt Other.Value")
        text = text.replace("Resources:", f"Resources:\n  {other}")
        assert server.create("shop", text, **EXPAND)["StackStatus"] == "CREATE_COMPLETE"
        values = {name: properties["Value"] for name, _, properties in server.store.things()}
        assert json.loads(values["Thinga"]) == {"n": '"'}


class TestChangeSets:
    def change_set(self, server: CloudFormationServer, text: str, **more: Any) -> dict[str, Any]:
        server.client.create_change_set(
            StackName="shop", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=text, **more
        )
        found: dict[str, Any] = server.client.describe_change_set(
            StackName="shop", ChangeSetName="c"
        )
        return found

    def test_what_was_reviewed_is_executed(self, server: CloudFormationServer) -> None:
        found = self.change_set(server, EXTENDED)  # a review needs no CAPABILITY_AUTO_EXPAND
        assert found["Status"] == "CREATE_COMPLETE"
        changed = [one["ResourceChange"]["LogicalResourceId"] for one in found["Changes"]]
        assert sorted(changed) == ["Thinga", "Thingb"]
        asked = {"StackName": "shop", "ChangeSetName": "c"}
        assert body(server, **asked, TemplateStage="Original") == EXTENDED
        processed = body(server, **asked)
        server.client.execute_change_set(**asked)
        assert server.ended("shop")["StackStatus"] == "CREATE_COMPLETE"
        assert body(server, StackName="shop") == processed

    def test_a_transform_that_fails(self, server: CloudFormationServer) -> None:
        found = self.change_set(server, EXTENDED.replace("!Ref Names}", "abc}"))
        assert (found["Status"], found["ExecutionStatus"], found["Changes"]) == (
            "FAILED",
            "UNAVAILABLE",
            [],
        )
        assert found["StatusReason"] == (
            "Transform AWS::LanguageExtensions failed with: Fn::Length layout is incorrect"
        )
        template = server.client.get_template(
            StackName="shop", ChangeSetName="c", TemplateStage="Original"
        )
        assert template["StagesAvailable"] == ["Original"]
        with pytest.raises(ClientError, match="has no stage Processed"):
            body(server, StackName="shop", ChangeSetName="c")

    def test_what_a_transform_makes_needs_capabilities_too(
        self, server: CloudFormationServer
    ) -> None:
        text = EXTENDED.replace("AWS::SSM::Parameter", "AWS::IAM::Role")
        found = self.change_set(server, text)
        assert found["StatusReason"] == "Requires capabilities : [CAPABILITY_IAM]"


class TestCapabilities:
    @pytest.mark.parametrize("text", [EXTENDED, SERVERLESS])
    def test_a_stack_without_review_needs_one(
        self, server: CloudFormationServer, text: str
    ) -> None:
        with refused(
            "Requires capabilities : [CAPABILITY_AUTO_EXPAND]", "InsufficientCapabilitiesException"
        ):
            server.client.create_stack(StackName="shop", TemplateBody=text)
        with pytest.raises(ClientError, match="does not exist"):
            server.client.describe_stacks(StackName="shop")

    @pytest.mark.parametrize("text", [EXTENDED, SERVERLESS])
    def test_what_a_template_declares(self, server: CloudFormationServer, text: str) -> None:
        validated = server.client.validate_template(TemplateBody=text)
        summary = server.client.get_template_summary(TemplateBody=text)
        name = text.split()[1]
        for found in (validated, summary):
            assert found["DeclaredTransforms"] == [name]
            assert found["Capabilities"] == ["CAPABILITY_AUTO_EXPAND"]
        keys = [one["ParameterKey"] for one in summary["Parameters"]]
        assert keys == (["Names"] if text == EXTENDED else [])

    def test_the_summary_of_a_stack(self, server: CloudFormationServer) -> None:
        server.create("shop", EXTENDED, **EXPAND)
        found = server.client.get_template_summary(StackName="shop")
        assert found["DeclaredTransforms"] == ["AWS::LanguageExtensions"]


class TestServerless:
    def test_a_stack_of_recorded_types(self, server: CloudFormationServer) -> None:
        assert server.create("shop", SERVERLESS, **EXPAND)["StackStatus"] == "CREATE_COMPLETE"
        [table] = server.client.describe_stack_resources(StackName="shop")["StackResources"]
        assert (table["LogicalResourceId"], table["ResourceType"]) == (
            "Store",
            "AWS::DynamoDB::Table",
        )

    def test_a_mistake(self, server: CloudFormationServer) -> None:
        with refused(
            "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application "
            "Specification document. Number of errors found: 1. Resource with id [Store] is "
            "invalid. property Nme not defined for resource of type AWS::Serverless::SimpleTable"
        ):
            server.client.create_stack(
                StackName="shop", TemplateBody=SERVERLESS.replace("PrimaryKey", "Nme"), **EXPAND
            )


def test_functions_of_a_transform_that_is_not_declared(server: CloudFormationServer) -> None:
    properties = "{TopicName: {Fn::ToJsonString: []}}"
    text = f"Resources: {{T: {{Type: AWS::SNS::Topic, Properties: {properties}}}}}"
    with pytest.raises(ClientError) as raised:
        server.client.create_stack(StackName="shop", TemplateBody=text)
    message = raised.value.response["Error"]["Message"]
    assert message.startswith("Template error: Encountered unsupported function: Fn::ToJsonString ")
    assert "needs the AWS::LanguageExtensions transform" in message


def test_an_unknown_transform(server: CloudFormationServer) -> None:
    text = "Transform: Mine\nResources: {T: {Type: AWS::SNS::Topic}}"
    with refused("No transform named 123456789012::Mine found."):
        server.client.create_stack(StackName="shop", TemplateBody=text, **EXPAND)


def test_a_macro_s_name_is_taken(server: CloudFormationServer) -> None:
    macro = json.dumps(
        {
            "Resources": {
                "M": {
                    "Type": "AWS::CloudFormation::Macro",
                    "Properties": {"Name": "Mine", "FunctionName": "f"},
                }
            },
            "Outputs": {"Name": {"Value": {"Ref": "M"}}},
        }
    )
    first = server.create("one", macro)
    assert first["Outputs"][0]["OutputValue"] == "Mine"
    assert server.create("two", macro)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert server.client.describe_stack_resources(StackName="one")["StackResources"][0][
        "PhysicalResourceId"
    ] == "Mine"  # fmt: skip
    server.client.delete_stack(StackName="one")
    assert server.ended(first["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert server.create("three", macro)["StackStatus"] == "CREATE_COMPLETE"
