"""Changes to the value: what a change set tells, applied to what was, gives what will be."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.stack_states import changes, deployed, wanted

from penstock.stacks.planning.planner import plan

NAMES = st.sampled_from(["a", "b", "c/d", "e~f"])
TEXTS = st.sampled_from(["one", "two", "three"])
VALUES = st.recursive(
    TEXTS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
PROPERTIES = st.dictionaries(st.sampled_from(["P", "Q", "R"]), VALUES, max_size=3)


def custom(properties: dict[str, Any]) -> dict[str, Any]:
    given = {"ServiceToken": "arn:aws:sns:us-east-1:123456789012:t", **properties}
    return {"Resources": {"R": {"Type": "Custom::Thing", "Properties": given}}}


def applied(before: Any, targets: list[dict[str, Any]]) -> Any:
    """Return `before` with the changes at their paths; what goes from lists goes last first."""
    after = copy.deepcopy(before)
    gone = [each for each in targets if each["AttributeChangeType"] == "Remove"]
    others = [each for each in targets if each["AttributeChangeType"] != "Remove"]
    for each in others + gone[::-1]:
        *way, last = [
            step.replace("~1", "/").replace("~0", "~") for step in each["Path"].split("/")[1:]
        ]
        place = after
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if each["AttributeChangeType"] == "Remove":
            del place[int(last) if isinstance(place, list) else last]
        elif isinstance(place, list):
            place[int(last) : int(last) + 1] = [parsed(each["AfterValue"])]
        else:
            place[last] = parsed(each["AfterValue"])
    return after


def parsed(text: str) -> Any:
    return json.loads(text) if text[:1] in {"[", "{"} else text


@given(PROPERTIES, PROPERTIES)
def test_the_details_lead_from_the_context_before_to_the_one_after(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    found = plan(deployed(custom(before)), wanted(custom(after)))
    described = changes(found, values=True)
    assert bool(described) == (before != after)
    if not described:
        return
    change = described["R"]
    targets = [each["Target"] for each in change["Details"]]
    context = json.loads(change["BeforeContext"])
    assert applied(context, targets) == json.loads(change["AfterContext"])
    assert len({each["Path"] for each in targets}) == len(targets)
    for each in targets:
        assert each["Path"].split("/")[2] == each["Name"]
        assert each.get("BeforeValue") != each.get("AfterValue")


@given(PROPERTIES, PROPERTIES)
def test_without_values_the_same_properties_are_named(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    found = plan(deployed(custom(before)), wanted(custom(after)))
    plain, shown = changes(found), changes(found, values=True)
    assert plain.keys() == shown.keys()
    for name, change in plain.items():
        named = [each["Target"]["Name"] for each in change["Details"]]
        assert len(set(named)) == len(named)
        assert set(named) == {each["Target"]["Name"] for each in shown[name]["Details"]}
        assert change["Replacement"] == shown[name]["Replacement"]
