"""What a template calls its resources, and why such a one is not replaced under its name."""

from typing import Any

import pytest

from penstock.stacks.schemas import resource_schema
from penstock.stacks.schemas.custom_names import naming_properties, refusal_to_replace


@pytest.mark.parametrize(
    ("resource_type", "given", "names"),
    [
        ("AWS::DynamoDB::Table", {"TableName", "KeySchema"}, ["TableName"]),
        ("AWS::DynamoDB::Table", {"KeySchema"}, []),
        ("AWS::SNS::Topic", {"TopicName"}, ["TopicName"]),  # its identifier is an ARN
        ("AWS::ElasticLoadBalancingV2::TargetGroup", {"Name", "Port"}, ["Name"]),
        ("AWS::ECS::TaskDefinition", {"Family"}, []),  # each is a revision of its own
        ("AWS::EC2::Instance", {"ImageId"}, []),
        # One of a kind within something else, which may have a default.
        ("AWS::Amplify::Branch", {"BranchName", "AppId"}, ["BranchName", "AppId"]),
        ("AWS::Events::Rule", {"Name"}, ["Name", "EventBusName"]),
        ("AWS::ApiGateway::Stage", {"RestApiId", "StageName"}, ["RestApiId", "StageName"]),
        ("AWS::ApiGateway::Stage", {"RestApiId"}, []),
        # By another identifier of the schema; not where the first one says: within a domain.
        ("AWS::Transfer::User", {"ServerId", "UserName"}, ["ServerId", "UserName"]),
        ("AWS::DataZone::FormType", {"Name", "DomainIdentifier"}, []),
        # Several may have one name, as versions and revisions do.
        ("AWS::CodeConnections::Connection", {"ConnectionName"}, []),
        ("AWS::ImageBuilder::ImageRecipe", {"Name", "Version"}, []),
        ("AWS::AppRunner::AutoScalingConfiguration", {"AutoScalingConfigurationName"}, []),
    ],
)
def test_what_names_a_resource(resource_type: str, given: set[str], names: list[str]) -> None:
    schema = resource_schema.schema(resource_type)
    assert schema is not None
    assert naming_properties(schema, given) == names


def group(**properties: Any) -> dict[str, Any]:
    return {"Name": "web", "Port": 80, **properties}


def test_a_name_that_stays_cannot_be_given_twice() -> None:
    found = refusal_to_replace(
        "AWS::ElasticLoadBalancingV2::TargetGroup", group(), group(Port=8080)
    )
    assert found == (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename web and update the stack again."
    )


@pytest.mark.parametrize(
    ("resource_type", "before", "after"),
    [
        ("AWS::ElasticLoadBalancingV2::TargetGroup", group(), group(Name="other", Port=8080)),
        ("AWS::ElasticLoadBalancingV2::TargetGroup", {"Port": 80}, {"Port": 8080}),
        ("Custom::Thing", {"Name": "a", "B": 1}, {"Name": "a", "B": 2}),
        # Recorded on AWS: a named rule moves to another bus under its name.
        ("AWS::Events::Rule", {"Name": "r"}, {"Name": "r", "EventBusName": "orders"}),
        (
            "AWS::Amplify::Branch",
            {"BranchName": "main", "AppId": "d1"},
            {"BranchName": "main", "AppId": "d2"},
        ),
        (
            "AWS::ImageBuilder::ImageRecipe",
            {"Name": "web", "Version": "1.0.0"},
            {"Name": "web", "Version": "1.0.1"},
        ),
    ],
)
def test_other_replacements_go_on(
    resource_type: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert refusal_to_replace(resource_type, before, after) is None
