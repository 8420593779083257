"""A service's refusal quotes what it refuses; what was built from a secret is one."""

from typing import Any

import pytest

from penstock.stacks.operations.quoted_secrets import masked

DERIVED = "dXNlcjpzd29yZGZpc2g="


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        ({"Value": DERIVED, "Name": "name"}, {"Value": "****", "Name": "name"}),
        ({"A": {"B": ["name", DERIVED]}}, {"A": {"B": ["name", "dXNlcjoqKioq"]}}),
        ({"A": {"B": ["x", DERIVED]}}, {"A": "****"}),
        ({"A": [{"B": DERIVED}, "x"]}, {"A": ["****"]}),
    ],
)
def test_what_is_not_shown_is_not_quoted(properties: Any, shown: Any) -> None:
    assert masked(f"name: {DERIVED} is bad", properties, shown) == "name: **** is bad"


def test_what_is_shown_may_be_quoted() -> None:
    same = {"Value": DERIVED, "Count": 3}
    assert masked(f"{DERIVED} 3", same, {"Value": DERIVED, "Count": "3"}) == f"{DERIVED} 3"
    assert masked(f"{DERIVED} 3", same, None) == f"{DERIVED} 3"
