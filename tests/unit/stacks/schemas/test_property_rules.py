"""Properties against AWS's schemas, in the words of AWS's validator."""

from typing import Any

import pytest

from penstock.stacks.schemas import resource_schema
from penstock.stacks.schemas.property_rules import failure, problems
from penstock.stacks.template.evaluate import Unknown

PORT = "#/ContainerDefinitions/0/PortMappings/0/ContainerPort"


def check(type_name: str, properties: dict[str, Any]) -> list[str]:
    schema = resource_schema.schema(type_name)
    assert schema is not None
    return problems(schema, properties)


def container(**members: Any) -> dict[str, Any]:
    return {"ContainerDefinitions": [{"Name": "web", "Image": "web:1", **members}]}


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        (container(Colour=1), "#/ContainerDefinitions/0: extraneous key [Colour] is not permitted"),
        (
            {"ContainerDefinitions": [{"Name": "web"}]},
            "#/ContainerDefinitions/0: required key [Image] not found",
        ),
        (
            container(PortMappings=[{"ContainerPort": "http"}]),
            f"{PORT}: expected type: Integer, found: String",
        ),
        (
            container(PortMappings={"ContainerPort": 80}),
            "#/ContainerDefinitions/0/PortMappings: expected type: JSONArray, found: JSONObject",
        ),
        (
            {"NetworkMode": "wireless"},
            "#/NetworkMode: failed validation constraint for keyword [enum]",
        ),
    ],
)
def test_what_a_schema_forbids(properties: dict[str, Any], problem: str) -> None:
    assert check("AWS::ECS::TaskDefinition", properties) == [problem]


@pytest.mark.parametrize(
    ("type_name", "properties", "problem"),
    [
        ("AWS::SNS::Topic", {"Foo": 1}, "#: extraneous key [Foo] is not permitted"),
        ("AWS::IAM::Role", {}, "#: required key [AssumeRolePolicyDocument] not found"),
        (
            "AWS::IAM::Role",
            {"AssumeRolePolicyDocument": {}, "Description": "a" * 1001},
            "#/Description: expected maxLength: 1000, actual: 1001",
        ),
        (
            "AWS::Logs::LogGroup",
            {"LogGroupName": "a b"},
            "#/LogGroupName: failed validation constraint for keyword [pattern]",
        ),
        (
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            {"Port": 65536},
            "#/Port: failed validation constraint for keyword [maximum]",
        ),
    ],
)
def test_texts_of_other_keywords(type_name: str, properties: dict[str, Any], problem: str) -> None:
    assert check(type_name, properties) == [problem]


def test_scalars_whose_text_fits_are_taken_as_cloudformation_takes_them() -> None:
    properties = container(
        PortMappings=[{"ContainerPort": "80"}], Essential="true", Memory=512, Image=7
    )
    assert check("AWS::ECS::TaskDefinition", properties) == []


def test_what_is_not_known_yet_is_accepted_anywhere() -> None:
    later = Unknown("Role", "Arn")
    properties = container(Image=later, Environment=[{"Name": "A", "Value": later}])
    assert check("AWS::ECS::TaskDefinition", {**properties, "NetworkMode": later}) == []
    assert check("AWS::ECS::TaskDefinition", {"ContainerDefinitions": later}) == []


def test_documents_are_taken_as_objects_and_as_text() -> None:
    for document in ({"Statement": []}, '{"Statement": []}'):
        assert check("AWS::IAM::Role", {"AssumeRolePolicyDocument": document}) == []


def test_every_problem_is_named() -> None:
    found = check("AWS::IAM::Role", {"Foo": 1, "MaxSessionDuration": "long"})
    assert sorted(found) == [
        "#/MaxSessionDuration: expected type: Integer, found: String",
        "#: extraneous key [Foo] is not permitted",
        "#: required key [AssumeRolePolicyDocument] not found",
    ]


def test_no_schema_is_a_stumbling_block() -> None:
    for name in (
        "AWS::WAFv2::WebACL",
        "AWS::CloudFront::Distribution",
        "AWS::QuickSight::Analysis",
    ):
        assert isinstance(check(name, {"Name": {"a": [1]}}), list)


def test_failure_reads_as_in_aws_events() -> None:
    assert failure("Topic1", ["#: required key [A] not found"]) == (
        "Properties validation failed for resource Topic1 with message:\n"
        "#: required key [A] not found"
    )


@pytest.mark.parametrize(
    ("type_name", "properties", "problem"),
    [
        (
            "AWS::SSM::Parameter",
            {"Type": "String", "Value": "v", "Tags": {"a": 1}, "Tier": "Cheap"},
            "#/Tier: failed validation constraint for keyword [enum]",
        ),
        (
            "AWS::Logs::LogGroup",
            {"LogGroupName": "a b"},
            "#/LogGroupName: failed validation constraint for keyword [pattern]",
        ),
        (
            "AWS::EventsV2::ResourcePolicy",
            {"EventBusArn": "arn:aws:events:us-east-1:123456789012:event-busv2/b/" + "0" * 25,
             "PolicyDocument": {}},
            "#/PolicyDocument: minimum size: [1], found: [0]",
        ),
        (
            "AWS::EC2::SecurityGroup",
            {"GroupDescription": "d", "Tags": [{"Key": "a", "Value": "b"}] * 2},
            None,
        ),
    ],
)  # fmt: skip
def test_more_of_what_a_schema_forbids(
    type_name: str, properties: dict[str, Any], problem: str | None
) -> None:
    assert check(type_name, properties) == ([] if problem is None else [problem])


def test_texts_that_are_numbers_and_booleans_are_taken_as_such() -> None:
    assert check("AWS::SQS::Queue", {"DelaySeconds": "80", "FifoQueue": "true"}) == []
    assert check("AWS::SQS::Queue", {"QueueName": 7, "FifoQueue": "yes"}) == [
        "#/FifoQueue: expected type: Boolean, found: String"
    ]


def test_of_a_made_up_value_the_type_alone_counts() -> None:
    schema = resource_schema.schema("AWS::EFS::MountTarget")
    assert schema is not None
    given = {
        "FileSystemId": "a",
        "SecurityGroups": ["b", "sg-01234567"],
        "SubnetId": "c",
        "IpAddress": ["d"],
    }
    paths = [("FileSystemId",), ("SecurityGroups", 0), ("SubnetId",), ("IpAddress",)]
    assert len(problems(schema, given)) == 6
    assert problems(schema, given, paths) == [
        "#/IpAddress: expected type: String, found: JSONArray"
    ]
    assert {each.partition(":")[0] for each in problems(schema, given, paths[:1])} == {
        "#/SecurityGroups/0",
        "#/SubnetId",
        "#/IpAddress",
    }
