"""AWS's resource schemas as read from the package's data."""

import subprocess
import sys

import pytest

from penstock.stacks.schemas import resource_schema


def test_a_type_that_aws_lacks() -> None:
    assert resource_schema.schema("AWS::Nobody::Knows") is None
    assert not resource_schema.known_type("Custom::Thing")
    assert resource_schema.known_type("AWS::SNS::Topic")


def test_what_a_schema_says() -> None:
    topic = resource_schema.schema("AWS::SNS::Topic")
    assert topic is not None
    assert topic.create_only == {("TopicName",), ("FifoTopic",)}
    assert topic.primary_identifier == (("TopicArn",),)
    assert topic.read_only == {("TopicArn",)}
    assert topic.tag_property == "Tags"


@pytest.mark.parametrize(
    ("type_name", "name", "before", "after", "answer"),
    [
        ("AWS::SNS::Topic", "TopicName", "a", "b", "Always"),
        ("AWS::SNS::Topic", "DisplayName", "a", "b", "Never"),
        ("AWS::RDS::DBInstance", "Engine", "a", "b", "Conditionally"),
        # Only ComputeResources' own create-only members need a replacement.
        (
            "AWS::Batch::ComputeEnvironment",
            "ComputeResources",
            {"SpotIamFleetRole": "a", "MaxvCpus": 1},
            {"SpotIamFleetRole": "b", "MaxvCpus": 1},
            "Always",
        ),
        (
            "AWS::Batch::ComputeEnvironment",
            "EksConfiguration",
            {"EksClusterArn": "a", "KubernetesNamespace": "n"},
            None,
            "Always",
        ),
    ],
)
def test_what_requires_recreation(
    type_name: str, name: str, before: object, after: object, answer: str
) -> None:
    found = resource_schema.schema(type_name)
    assert found is not None
    assert found.requires_recreation((name,), before, after) == answer


def test_reading_schemas_does_not_import_the_linter() -> None:
    program = (
        "import sys; from penstock.stacks.schemas import resource_schema; "
        "assert resource_schema.schema('AWS::S3::Bucket'); assert 'cfnlint' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("path", "before", "after", "answer"),
    [
        (("ComputeResources", "SpotIamFleetRole"), "a", "b", "Always"),
        (("ComputeResources", "MaxvCpus"), 1, 2, "Never"),
        (("ComputeResources",), {"MaxvCpus": 1}, {"MaxvCpus": 2}, "Never"),
    ],
)
def test_what_requires_recreation_inside_a_property(
    path: tuple[str, ...], before: object, after: object, answer: str
) -> None:
    found = resource_schema.schema("AWS::Batch::ComputeEnvironment")
    assert found is not None
    assert found.requires_recreation(path, before, after) == answer


def test_all_inside_a_create_only_property_requires_recreation() -> None:
    found = resource_schema.schema("AWS::ECS::TaskDefinition")
    assert found is not None
    path = ("ContainerDefinitions", 0, "Image")
    assert found.requires_recreation(path, "web:1", "web:2") == "Always"
