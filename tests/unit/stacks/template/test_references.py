"""Where a template refers to what: paths are those of the evaluated values."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.stacks.template import evaluate
from penstock.stacks.template.load import load_template
from penstock.stacks.template.references import references
from penstock.stacks.template.template import ParameterValue

MARK = "the parameter's value"
NOTHING = {"Ref": "AWS::NoValue"}


def in_mapping(key: Any, default: Any) -> dict[str, Any]:
    """`there` is in the mapping; the parameter Key is `absent`."""
    return {"Fn::FindInMap": ["M", "k", key, {"DefaultValue": default}]}


LEAVES = st.sampled_from(
    [
        "plain",
        NOTHING,
        {"Ref": "Given"},
        {"Fn::If": ["No", {"Ref": "Given"}, NOTHING]},
        {"Fn::If": ["Yes", {"Fn::If": ["No", "x", NOTHING]}, "y"]},
        {"Fn::If": ["Yes", {"Fn::Sub": "<${Given}>"}, NOTHING]},
        in_mapping("there", NOTHING),
        in_mapping("absent", NOTHING),
        in_mapping({"Ref": "Key"}, {"Fn::If": ["Yes", NOTHING, "x"]}),
        in_mapping("absent", {"Ref": "Given"}),
        in_mapping({"Ref": "Key"}, {"Fn::Join": ["", ["<", {"Ref": "Given"}]]}),
        in_mapping("there", {"Ref": "Given"}),
    ]
)
NODES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("AB"), inner),
    max_leaves=12,
)


@given(NODES)
def test_a_path_leads_to_what_is_built_from_the_parameter(node: Any) -> None:
    template = load_template(
        json.dumps(
            {
                "Parameters": {"Given": {"Type": "String"}, "Key": {"Type": "String"}},
                "Mappings": {"M": {"k": {"there": "v"}}},
                "Conditions": {
                    "Yes": {"Fn::Equals": ["a", "a"]},
                    "No": {"Fn::Equals": ["a", "b"]},
                },
                "Resources": {"R": {"Type": "AWS::SNS::Topic", "Properties": {"P": node}}},
            }
        )
    )
    scope = evaluate.Scope(
        template=template,
        parameters={"Given": ParameterValue(MARK), "Key": ParameterValue("absent")},
        region="eu-west-1",
        account_id="123456789012",
        stack_id="",
        stack_name="s",
    )
    properties = evaluate.properties(scope, "R")
    found = [
        each.path
        for each in references(template, "R", evaluate.conditions(scope), scope)
        if each.name == "Given"
    ]
    for path in found:
        value: Any = properties
        for step in path:
            value = value[step]
        assert MARK in value
    assert len(set(found)) == json.dumps(properties).count(MARK)


def test_values_of_other_stacks_are_references_where_they_stand() -> None:
    output = {"Fn::GetStackOutput": {"StackName": {"Ref": "Net"}, "OutputName": "Vpc"}}
    properties = {"A": [{"Fn::Join": ["-", [output]]}, {"Fn::ImportValue": "vpc"}]}
    topic = {"Type": "AWS::SNS::Topic", "Properties": properties}
    body = {"Parameters": {"Net": {"Type": "String"}}, "Resources": {"R": topic}}
    found = references(load_template(json.dumps(body)), "R", {})
    assert [(each.kind, each.name, each.path) for each in found] == [
        ("StackOutput", "", ("A", 0)),
        ("Parameter", "Net", ("A", 0)),
        ("Import", "vpc", ("A", 1)),
    ]
