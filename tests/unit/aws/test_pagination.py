"""Tokens name the last item given; edited tokens are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import decode_token, encode_token, page


@given(st.lists(st.text()))
def test_a_token_carries_its_parts(parts: list[str]) -> None:
    assert decode_token(encode_token(*parts)) == parts


@given(st.sets(st.integers(-50, 50)), st.integers(1, 7), st.booleans())
def test_pages_give_every_item_once_in_order(items: set[int], limit: int, descending: bool) -> None:
    ordered = sorted(items, reverse=descending)
    given_items: list[int] = []
    token = None
    while True:
        chosen, token = page(ordered, token, limit, key=lambda n: n, descending=descending)
        assert len(chosen) <= limit
        given_items += chosen
        if token is None:
            break
    assert given_items == ordered


def test_items_that_go_between_two_calls_shift_nothing() -> None:
    first, token = page(["a", "b", "c", "d"], None, 2, key=str)
    assert first == ["a", "b"]
    assert page(["c", "d"], token, 2, key=str) == (["c", "d"], None)


@pytest.mark.parametrize(
    "token",
    ["x", "", "not a token", encode_token("a")[:-3], "A" + encode_token("a")[1:], "é" * 12],
)
def test_an_edited_token_is_the_services_error(token: str) -> None:
    if not token:
        token = "="
    with pytest.raises(ServiceError) as raised:
        page(["a", "b"], token, 1, key=str, error_code="InvalidNextToken")
    assert raised.value.code == "InvalidNextToken"


def test_a_token_of_another_operation_is_refused() -> None:
    with pytest.raises(ServiceError):
        page(["a"], encode_token("a", "b"), 1, key=str)
