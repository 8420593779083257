import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.graph import check_acyclic, dependencies, in_order
from penstock.stacks.template.load import load_template
from penstock.stacks.template.references import Reference, references

TEMPLATE = """
Parameters: {Env: {Type: String}}
Mappings: {M: {a: {b: c}}}
Conditions: {IsProd: !Equals [!Ref Env, prod]}
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Topic: {Type: AWS::SNS::Topic, Condition: IsProd}
  Key: {Type: AWS::KMS::Key, DependsOn: [Bucket]}
  Service:
    Type: AWS::ECS::Service
    Metadata: {Key: !Ref Key}
    Properties:
      Name: !Sub ["${AWS::StackName}-${Env}-${Local}-${Bucket.Arn}", {Local: !Ref Env}]
      Tags: [{Value: !Join ["", [!Ref Bucket, !FindInMap [M, a, b]]]}]
      Topic: !If [IsProd, {Arn: !Ref Topic}, !ImportValue other]
      From: !ImportValue {Ref: Env}
      Attribute: !GetAtt [Bucket, !Ref Env]
"""
TOPIC = "Template format error: Unresolved resource dependencies [Topic] in the Resources block"


def test_references_are_live_and_have_the_path_of_what_they_build():
    template = load_template(TEMPLATE)
    always = [
        Reference(("Name",), "Pseudo", "AWS::StackName"),
        Reference(("Name",), "Parameter", "Env"),
        Reference(("Name",), "Attribute", "Bucket", "Arn"),
        Reference(("Tags", 0, "Value"), "Resource", "Bucket"),
        Reference(("Tags", 0, "Value"), "Mapping", "M"),
    ]
    rest = [
        Reference(("From",), "Import", ""),
        Reference(("From",), "Parameter", "Env"),
        Reference(("Attribute",), "Attribute", "Bucket"),
        Reference(("Attribute",), "Parameter", "Env"),
    ]
    assert references(template, "Service", {"IsProd": True}) == [
        *always, Reference(("Topic", "Arn"), "Resource", "Topic"), *rest,
    ]  # fmt: skip
    assert references(template, "Service", {"IsProd": False}) == [
        *always, Reference(("Topic",), "Import", "other"), *rest,
    ]  # fmt: skip


def test_dependencies_are_those_of_what_exists():
    template = load_template(TEMPLATE)
    assert dependencies(template, {"IsProd": False}) == {
        "Bucket": frozenset(),
        "Key": frozenset({"Bucket"}),
        "Service": frozenset({"Bucket", "Key"}),
    }
    assert dependencies(template, {"IsProd": True})["Service"] == {"Bucket", "Key", "Topic"}


@pytest.mark.parametrize("member", ["DependsOn: Topic", "Properties: {N: !Ref Topic}"])
def test_needing_what_a_condition_leaves_out(member):
    text = f"{TEMPLATE}  Last: {{Type: AWS::SNS::Topic, {member}}}\n"
    with pytest.raises(ServiceError) as raised:
        dependencies(load_template(text), {"IsProd": False})
    assert raised.value.message == f"{TOPIC} of the template"


def test_cycles_name_what_is_on_them():
    graph = {"A": ["B"], "B": ["C"], "C": ["B"], "D": ["C"], "E": [], "F": ["E"]}
    with pytest.raises(ServiceError) as raised:
        check_acyclic(graph)
    assert raised.value.message == "Circular dependency between resources: [B, C]"


def test_a_resource_that_needs_itself_is_a_cycle():
    with pytest.raises(ServiceError, match=r"Circular dependency between resources: \[A\]"):
        check_acyclic({"A": ["A"]})


def test_an_order_in_which_resources_can_be_made():
    assert in_order({"A": {"C", "B"}, "B": {"D"}, "C": set(), "D": set()}) == ["D", "B", "C", "A"]


def test_long_chains_are_no_trouble():
    graph = {f"N{number}": [f"N{number + 1}"] for number in range(5_000)} | {"N5000": []}
    check_acyclic(graph)
    assert in_order(graph)[0] == "N5000"


def test_what_a_resource_needs_is_kept_by_conditions() -> None:
    """Locks: of two stacks with one template, one waits for what the other's branch needs."""
    template = load_template(
        """
Parameters: {Size: {Type: String}}
Conditions: {Big: !Equals [!Ref Size, big]}
Resources:
  Large: {Type: 'AWS::SNS::Topic', Condition: Big}
  Small: {Type: 'AWS::SNS::Topic'}
  Reader:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: !If [Big, !GetAtt Large.TopicName, !GetAtt Small.TopicName]}
"""
    )
    for _ in range(2):
        big = dependencies(template, {"Big": True})
        assert big == {"Large": set(), "Small": set(), "Reader": {"Large"}}
        assert dependencies(template, {"Big": False}) == {"Small": set(), "Reader": {"Small"}}
