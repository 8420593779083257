"""Which references a template wrote: what others answer is text, whatever it looks like."""

import json
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template import evaluate
from penstock.stacks.template.load import load_template
from penstock.stacks.template.scope import OtherStack, ResourceValues, Scope
from penstock.stacks.template.template import ParameterValue
from penstock.stacks.template.written_references import unwritten, unwritten_in_outputs

SECRET = "{{resolve:secretsmanager:prod/db}}"
OWN = "{{resolve:secretsmanager:app}}"
SSM = "AWS::SSM::Parameter::Value<String>"


def scope(value: Any, attributes: dict[str, Any] | None = None, **more: Any) -> Scope:
    resources = {
        "Vendor": {"Type": "Custom::V", "Properties": {"ServiceToken": "arn", "Echo": OWN}},
        "Wait": {"Type": "AWS::CloudFormation::WaitCondition"},
        "Kept": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": OWN}},
        "Taker": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}},
    }
    template = {
        "Parameters": {"Given": {"Type": "String"}, "Stored": {"Type": SSM}},
        "Resources": resources,
        "Outputs": {"O": {"Value": value}},
    }
    answered = attributes or {}
    return Scope(
        load_template(json.dumps(template)),
        {"Given": ParameterValue(SECRET), "Stored": ParameterValue("/s", resolved=SECRET)},
        "us-east-1",
        "123456789012",
        "arn:aws:cloudformation:us-east-1:123456789012:stack/todo/1",
        "todo",
        exports={"Foreign": SECRET},
        other_stacks={"other": OtherStack({"Out": SECRET})},
        resources={
            "Vendor": ResourceValues(answered.get("Id", "id"), answered),
            "Wait": ResourceValues("id", {"Data": f'{{"a":"{SECRET}"}}'}),
            "Kept": ResourceValues(SECRET, {"Value": OWN, "Type": SECRET}),
        },
        **more,
    )


@pytest.mark.parametrize(
    "value",
    [
        {"Mine": SECRET, "Theirs": {"Fn::GetAtt": ["Vendor", "Url"]}},
        {"Mine": [SECRET, {"Fn::GetAtt": ["Vendor", "Url"]}]},
        {"Fn::Sub": f"{SECRET} ${{Vendor.Url}}"},
    ],
)
def test_what_is_written_and_answered_too_is_refused(value: Any) -> None:
    """The answer had the secret where the template named none: in a header, to another host."""
    of = scope(value, {"Url": f"https://elsewhere/{SECRET}"})
    with pytest.raises(ServiceError, match="also has them as its template wrote them"):
        unwritten(of, "Taker", evaluate.properties(of, "Taker"))


@pytest.mark.parametrize(
    "value",
    [
        {"One": SECRET, "Two": {"Fn::Sub": "${Given} ${Given}"}, "Three": [SECRET, SECRET]},
        {"One": OWN, "Two": {"Fn::GetAtt": ["Kept", "Value"]}},
        {"Fn::Sub": f"{SECRET} ${{Vendor.Url}}"},
    ],
)
def test_what_is_written_in_several_places_is_not(value: Any) -> None:
    of = scope(value, {"Url": "https://elsewhere/{{"})
    assert unwritten(of, "Taker", evaluate.properties(of, "Taker")) == ()


def found(value: Any, attributes: dict[str, Any] | None = None) -> tuple[str, ...]:
    of = scope(value, attributes)
    texts = unwritten(of, "Taker", evaluate.properties(of, "Taker"))
    assert unwritten_in_outputs(of).get("O", ()) == texts
    return texts


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        {"Ref": "Given"},
        {"Fn::Sub": "<${Given}>"},
        {"Fn::Join": ["", ["{{resolve:", {"Fn::Sub": "ssm:/${AWS::StackName}"}, "}}"]]},
        {"Fn::GetAtt": ["Kept", "Value"]},
        {"Fn::Sub": "{{resolve:secretsmanager:${Vendor}:SecretString:x}}"},
        "{{resolve:no-reference",
    ],
)
def test_what_the_template_and_its_parameters_write_counts(value: Any) -> None:
    assert found(value) == ()


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::GetAtt": ["Vendor", "A"]},
        {"Fn::Sub": "http://${Vendor.A}/"},
        {"Fn::GetAtt": ["Wait", "Data"]},
        {"Fn::GetAtt": ["Kept", "Type"]},
        {"Ref": "Kept"},
        {"Ref": "Stored"},
        {"Fn::ImportValue": "Foreign"},
        {"Fn::GetStackOutput": {"StackName": "other", "OutputName": "Out"}},
    ],
)
def test_what_others_answer_is_text(value: Any) -> None:
    assert found(value, {"A": SECRET}) == (SECRET,)


def test_what_two_answers_make_together_is_text() -> None:
    answers = {"Host": "{{resolve", "Port": "secretsmanager:prod/db}}"}
    assert found({"Fn::Sub": "${Vendor.Host}:${Vendor.Port}"}, answers) == (SECRET,)


def test_an_answer_does_not_end_a_reference_that_was_begun() -> None:
    value = {"Fn::Sub": "{{resolve:secretsmanager:app/${Vendor.A}:SecretString:public}}"}
    texts = found(value, {"A": "x:SecretString:private}}"})
    assert texts == ("{{resolve:secretsmanager:app/x:SecretString:private}}",)


def test_an_echo_of_a_custom_resource_is_text() -> None:
    assert found({"Fn::GetAtt": ["Vendor", "A"]}, {"A": OWN}) == (OWN,)


def chain(length: int, first: Any) -> Scope:
    """Of resources each of which hands on the Value of the one before; all of them exist."""
    declared = {}
    for number in range(length):
        value = {"Fn::GetAtt": [f"T{number - 1}", "Value"]} if number else first
        properties = {"Type": "String", "Value": value}
        declared[f"T{number}"] = {"Type": "AWS::SSM::Parameter", "Properties": properties}
    template = load_template(json.dumps({"Resources": declared}))
    there = {name: ResourceValues(name, {"Value": OWN}) for name in declared}
    return Scope(template, {}, "us-east-1", "123456789012", "", "todo", resources=there)


@pytest.mark.parametrize(("first", "expected"), [(OWN, ()), ("another's", (OWN,))])
def test_a_reference_is_handed_on_through_as_many_resources_as_a_template_has(
    first: str, expected: tuple[str, ...]
) -> None:
    """Locks: each link was a call within a call, and a long chain broke its stack's operation."""
    of = chain(499, first)
    assert unwritten(of, "T498", evaluate.properties(of, "T498")) == expected
