"""Where a template refers to what: paths are those of the evaluated values."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.stacks.lookups.stack_outputs import names_stacks
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


def test_what_a_template_keeps_is_kept_by_conditions_and_by_default() -> None:
    """Locks: of two stacks with one template, one has the references of the other's branch."""
    chosen = {"Fn::If": ["Big", {"Ref": "Large"}, {"Ref": "Small"}]}
    looked_up = in_mapping({"Ref": "Key"}, {"Ref": "Large"})
    body = {
        "Parameters": {name: {"Type": "String"} for name in ("Large", "Small", "Key")},
        "Mappings": {"M": {"k": {"there": "v"}}},
        "Conditions": {"Big": {"Fn::Equals": [{"Ref": "Key"}, "big"]}},
        "Resources": {
            "Chosen": {"Type": "AWS::SNS::Topic", "Properties": {"P": chosen}},
            "LookedUp": {"Type": "AWS::SNS::Topic", "Properties": {"P": looked_up}},
        },
    }
    template = load_template(json.dumps(body))

    def names(logical_id: str, key: str, *, big: bool) -> set[str]:
        parameters = {"Key": ParameterValue(key)}
        scope = evaluate.Scope(template, parameters, "eu-west-1", "123456789012", "", "s")
        return {each.name for each in references(template, logical_id, {"Big": big}, scope)}

    for _ in range(2):
        assert names("Chosen", "a", big=True) == {"Large"}
        assert names("Chosen", "a", big=False) == {"Small"}
        assert names("LookedUp", "there", big=False) == {"Key", "M"}
        assert names("LookedUp", "absent", big=False) == {"Key", "M", "Large"}


def test_what_is_kept_with_a_template_is_bounded() -> None:
    template = load_template('{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}')
    for number in range(16):
        template.found_under({f"C{number}": True}, "kind")
    assert not names_stacks(template)
    for number in range(100):
        template.found_under({f"D{number}": True}, "kind")
    assert len(template.found) <= 17
