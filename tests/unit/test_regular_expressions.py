"""Users' regular expressions: Python's, and every match ends in time."""

import contextlib
import re
import time

import pytest

from penstock import regular_expressions
from penstock.regular_expressions import Expression, InvalidExpression, Undecided

NEVER_ENDING = "(a|aa)+$"
"""On `aaa…!` the package tries as long as `re` does, twice as long for every two letters more."""
TEXT = "a" * 60 + "!"


@pytest.fixture(autouse=True)
def allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_expressions, "_allowance", regular_expressions._Allowance())


@pytest.mark.parametrize("pattern", ["(a+)+", "(x+x+)+y", "((.|-+)?x){0,252}y", r"(\w+\s?)+"])
def test_what_freezes_python_is_decided(pattern: str) -> None:
    assert not Expression(pattern).fullmatch(TEXT)


@pytest.mark.timeout(20)
def test_a_match_that_does_not_end_is_undecided() -> None:
    with pytest.raises(Undecided):
        Expression(NEVER_ENDING).search(TEXT)
    with pytest.raises(Undecided):
        Expression(NEVER_ENDING).fullmatch(TEXT)


def test_a_hundred_of_them_stop_nothing_either_nor_the_others_matches() -> None:
    never_ending, plain = Expression(NEVER_ENDING), Expression("[a-z]+-[0-9]+")
    began = time.monotonic()
    for _ in range(100):  # more than ten seconds, were each given a match's full time
        with pytest.raises(Undecided):
            never_ending.search(TEXT)
    assert time.monotonic() - began < 8
    assert plain.fullmatch("shop-12")


def test_a_text_that_is_too_long_is_undecided() -> None:
    anything = Expression("(?s).*")
    assert anything.fullmatch("x" * regular_expressions.LONGEST_TEXT)
    with pytest.raises(Undecided):
        anything.fullmatch("x" * (regular_expressions.LONGEST_TEXT + 1))


@pytest.mark.parametrize(
    "pattern",
    [
        "[", "a**", "(?R)", r"\p{L}", r"\X", r"\L<names>",  # regex has more than Python
        "a{99999999999}", "((a{1000}){1000}){1000}", r"(?=((\w+){1000}){1000})|b",
        "(" * 3000 + ")" * 3000, "(?:a|" * 450 + ")" * 450, "a" * 100_001,
    ],
)  # fmt: skip
def test_what_is_no_expression_or_too_large_is_refused_at_once(pattern: str) -> None:
    began = time.monotonic()
    with pytest.raises(InvalidExpression):
        Expression(pattern)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "pattern",
    ["(ab){e}", "a{}", "a{,2}", "a{2,}b?", "{a}", r"\{a\}", "[{}a]+", r"\N{LATIN SMALL LETTER A}b",
     "a{1}{x}", r"\\{e}", "(?i)A{2}", "a++", "(?>ab)", "(?<=a)b", "(?s).b", r"\Aab\Z", "^a$"],
)  # fmt: skip
def test_an_expression_is_what_it_is_to_python(pattern: str) -> None:
    expression, python = Expression(pattern), re.compile(pattern)
    for text in ("", "a", "aa", "ab", "abb", "b", "ac", "ab{e}", "{a}", "a{}", "a{x}", "\\{e}",
                 "\\\\{e}", "\nb", "a\n", "AA"):  # fmt: skip
        assert expression.fullmatch(text) is (python.fullmatch(text) is not None), text
        assert expression.search(text) is (python.search(text) is not None), text


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "pattern",
    ["a*b", "a*a*b", "a*a*a*b", "a?" * 20 + "b", "(a|a)(a|a)(a|a)(a|a)b", "a{1,30}a{1,30}b",
     "(?:a?){8}b", "(?=a*b)a*c", "(aa?)*b", "((a|b)c?)*d", "(a{2}){3}b", "(a*)(a*)b"],
)  # fmt: skip
def test_no_length_of_text_takes_long(pattern: str) -> None:
    """`re` is asked where the ways to try are few: counted for each length that it is asked for."""
    expression = Expression(pattern)
    for length in (16, 32, 33, 128, 129, 512, 513, 2048, 2049):
        began = time.monotonic()
        with contextlib.suppress(Undecided):
            assert not expression.search("a" * length)
        assert time.monotonic() - began < 2, length


def test_a_pattern_that_only_python_can_compile() -> None:
    nested = Expression("(?:" * 450 + "a" + ")" * 450)
    assert nested.fullmatch("a")
    with pytest.raises(Undecided):
        nested.fullmatch("a" * 10_000)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:(?:(?:[ab]|.)+)+\d|.*)",  # each match under 10 ms
        ".?" * 10 + "(?:(?=[ac][ad])){4000}b|.*",  # few ways, each of them long
    ],
)
def test_many_matches_are_paid_together(pattern: str) -> None:
    expression = Expression(pattern)
    began = time.monotonic()
    for _ in range(2000):
        with contextlib.suppress(Undecided):
            expression.fullmatch("a" * 30)
    assert time.monotonic() - began < 8
