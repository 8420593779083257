"""No text of a request becomes configuration."""

import re

import pytest

from penstock.workloads.load_balancing.haproxy_words import (
    argument,
    format_text,
    pattern,
    whole,
    word,
)


def _read(text: str) -> str:
    """What HAProxy reads: `\\xHH` is that byte."""
    return re.sub(
        rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode()
    ).decode()


@pytest.mark.parametrize("text", ["plain", "a b", "'\"\\#${}", "two\nlines", "é€", "% [x]", ""])
def test_a_word_says_its_text_and_nothing_else(text: str) -> None:
    assert re.fullmatch(r"([A-Za-z0-9_./:-]|\\x[0-9a-f]{2})*", word(text))
    assert _read(word(text)) == text


def test_an_argument_is_quoted_where_it_is_more_than_plain() -> None:
    """A quote or `#` in a header's name made a configuration that HAProxy refused, for everyone."""
    assert argument("X-Name") == "X-Name"
    assert _read(argument("a'#b")) == '"a\'#b"'
    assert re.fullmatch(r"([A-Za-z0-9_./:-]|\\x[0-9a-f]{2})*", argument("a'#b"))


def test_a_log_format_keeps_its_percents() -> None:
    assert _read(format_text("50%")) == "50%%"


@pytest.mark.parametrize(
    ("value", "matches", "differs"),
    [
        ("/img/*", ["/img/", "/img/a/b"], ["/image", "x/img/"]),
        ("/a?c", ["/abc"], ["/ac", "/abbc"]),
        ("/a.b(c|d)+", ["/a.b(c|d)+"], ["/axb(c|d)+", "/a.bc"]),
        ("/é", ["/é"], ["/e"]),
    ],
)
def test_wildcards_are_the_only_ones(value: str, matches: list[str], differs: list[str]) -> None:
    expression = re.compile(_read(whole(value)).encode(), re.DOTALL)
    assert [one for one in matches if not expression.search(one.encode())] == []
    assert [one for one in differs if expression.search(one.encode())] == []


def test_other_wildcards() -> None:
    assert pattern("a*", {"*": "[^&]*"}) == "a[^&]*"
