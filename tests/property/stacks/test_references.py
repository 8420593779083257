"""A reference's path leads to what changes with its referent, and nothing else changes with it.

What a change set names as a cause, and what is masked as a secret, stand on these paths. Templates
have lists whose items may be AWS::NoValue, by a condition or by a mapping's default.
"""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from penstock.stacks.display import canonical, secrets_of
from penstock.stacks.planning.secret_places import SecretPlaces
from penstock.stacks.template import evaluate
from penstock.stacks.template.evaluate import ResourceValues, Scope
from penstock.stacks.template.load import load_template
from penstock.stacks.template.references import references
from penstock.stacks.template.template import ParameterValue

NOTHING = {"Ref": "AWS::NoValue"}
ONE, OTHER = "one,1", "other,2"
REFERENTS = {
    ("Parameter", "Given", None): {"Ref": "Given"},
    ("Resource", "Topic", None): {"Ref": "Topic"},
    ("Attribute", "Topic", "Word"): {"Fn::GetAtt": ["Topic", "Word"]},
}

REFS = list(REFERENTS.values())


def default(key: Any, value: Any) -> dict[str, Any]:
    """The mapping has `k`, `there`; the parameter Key is `absent`."""
    return {"Fn::FindInMap": ["M", "k", key, {"DefaultValue": value}]}


texts = st.recursive(
    st.sampled_from(["plain", *REFS]),
    lambda inner: st.one_of(
        inner.map(lambda one: {"Fn::Base64": one}),
        inner.map(lambda one: {"Fn::Sub": ["<${One}|${Given}>", {"One": one}]}),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"Fn::Join": ["-", some]}),
        st.lists(inner, max_size=2).map(lambda some: {"Fn::ToJsonString": some}),
        st.builds(
            lambda some, other: {
                "Fn::Join": ["-", default("absent", {"Fn::If": ["Yes", some, other]})]
            },
            st.lists(inner | st.just(NOTHING), min_size=1, max_size=3),
            st.lists(inner, max_size=1),
        ),
        st.builds(
            lambda one: {"Fn::ToJsonString": {"a": {"Fn::If": ["Yes", {"b": [one]}, NOTHING]}}},
            inner,
        ),
        st.just({"Fn::Sub": "${Topic}${Topic.Word}"}),
        st.sampled_from([{"Fn::Select": [1, {"Fn::Split": [",", one]}]} for one in REFS]),
    ),
    max_leaves=4,
)


def chosen(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or nothing, or one of two, as only the evaluation tells."""
    either = inner | st.just(NOTHING)
    return st.one_of(
        inner,
        st.just(NOTHING),
        st.builds(
            lambda name, first, second: {"Fn::If": [name, first, second]},
            st.sampled_from(["Yes", "No"]),
            either,
            either,
        ),
        st.builds(default, st.sampled_from(["there", "absent", {"Ref": "Key"}]), either),
    )


nodes = st.recursive(
    chosen(texts),
    lambda inner: chosen(
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("AB"), inner, max_size=2)
    ),
    max_leaves=10,
)


def scope(node: Any, changed: tuple[str, str, str | None] | None) -> Scope:
    """The template's scope, with one referent's value changed."""
    value = {each: OTHER if each == changed else ONE for each in REFERENTS}
    given, topic, word = value.values()
    template = load_template(
        json.dumps(
            {
                "Parameters": {"Given": {"Type": "String"}, "Key": {"Type": "String"}},
                "Mappings": {"M": {"k": {"there": "v"}}},
                "Conditions": {
                    "Yes": {"Fn::Equals": ["a", "a"]},
                    "No": {"Fn::Equals": ["a", "b"]},
                },
                "Resources": {
                    "Topic": {"Type": "AWS::SNS::Topic"},
                    "R": {"Type": "AWS::SNS::Topic", "Properties": {"P": [node, node]}},
                },
            }
        )
    )
    return Scope(
        template,
        {"Given": ParameterValue(given), "Key": ParameterValue("absent")},
        "us-east-1",
        "123456789012",
        "arn",
        "app",
        resources={"Topic": ResourceValues(topic, {"Word": word})},
    )


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in members:
            yield from leaves(member, (*path, key))
    else:
        yield path, value


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@settings(max_examples=300)
@given(nodes)
@pytest.mark.parametrize("referent", REFERENTS)
def test_what_changes_with_a_referent_is_what_refers_to_it(
    referent: tuple[str, str, str | None], node: Any
) -> None:
    before, after = scope(node, None), scope(node, referent)
    first, second = evaluate.properties(before, "R"), evaluate.properties(after, "R")
    old, new = dict(leaves(first)), dict(leaves(second))
    assert old.keys() == new.keys()
    changed = {path for path in old if old[path] != new[path]}
    found = {
        each.path
        for each in references(before.template, "R", evaluate.conditions(before), before)
        if (each.kind, each.name, each.attribute) == referent
    }
    event(f"{len(found)} references")
    for path in found:
        assert at(first, path) != at(second, path), "it does not lead to what changes"
    for path in changed:
        assert any(path[: len(each)] == each for each in found), "it changes, and none leads there"


@settings(max_examples=200)
@given(nodes)
def test_what_is_shown_is_the_same_whatever_the_secret_is(node: Any) -> None:
    def shown(secret: str) -> Any:
        found = scope(node, None)
        given = {**found.parameters, "Given": ParameterValue(secret, no_echo=True)}
        found = dataclasses.replace(found, parameters=given)
        conditions = evaluate.conditions(found)
        places = SecretPlaces(found.template, given, conditions, scope=found)
        properties = canonical(evaluate.properties(found, "R"))
        return secrets_of(given).masked(properties, places.in_properties("R"))

    assert shown("swordfish,3") == shown("shellfish,4")
