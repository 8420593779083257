"""Where secrets stand in a template: what is built from a NoEcho parameter, however far."""

import json
from typing import Any

from penstock.stacks.planning.secret_places import SecretPlaces
from penstock.stacks.template.load import load_template
from penstock.stacks.template.template import ParameterValue


def places(**resources: dict[str, Any]) -> SecretPlaces:
    """Of a template with the parameters Secret (NoEcho) and Open."""
    template = load_template(
        json.dumps(
            {
                "Parameters": {
                    "Secret": {"Type": "String", "NoEcho": True},
                    "Open": {"Type": "String"},
                },
                "Resources": resources,
            }
        )
    )
    given = {"Secret": ParameterValue("swordfish", no_echo=True), "Open": ParameterValue("x")}
    return SecretPlaces(template, given, {})


def parameter(value: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


def test_an_attribute_that_hands_on_a_derived_secret_is_one() -> None:
    found = places(
        First=parameter({"Fn::Base64": {"Ref": "Secret"}}),
        Second=parameter({"Fn::Sub": "<${First.Value}>"}),
        Third=parameter({"Fn::GetAtt": ["Second", "Value"]}),
        Other=parameter({"Fn::GetAtt": ["First", "Type"]}),
        Plain=parameter({"Ref": "Open"}),
    )
    assert found.in_properties("First") == [("Value",)]
    assert found.in_properties("Second") == [("Value",)]
    assert found.in_properties("Third") == [("Value",)]
    assert found.in_properties("Other") == []
    assert found.in_properties("Plain") == []


def test_a_secret_after_an_item_that_is_left_out_is_at_its_place_in_the_value() -> None:
    listed = [{"Ref": "AWS::NoValue"}, {"Fn::Base64": {"Ref": "Secret"}}, "plain"]
    found = places(Topic={"Type": "AWS::SNS::Topic", "Properties": {"Tags": listed}})
    assert found.in_properties("Topic") == [("Tags", 0)]


def test_a_secret_in_a_branch_within_a_function_is_the_whole_value() -> None:
    """Its place in the list that is joined was taken for one in the text, and nothing masked."""
    given = {"Fn::If": ["On", ["x", {"Fn::Base64": {"Ref": "Secret"}}], []]}
    template = load_template(
        json.dumps(
            {
                "Parameters": {"Secret": {"Type": "String", "NoEcho": True}},
                "Conditions": {"On": {"Fn::Equals": ["a", "a"]}},
                "Resources": {"P": parameter({"Fn::Join": ["", given]})},
            }
        )
    )
    secret = {"Secret": ParameterValue("swordfish", no_echo=True)}
    assert SecretPlaces(template, secret, {"On": True}).in_properties("P") == [("Value",)]


def test_a_secret_is_handed_on_through_as_many_resources_as_a_template_has() -> None:
    """Locks: each link was a call within a call, and a long chain broke its stack's operation."""
    found = places(
        T0=parameter({"Ref": "Secret"}),
        **{
            f"T{number}": parameter({"Fn::GetAtt": [f"T{number - 1}", "Value"]})
            for number in range(1, 499)
        },
    )
    assert found.in_properties("T498") == [("Value",)]
    assert found.attributes("T498") == {"Value"}
