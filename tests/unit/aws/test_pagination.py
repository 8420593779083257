"""Tokens name the last item given; edited tokens are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import decode_token, encode_token, page


@given(st.lists(st.text()))
def test_a_token_carries_its_parts(parts: list[str]) -> None:
    assert decode_token(encode_token(*parts), form="s" * len(parts)) == parts


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


@pytest.mark.parametrize(
    ("token", "form"),
    [(encode_token("a", "b"), "s"), (encode_token("a"), "n"), (encode_token(), "s")],
)
def test_a_token_of_another_operation_is_refused(token: str, form: str) -> None:
    """Each was a 500: the operation unpacked or converted what it had not made."""
    with pytest.raises(ServiceError, match="one that this operation returned"):
        decode_token(token, form=form)


def test_a_name_does_not_continue_a_list_of_numbers() -> None:
    with pytest.raises(ServiceError):
        page([1, 2, 3], encode_token("name"), 1, key=lambda n: n)
