import dataclasses
import json

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.dynamic_references import dynamic_references
from penstock.stacks.template.errors import MissingExport
from penstock.stacks.template.evaluate import (
    Output,
    ResourceValues,
    Scope,
    Unknown,
    active_resources,
    conditions,
    contains_unknown,
    evaluated,
    metadata,
    outputs,
    properties,
)
from penstock.stacks.template.graph import dependencies
from penstock.stacks.template.load import load_template
from penstock.stacks.template.template import ParameterValue

TEMPLATE = """
Parameters:
  Env: {Type: String}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  NotProd: !Not [{Condition: IsProd}]
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Alarm: {Type: AWS::CloudWatch::Alarm, Condition: IsProd}
  Service:
    Type: AWS::ECS::Service
    Metadata: {Env: !Ref Env, Gone: !Ref "AWS::NoValue"}
    UpdatePolicy: {X: !Ref Env}
    Properties:
      Name: !Sub "${AWS::StackName}-${Env}"
      Logs: !GetAtt Bucket.Arn
      Alarm: !If [IsProd, !Ref Alarm, !Ref "AWS::NoValue"]
      Items: [a, !If [IsProd, b, !Ref "AWS::NoValue"], {Deep: !If [NotProd, 1, 2]}]
Outputs:
  Url: {Value: !Sub "http://${Bucket.Domain.Name}/", Description: Where, Export: {Name: !Sub "${Env}-url"}}
  Prod: {Value: !Ref Alarm, Condition: IsProd}
  Number: {Value: 7}
"""  # noqa: E501


def scope(env: str, text: str = TEMPLATE, **members) -> Scope:
    return Scope(
        load_template(text),
        {"Env": ParameterValue(env)},
        "us-east-1",
        "123456789012",
        "arn:aws:cloudformation:us-east-1:123456789012:stack/todo/1",
        "todo",
        **members,
    )


BUCKET = {"Bucket": ResourceValues("b-1", {"Arn": "arn:b", "Domain": {"Name": "b.local"}})}


def refused(function, *arguments) -> str:
    with pytest.raises(ServiceError) as raised:
        function(*arguments)
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    return raised.value.message


def test_conditions_decide_what_there_is():
    assert conditions(scope("prod")) == {"IsProd": True, "NotProd": False}
    assert list(active_resources(scope("prod"))) == ["Bucket", "Alarm", "Service"]
    assert list(active_resources(scope("dev"))) == ["Bucket", "Service"]


def test_properties_of_resources_that_do_not_exist_yet_are_unknown():
    found = properties(scope("prod"), "Service")
    assert found == {
        "Name": "todo-prod",
        "Logs": Unknown("Bucket", "Arn"),
        "Alarm": Unknown("Alarm"),
        "Items": ["a", "b", {"Deep": 2}],
    }
    assert contains_unknown(found)


def test_properties_without_what_has_no_value():
    found = properties(scope("dev", resources=BUCKET), "Service")
    assert found == {"Name": "todo-dev", "Logs": "arn:b", "Items": ["a", {"Deep": 1}]}
    assert not contains_unknown(found)


def test_metadata_and_policies():
    dev = scope("dev")
    assert metadata(dev, "Service") == {"Env": "dev"}
    assert evaluated(dev, dev.template.resources["Service"].update_policy) == {"X": "dev"}
    assert evaluated(dev, {"Ref": "AWS::NoValue"}) is None


def test_outputs():
    assert outputs(scope("dev", resources=BUCKET)) == [
        Output("Url", "http://b.local/", "Where", "dev-url"),
        Output("Number", "7"),
    ]
    unknown = outputs(scope("prod"))
    assert [one.value for one in unknown] == [
        Unknown("Bucket", "Domain.Name"), Unknown("Alarm"), "7",
    ]  # fmt: skip


def test_a_scope_with_other_parameters_has_conditions_of_its_own():
    dev = scope("dev")
    assert not conditions(dev)["IsProd"]
    prod = dataclasses.replace(dev, parameters={"Env": ParameterValue("prod")})
    assert conditions(prod)["IsProd"]


def test_a_live_reference_to_what_a_condition_leaves_out():
    text = TEMPLATE.replace('!If [IsProd, !Ref Alarm, !Ref "AWS::NoValue"]', "!Ref Alarm")
    assert refused(properties, scope("dev", text), "Service") == (
        "Template format error: Unresolved resource dependencies [Alarm] in the Resources block "
        "of the template"
    )
    text = TEMPLATE.replace("Alarm, Condition: IsProd}\nOut", "").replace(
        "Prod: {Value: !Ref Alarm, Condition: IsProd}", "Prod: {Value: !GetAtt Alarm.Arn}"
    )
    assert refused(outputs, scope("dev", text, resources=BUCKET)) == (
        "Unresolved resource dependencies [Alarm] in the Outputs block of the template"
    )


def test_an_attribute_that_the_resource_does_not_have():
    without = {"Bucket": ResourceValues("b-1", {"Name": "x"})}
    assert refused(properties, scope("dev", resources=without), "Service") == (
        "Template error: resource Bucket does not support attribute type Arn in Fn::GetAtt"
    )


def test_an_attribute_whose_name_has_dots():
    flat = {"Bucket": ResourceValues("b-1", {"Domain.Name": "flat", "Arn": "a"})}
    assert outputs(scope("dev", resources=flat))[0].value == "http://flat/"


def test_an_output_is_a_text():
    text = TEMPLATE.replace("Number: {Value: 7}", "Number: {Value: [1]}")
    assert refused(outputs, scope("dev", text, resources=BUCKET)) == (
        "Template format error: The Value field of every Outputs member must evaluate to a String."
    )


def test_pseudo_parameters():
    names = ("AccountId", "NotificationARNs", "Partition", "Region", "StackId", "StackName", "URLSuffix")  # fmt: skip  # noqa: E501
    members = ", ".join(f"{name}: !Ref 'AWS::{name}'" for name in names)
    text = f"Resources: {{A: {{Type: 'AWS::S3::Bucket', Properties: {{{members}}}}}}}"
    found = properties(scope("dev", text, notification_arns=["arn:t"]), "A")
    assert found == {
        "AccountId": "123456789012",
        "NotificationARNs": ["arn:t"],
        "Partition": "aws",
        "Region": "us-east-1",
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/todo/1",
        "StackName": "todo",
        "URLSuffix": "amazonaws.com",
    }


def test_a_missing_export_can_be_told_from_other_errors():
    text = "Resources: {A: {Type: 'AWS::S3::Bucket', Properties: {N: !ImportValue other}}}"
    with pytest.raises(MissingExport, match="No export named other found") as raised:
        properties(scope("dev", text), "A")
    assert raised.value.name == "other"
    assert properties(scope("dev", text, exports={"other": "v"}), "A") == {"N": "v"}


def test_dynamic_references_are_found_at_any_depth():
    value = {"a": ["x", {"b": "p-{{resolve:secretsmanager:db:SecretString:password}}"}], "c": 1}
    [found] = dynamic_references(value)
    assert (found.service, found.reference) == ("secretsmanager", "db:SecretString:password")
    assert found.text == "{{resolve:secretsmanager:db:SecretString:password}}"
    assert dynamic_references(["{{resolve}}", "{{x:y}}", 3]) == []


@pytest.mark.parametrize(
    ("wrap", "levels"),
    [
        (lambda node: {"A": node}, 94),
        (lambda node: [node], 94),
        (lambda node: {"Fn::Join": ["", [node]]}, 31),
        (lambda node: {"Fn::If": ["C", node, "x"]}, 47),
        (lambda node: {"Fn::Base64": node}, 30),
        (lambda node: {"Fn::Sub": ["${A}", {"A": node}]}, 31),
    ],
)
def test_the_deepest_template_is_evaluated(wrap, levels):
    node = "x"
    for _ in range(levels):
        node = wrap(node)
    document = {
        "Conditions": {"C": {"Fn::Equals": ["a", "a"]}},
        "Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": {"P": node}}},
    }
    deep = scope("dev", json.dumps(document))
    assert properties(deep, "A")["P"]
    assert dependencies(deep.template, conditions(deep)) == {"A": frozenset()}


@pytest.mark.parametrize(
    ("wrap", "levels", "name"),
    [
        (lambda node: {"Fn::Base64": node}, 94, "Fn::Base64"),
        (lambda node: {"Fn::Sub": ["${A}" * 10, {"A": node}]}, 31, "Fn::Sub"),
        (lambda node: {"Fn::Join": ["-" * 50, {"Fn::Split": ["-", node]}]}, 20, "Fn::Join"),
    ],
)
def test_values_cannot_grow_without_end(wrap, levels, name):
    node = "x-x"
    for _ in range(levels):
        node = wrap(node)
    resources = {"A": {"Type": "AWS::S3::Bucket", "Properties": {"P": node}}}
    message = refused(properties, scope("dev", json.dumps({"Resources": resources})), "A")
    assert message == f"Template error: the value of {name} is longer than 2000000 characters"


def test_conditions_may_need_as_many_others_as_a_template_has():
    """Locks: each was a call within a call, and a long chain an internal failure."""
    chain = {"C0": {"Fn::Equals": ["a", "b"]}}
    chain |= {
        f"C{number}": {"Fn::Not": [{"Condition": f"C{number - 1}"}]} for number in range(1, 900)
    }
    text = json.dumps(
        {
            "Parameters": {"Env": {"Type": "String"}},
            "Conditions": dict(reversed(chain.items())),
            "Resources": {"A": {"Type": "AWS::S3::Bucket", "Condition": "C899"}},
        }
    )
    assert sum(conditions(scope("prod", text)).values()) == 450
    assert list(active_resources(scope("prod", text))) == ["A"]
