"""What an update has to change where others failed before it."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.stacks.planning.attempts import standing, standing_tags, with_attempt
from penstock.stacks.state import Attempt, DeployedResource

LEAVES = st.sampled_from(["a", "b", 1])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xy"), inner),
    max_leaves=4,
)
PROPERTIES = st.dictionaries(st.sampled_from("PQ"), VALUES)


@pytest.mark.parametrize(
    ("deployed", "tried", "wanted", "found"),
    [
        ("1", "2", "1", "2"),
        ("1", "2", "2", "1"),
        ("1", "2", "3", "1"),
        ("1", "1", "2", "1"),
        (["a"], ["a", "b"], ["a"], ["a", "b"]),
        (["a"], ["a", "b"], ["a", "b"], ["a"]),
        (["a"], ["b"], ["c"], ["a", "b"]),
        (["a", "b"], ["b", "a"], ["a", "b"], ["b", "a"]),
        ({"x": "1"}, {"x": "2", "y": "1"}, {"x": "1"}, {"x": "2", "y": "1"}),
        ({"x": "1"}, {"x": "2", "y": "1"}, {"x": "2", "y": "1"}, {"x": "1"}),
    ],
)
def test_what_may_be_there(deployed: Any, tried: Any, wanted: Any, found: Any) -> None:
    attempts = [Attempt({"P": tried})]
    assert standing({"P": deployed}, attempts, {"P": wanted}) == {"P": found}


def test_what_only_an_attempt_has() -> None:
    tried = [Attempt({"P": ["a"], "Q": {"x": "1"}, "R": "r"})]
    assert standing({}, tried, {}) == tried[0].properties
    assert standing({}, tried, tried[0].properties) == {"P": [], "Q": {}}


@given(PROPERTIES, st.lists(PROPERTIES, max_size=3), PROPERTIES)
def test_each_property_that_may_differ_does(
    deployed: Mapping[str, Any], tried: list[Mapping[str, Any]], wanted: Mapping[str, Any]
) -> None:
    found = standing(deployed, [Attempt(each) for each in tried], wanted)
    for name in "PQ":
        values = [each.get(name) for each in (deployed, *tried)]
        same = all(value == wanted.get(name) for value in values)
        assert (found.get(name) == wanted.get(name)) is same


def test_tags() -> None:
    tried = [Attempt({}, (), {"a": "1", "b": "2", "c": "3"})]
    assert standing_tags({"a": "1"}, tried, {"a": "1", "b": "3"}) == {"b": "2", "c": "3"}
    assert standing_tags({"a": "1"}, (), {"a": "1"}) == {"a": "1"}


def test_the_same_again_is_kept_once() -> None:
    one, two = Attempt({"P": "1"}), Attempt({"P": "2"})
    made = DeployedResource("A", "T", "a", "UPDATE_FAILED", {}, {}, "kept", attempts=(one, two))
    assert with_attempt(made, one) == (two, one)
