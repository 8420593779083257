"""JSON in columns: what goes in comes out, also as the standard library wrote it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.storage.json_text import from_text, to_text

_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
)


@given(_values)
def test_both_libraries_read_what_either_wrote(value: Any) -> None:
    assert from_text(to_text(value)) == value
    assert from_text(json.dumps(value)) == value
    assert json.loads(to_text(value)) == value


@pytest.mark.parametrize(
    "value",
    ["half \ud800", {"\udfff": [1]}, {None: 1}, {True: {False: 2}}, {1: 2}, (1, [2]), 2**70, -0.0],
)
def test_the_standard_librarys_way_with_what_is_special(value: object) -> None:
    expected = json.loads(json.dumps(value))
    assert repr(from_text(to_text(value))) == repr(expected)


def test_numbers_that_are_none_are_still_read() -> None:
    assert from_text("[Infinity]") == [float("inf")]


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        to_text({"a": object()})
