"""Forms as they are decoded."""

import sys
from typing import Any
from urllib.parse import unquote_plus

import pytest

from penstock.aws.http import decode_form


@pytest.mark.parametrize(
    "text",
    ["a+b%2Bc", "%E2%82%AC", "%e2%82x%ac", "%E2é%zz%4", "é%C3%A9%C3", "%41%", "%F0%9F%98", ""],
)
def test_a_form_is_decoded_as_urllib_does(text: str) -> None:
    assert decode_form(f"{text}k={text}") == {unquote_plus(f"{text}k"): unquote_plus(text)}


def test_a_form_of_escapes_is_not_decoded_one_by_one() -> None:
    """A megabyte of them took 0.7 seconds, before its caller was known."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        form = decode_form("a=" + "%41" * 100_000)
    finally:
        sys.setprofile(None)
    assert form == {"a": "A" * 100_000}
    assert 0 < calls < 100
