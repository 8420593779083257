"""Regular expressions whose pattern or text is a user's: every match ends in time.

They are Python's (what `re` refuses is refused). `re` itself matches where the ways to try are few,
which is nearly always and six times as fast. The others are carried out by the package regex, which
stops after a time-out and lets other threads run meanwhile; `re` does neither, and `(a+)+` can keep
it for years. All matches are paid from one allowance of the process: once it is used up, each gets
a millisecond, and later less, so that thousands of them stop nothing either.
Source of the package's options: https://github.com/mrabarnett/mrab-regex
"""

import math
import re
import time
from collections.abc import Iterator
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import regex

MATCH_SECONDS = 0.1
"""What one match may take."""
LONGEST_TEXT = 262_144
"""Characters of a text that is matched; the longest that a pattern of AWS is for has 131 072."""

_LONGEST_PATTERN = 100_000
_MOST_PARTS = 20_000
"""Parts of a pattern, repetitions counted as often as they must be there: regex makes them all."""
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
_MOST_TRIES = 4e6
"""Of parts, by ways to try and by places in the text to begin at: some 50 ms of `re`."""
_LENGTHS = (32, 128, 512, 2048)
"""Lengths of texts, in characters, for which the ways are counted."""
_MOST_POWER = 6
_BARE_BRACE = re.compile(r"(\\N\{[^}]*\}|\\.)|\{(?!\d+(?:,\d*)?\}|,\d*\})", re.DOTALL)
"""A brace that is no quantifier: to `re` itself, to regex how far a match may be off."""
_SHORT_SECONDS = 0.001
_LEAST_SECONDS = 0.00005
"""What a match gets once the allowance is used up, and once twice of it is."""


class InvalidExpression(ValueError):
    """No regular expression, or one that is too large; the text says why."""


class Undecided(Exception):
    """Whether a text matches was not found out: the match took too long, or the text is."""


class _Allowance:
    """Seconds for matches: ten long ones' worth, regained within ten times as long."""

    def __init__(self) -> None:
        self.left = self._most = 10 * MATCH_SECONDS
        """Below zero once it is used up."""
        self._seen_at = time.monotonic()

    def timeout_seconds(self) -> float:
        now = time.monotonic()
        self.left = min(self._most, self.left + (now - self._seen_at) / 10)
        self._seen_at = now
        if self.left > _SHORT_SECONDS:
            return min(MATCH_SECONDS, self.left)
        return _SHORT_SECONDS if self.left > -self._most else _LEAST_SECONDS

    def took(self, seconds: float) -> None:
        self.left = max(-1.1 * self._most, self.left - seconds)


_allowance = _Allowance()


class Expression:
    """One regular expression."""

    def __init__(self, pattern: str) -> None:
        """Raises InvalidExpression."""
        self.pattern = pattern
        if len(pattern) > _LONGEST_PATTERN:
            raise InvalidExpression(
                f"expected at most {_LONGEST_PATTERN} characters, found {len(pattern)}"
            )
        try:
            parsed = parser.parse(pattern)
            parts = _parts(parsed)
            if parts > _MOST_PARTS:
                raise InvalidExpression(f"expected at most {_MOST_PARTS} parts, found {parts}")
            self._short = max(
                (n for n in _LENGTHS if n * parts * _ways(parsed, n) <= _MOST_TRIES), default=0
            )
            self._python = re.compile(pattern)
            self._bounded = None if self._short else _bounded(pattern)
        except (re.error, regex.error, OverflowError) as error:
            raise InvalidExpression(str(error)) from None
        except RecursionError:
            raise InvalidExpression("it is nested too deeply") from None

    def search(self, text: str) -> bool:
        """Tell whether the expression is found anywhere in `text`. Raises Undecided."""
        return self._told("search", text)

    def fullmatch(self, text: str) -> bool:
        """Tell whether the expression matches the whole of `text`. Raises Undecided."""
        return self._told("fullmatch", text)

    def _told(self, method: str, text: str) -> bool:
        if len(text) > LONGEST_TEXT:
            raise Undecided
        began = time.monotonic()
        if len(text) <= self._short and _allowance.left > 0:
            found = getattr(self._python, method)(text) is not None
            _allowance.left -= time.monotonic() - began
            return found
        if self._bounded is None:  # seldom needed, and slow to compile
            try:
                self._bounded = _bounded(self.pattern)
            except (regex.error, OverflowError, RecursionError):
                raise Undecided from None
        match = getattr(self._bounded, method)
        try:
            return match(text, timeout=_allowance.timeout_seconds()) is not None
        except TimeoutError:
            raise Undecided from None
        finally:
            _allowance.took(time.monotonic() - began)


def _bounded(pattern: str) -> Any:
    """Return the pattern as regex compiles it; raises regex.error."""
    braced = _BARE_BRACE.sub(lambda found: found[1] or r"\{", pattern)
    return regex.compile(braced, regex.VERSION0, cache_pattern=False)


def _parts(parsed: Any) -> int:
    """Return of how many parts a parsed pattern is made when each is written out."""
    total = 0
    for kind, argument in parsed:
        times = max(1, argument[0]) if str(kind) in _REPEATS else 1
        total += times * (1 + sum(map(_parts, _within(argument))))
    return total


def _ways(parsed: Any, length: int) -> float:
    """Return at most how many ways there are to match from one place of a text of `length`.

    Each repetition of a varying number multiplies them by that number, each choice by its
    alternatives; a repetition of something that has several ways itself, by its power.
    """
    ways = 1.0
    for kind, argument in parsed:
        if str(kind) in _REPEATS:
            least, most, repeated = argument
            inner = _ways(repeated, length)
            times = min(int(most), length)
            if inner > 1 and times > 1:
                if times * math.log10(inner) > _MOST_POWER:
                    return math.inf
                ways *= inner**times
            else:
                ways *= inner
            ways *= max(1, min(int(most) - int(least), length) + 1)
        elif str(kind) == "BRANCH":
            ways *= sum(_ways(each, length) for each in argument[1])
        else:
            ways *= math.prod(_ways(each, length) for each in _within(argument))
        if ways > _MOST_TRIES:
            return math.inf
    return ways


def _within(argument: Any) -> Iterator[Any]:
    """Yield the parsed patterns within what the parser tells of one part."""
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for each in argument:
            yield from _within(each)
