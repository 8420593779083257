import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.requests.summary import summary, validation
from penstock.stacks.template.load import load_template

TEMPLATE = load_template("""
AWSTemplateFormatVersion: 2010-09-09
Description: Two roles
Metadata: {Made: {By: hand}}
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod], Description: Where}
  Secret: {Type: String, NoEcho: true}
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {RoleName: fixed}}
  Policy: {Type: AWS::IAM::Policy}
  One: {Type: AWS::SNS::Topic}
  Two: {Type: AWS::SNS::Topic}
""")


def test_validation():
    assert validation(TEMPLATE) == {
        "Parameters": [
            {
                "ParameterKey": "Stage",
                "DefaultValue": "dev",
                "NoEcho": False,
                "Description": "Where",
            },
            {
                "ParameterKey": "Secret",
                "DefaultValue": None,
                "NoEcho": True,
                "Description": None,
            },
        ],
        "Description": "Two roles",
        "DeclaredTransforms": None,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "CapabilitiesReason": (
            "The following resource(s) require capabilities: [AWS::IAM::Policy, AWS::IAM::Role]"
        ),
    }


def test_summary():
    found = summary(TEMPLATE)
    stage, secret = found["Parameters"]
    assert stage["ParameterType"] == "String"
    assert stage["ParameterConstraints"] == {"AllowedValues": ["dev", "prod"]}
    assert secret["ParameterConstraints"] == {}
    topic = "AWS::SNS::Topic"
    assert found["ResourceTypes"] == ["AWS::IAM::Role", "AWS::IAM::Policy", topic, topic]
    assert (found["Version"], found["Metadata"]) == ("2010-09-09", '{"Made": {"By": "hand"}}')
    identifiers = {one["ResourceType"]: one for one in found["ResourceIdentifierSummaries"]}
    assert identifiers["AWS::SNS::Topic"] == {
        "ResourceType": "AWS::SNS::Topic",
        "LogicalResourceIds": ["One", "Two"],
        "ResourceIdentifiers": ["TopicArn"],
    }
    assert found["Warnings"] is None


def test_no_capabilities_are_needed_for_most():
    template = load_template("Resources: {T: {Type: 'AWS::SNS::Topic'}}")
    assert "Capabilities" not in validation(template)
    unnamed = load_template("Resources: {R: {Type: 'AWS::IAM::Role'}}")
    assert validation(unnamed)["Capabilities"] == ["CAPABILITY_IAM"]


def test_types_that_aws_lacks():
    template = load_template(
        "Resources: {A: {Type: 'AWS::SNS::Topik'}, B: {Type: 'My::Own'}, C: {Type: 'Custom::X'}}"
    )
    for asked in (validation, summary):
        with pytest.raises(ServiceError) as raised:
            asked(template)
        assert raised.value.message == (
            "Template format error: Unrecognized resource types: [AWS::SNS::Topik, My::Own]"
        )
    warned = summary(template, unrecognized_as_warnings=True)
    assert warned["Warnings"] == {"UnrecognizedResourceTypes": ["AWS::SNS::Topik", "My::Own"]}
