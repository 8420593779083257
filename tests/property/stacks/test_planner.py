"""Plans of made-up templates: nothing from A to A, the same whatever the order, safe to store."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.stack_states import changes, deployed, new_stack, wanted

from penstock.stacks.planning.plan import Action, decode, encode
from penstock.stacks.planning.planner import has_changes, plan
from penstock.stacks.template.load import load_template

NAMES = [f"R{i}" for i in range(6)]
TEXTS = st.sampled_from(["one", "two", "three"])


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    """Topics and parameters, each referring only to those before it."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(sorted))
    resources: dict[str, Any] = {}
    for name in names:
        value = draw(TEXTS | st.just({"Ref": "P"}))
        if resources and draw(st.booleans()):
            other = draw(st.sampled_from(sorted(resources)))
            attribute = "TopicName" if resources[other]["Type"] == "AWS::SNS::Topic" else "Value"
            value = draw(
                st.sampled_from(
                    [
                        {"Ref": other},
                        {"Fn::GetAtt": [other, attribute]},
                        {"Fn::Sub": f"x-${{{other}.{attribute}}}"},
                    ]
                )
            )
        # A resource's type goes with its name: a type that changes is refused.
        if int(name[1:]) % 2:
            resources[name] = {
                "Type": "AWS::SNS::Topic",
                "Properties": {"TopicName": draw(TEXTS), "DisplayName": value},
            }
        else:
            resources[name] = {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": value},
            }
    return {
        "Parameters": {"P": {"Type": "String", "Default": draw(TEXTS)}},
        "Resources": resources,
        "Outputs": {f"O{name}": {"Value": {"Ref": name}} for name in resources},
    }


def shuffled(template: dict[str, Any], seed: int) -> dict[str, Any]:
    names = list(template["Resources"])
    random.Random(seed).shuffle(names)
    return template | {"Resources": {name: template["Resources"][name] for name in names}}


@given(templates())
def test_from_a_stack_to_its_own_template_there_is_nothing_to_do(template: dict[str, Any]) -> None:
    current = deployed(template)
    found = plan(current, wanted(template))
    assert found.changes == ()
    assert not has_changes(current, found)


@given(templates(), templates(), st.integers())
def test_the_order_of_a_template_changes_nothing(
    before: dict[str, Any], after: dict[str, Any], seed: int
) -> None:
    current = deployed(before)
    one = plan(current, wanted(after))
    other = plan(current, wanted(shuffled(after, seed)))
    assert one.changes == other.changes


@given(templates(), templates())
def test_every_resource_is_accounted_for(before: dict[str, Any], after: dict[str, Any]) -> None:
    current = deployed(before)
    found = plan(current, wanted(after))
    by_action = {
        action: {each.logical_resource_id for each in found.changes if each.action is action}
        for action in Action
    }
    old, new = set(before["Resources"]), set(after["Resources"])
    assert by_action[Action.ADD] == new - old
    assert by_action[Action.REMOVE] == old - new
    assert by_action[Action.MODIFY] <= old & new


@given(templates(), templates())
def test_a_change_never_precedes_what_it_depends_on(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    found = plan(deployed(before), wanted(after))
    order = [each.logical_resource_id for each in found.changes]
    loaded = load_template(wanted(after).template.body)
    for position, name in enumerate(order):
        text = str(loaded.resources[name].properties) if name in loaded.resources else ""
        for later in order[position + 1 :]:
            assert f"'{later}'" not in text


@given(templates(), templates())
def test_with_values_never_shows_more_resources_than_without(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    found = plan(deployed(before), wanted(after))
    without, shown = changes(found), changes(found, values=True)
    assert shown.keys() <= without.keys()
    assert (not without) == (not shown)


@given(templates(), st.none() | templates())
def test_a_plan_is_the_same_after_it_was_stored(
    after: dict[str, Any], before: dict[str, Any] | None
) -> None:
    current = new_stack() if before is None else deployed(before)
    found = plan(current, wanted(after))
    assert decode(encode(found)).digest == found.digest
    assert plan(current, wanted(after)).digest == found.digest
