"""Fn::ForEach ends at the limits of a template, whatever the loops: in time and in size."""

import json
import math
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.aws.errors import ServiceError
from penstock.stacks.template.parameter_section import read_parameters
from penstock.stacks.template.template import ParameterValue
from penstock.stacks.transforms.failure import LARGEST_TEMPLATE
from penstock.stacks.transforms.language_extensions import extended
from penstock.stacks.transforms.resolver import Known

TOO_LARGE = (
    "Transform AWS::LanguageExtensions failed with: Template may not exceed 1000000 bytes in size."
)
LONGEST_SECONDS = 20
"""Of a machine that does other things; alone it is two."""


def expanded(document: dict[str, Any], **given: str) -> dict[str, Any]:
    declared = read_parameters(document)
    values = {name: ParameterValue(given[name]) for name in declared}
    known = Known("us-east-1", "123456789012", "shop", "", declared, values)
    return extended(document, known)


def outcome(document: dict[str, Any], **given: str) -> Any:
    """What the transform makes, or the words it is refused with."""
    try:
        return expanded(document, **given)
    except ServiceError as error:
        return error.message


def loops(sizes: list[int], body: Any, collection: Any = None) -> dict[str, Any]:
    """Loops in loops: `sizes` items at each level, or `collection`."""
    for level in reversed(range(len(sizes))):
        items = collection or [f"i{n}" for n in range(sizes[level])]
        body = {f"Fn::ForEach::L{level}": [f"N{level}", items, body]}
    return {"Resources": body}


leaves = st.sampled_from(
    [
        {},
        {"Type": "AWS::SNS::Topic"},
        {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "${N0}" * 50}},
        {"Fn::ToJsonString": {"a": {"Fn::ToJsonString": ["${N0}\\", {"Ref": "Other"}]}}},
    ]
)


@settings(max_examples=40)
@given(st.lists(st.sampled_from([0, 1, 2, 7, 60, 500]), min_size=1, max_size=5), leaves)
def test_what_loops_make_is_all_of_it_or_refused(sizes: list[int], leaf: dict[str, Any]) -> None:
    name = "T" + "".join(f"${{N{level}}}" for level in range(len(sizes)))
    begun = time.monotonic()
    made = outcome(loops(sizes, {name: leaf}))
    if made != TOO_LARGE:
        assert len(made["Resources"]) == math.prod(sizes)
        assert len(json.dumps(made)) < 20 * LARGEST_TEMPLATE
    assert time.monotonic() - begun < LONGEST_SECONDS


def refused(document: dict[str, Any], **given: str) -> None:
    begun = time.monotonic()
    assert outcome(document, **given) == TOO_LARGE
    assert time.monotonic() - begun < LONGEST_SECONDS


def test_five_levels_over_the_longest_parameter() -> None:
    document = loops([0] * 5, {}, {"Ref": "P"})
    document["Parameters"] = {"P": {"Type": "CommaDelimitedList"}}
    refused(document, P=",".join("x" * 2048))


def test_an_item_in_many_places() -> None:
    body = {"T": {"Type": "AWS::SNS::Topic", "Properties": {"N": "${N0}" * 50_000}}}
    refused(loops([0], body, ["x" * 100_000]))


def test_a_parameter_in_many_values() -> None:
    text = {"Fn::ToJsonString": [{"Ref": "P"}] * 20}
    properties = {f"N{number}": text for number in range(2000)}
    document: dict[str, Any] = {
        "Parameters": {"P": {"Type": "String"}},
        "Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": properties}},
    }
    refused(document, P="x" * 4096)


def test_texts_in_texts() -> None:
    node: Any = ['"', {"Fn::GetAtt": ["T", "A"]}]
    for _ in range(45):
        node = {"Fn::ToJsonString": ["x" * 20_000, node]}
    document = {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"N": node}}}}
    refused(document)
