"""Attributes that a type has, and what is said of those that it has not."""

import json
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.requests.attributes import check_attributes, has_attribute
from penstock.stacks.template import graph
from penstock.stacks.template.load import load_template


@pytest.mark.parametrize(
    ("type_name", "attribute", "expected"),
    [
        ("AWS::SQS::Queue", "Arn", True),
        ("AWS::SQS::Queue", "QueueName", True),  # a property, which AWS gives of this type
        ("AWS::SQS::Queue", "arn", False),
        ("AWS::RDS::DBCluster", "Arn", False),  # refused by AWS: stacker_blueprints#46
        ("AWS::ApiGateway::BasePathMapping", "Arn", False),  # refused by AWS: chalice#1837
        ("AWS::ApiGateway::RestApi", "Stage", False),  # serverless-application-model#752
        ("AWS::RDS::DBInstance", "Endpoint", True),
        ("AWS::RDS::DBInstance", "Endpoint.Address", True),
        ("AWS::RDS::DBInstance", "Endpoint.Nothing", False),
        ("AWS::ElastiCache::CacheCluster", "RedisEndpoint.Port", True),
        ("AWS::ElastiCache::ReplicationGroup", "ReadEndPoint.Addresses.List", True),
        ("AWS::ElastiCache::ReplicationGroup", "ReadEndPoint.Ports.List", True),
        ("AWS::ElastiCache::ReplicationGroup", "ReadEndPoint.Nothing.List", False),
        ("AWS::ElasticLoadBalancing::LoadBalancer", "SourceSecurityGroup.GroupName", True),
        ("AWS::EC2::VPCEndpoint", "DnsEntries", True),
        ("AWS::MediaLive::Input", "Destinations.0.Ip", True),
        ("AWS::CloudFormation::WaitCondition", "Data", True),
        ("AWS::CloudFormation::Stack", "Outputs.Anything", True),
        ("AWS::CloudFormation::Stack", "Anything", False),
        ("AWS::ServiceCatalog::CloudFormationProvisionedProduct", "Outputs.Url", True),
        ("AWS::CloudFormation::CustomResource", "Anything.At.All", True),
        ("Custom::Thing", "Anything", True),
        ("AWS::No::Such", "Anything", True),
    ],
)
def test_has_attribute(type_name: str, attribute: str, expected: bool) -> None:
    assert has_attribute(type_name, attribute) is expected


def check(properties: dict[str, Any], outputs: dict[str, Any] | None = None) -> None:
    template = load_template(
        json.dumps(
            {
                "Parameters": {"Which": {"Type": "String"}},
                "Conditions": {"No": {"Fn::Equals": ["a", "b"]}},
                "Resources": {
                    "Queue": {"Type": "AWS::SQS::Queue"},
                    "Topic": {"Type": "AWS::SNS::Topic", "Properties": properties},
                    "Left": {
                        "Type": "AWS::SNS::Topic",
                        "Condition": "No",
                        "Properties": {"DisplayName": {"Fn::GetAtt": ["Queue", "Nope"]}},
                    },
                },
                "Outputs": outputs or {},
            }
        )
    )
    conditions = {"No": False}
    check_attributes(template, conditions, graph.live_references(template, conditions))


WRONG = [
    {"Fn::GetAtt": ["Queue", "Nope"]},
    {"Fn::GetAtt": "Queue.Nope"},
    {"Fn::Sub": "a-${Queue.Nope}"},
    {"Fn::Join": ["", ["a", {"Fn::GetAtt": ["Queue", "Nope"]}]]},
]


@pytest.mark.parametrize("node", WRONG)
def test_in_a_resource_and_in_an_output(node: Any) -> None:
    message = "Template error: resource Queue does not support attribute type Nope in Fn::GetAtt"
    with pytest.raises(ServiceError) as raised:
        check({"DisplayName": node})
    assert raised.value.message == message
    with pytest.raises(ServiceError) as raised:
        check({}, {"O": {"Value": node}})
    assert (raised.value.code, raised.value.message) == ("ValidationError", message)


@pytest.mark.parametrize("node", WRONG)
def test_what_is_not_live_is_not_looked_at(node: Any) -> None:
    check({"DisplayName": {"Fn::If": ["No", node, "a"]}})
    check({}, {"O": {"Condition": "No", "Value": node}})


def test_an_attribute_that_a_parameter_names() -> None:
    check({"DisplayName": {"Fn::GetAtt": ["Queue", {"Ref": "Which"}]}})
