"""Texts that a pattern of a resource schema matches, made up from a seed. Pure.

The same seed gives the same text, as everything that is made up of a recorded resource: an id that
AWS gives as `[a-z0-9]{10}` looks like one. What cannot be built this way is left to the caller.
"""

import hashlib
import re
from collections.abc import Iterator
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from penstock.stacks.schemas import patterns

_REPEATS = (12, 6, 24, 3, 40, 64, 1, 128)
"""How often what may be repeated is, where the pattern leaves it open: in the order of trying."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_/.: "


def text_of(pattern: str, seed: str, least: int = 0, most: int = 100_000) -> str | None:
    """Return a text of `least` to `most` characters in which `pattern` is found.

    None for a pattern with look-arounds or back references that the text would have to obey and
    does not, for one that Python cannot read, and where no text is long or short enough.
    """
    compiled = patterns.compiled(pattern)
    if compiled is None:
        return None
    parsed = parser.parse(compiled.pattern)
    for repeats in _REPEATS:
        for fullest in (False, True):
            made = _Maker(seed, repeats, fullest=fullest).made(parsed)
            if least <= len(made) <= most and made and patterns.matches(pattern, made):
                return made
    return None


class _Maker:
    """Builds one text; each choice takes the next number that the seed gives."""

    def __init__(self, seed: str, repeats: int, *, fullest: bool) -> None:
        """`fullest`: where a part may be left out, it is there."""
        self._numbers = _numbers(seed)
        self._repeats = repeats
        self._fullest = fullest

    def made(self, parsed: Any) -> str:
        """Return a text for a parsed (part of a) pattern."""
        return "".join(self._part(kind, argument) for kind, argument in parsed)

    def _part(self, kind: Any, argument: Any) -> str:
        if kind is kinds.LITERAL:
            return chr(argument)
        if kind in {kinds.ANY, kinds.NOT_LITERAL}:
            return self._one(lambda each: kind is kinds.ANY or ord(each) != argument)
        if kind is kinds.IN:
            return self._one(lambda each: _is_in(argument, each))
        if kind is kinds.BRANCH:
            branches = [each for each in argument[1] if len(each)] if self._fullest else argument[1]
            return self.made((branches or argument[1])[0])
        if kind is kinds.SUBPATTERN:
            return self.made(argument[3])
        if kind in {kinds.MAX_REPEAT, kinds.MIN_REPEAT}:
            least, most, repeated = argument
            wanted = self._repeats if most is kinds.MAXREPEAT else min(self._repeats, most)
            optional = most == 1 and not self._fullest
            count = least if optional else max(least, wanted)
            return "".join(self.made(repeated) for _ in range(count))
        return ""  # places, look-arounds and references have no length of their own here

    def _one(self, fits: Any) -> str:
        allowed = [each for each in _ALPHABET if fits(each)]
        alphanumeric = [each for each in allowed if each.isalnum()]
        chosen = alphanumeric or allowed or [chr(code) for code in range(128) if fits(chr(code))]
        return chosen[next(self._numbers) % len(chosen)] if chosen else ""


def _is_in(members: Any, character: str) -> bool:
    negated = False
    found = False
    code = ord(character)
    for kind, argument in members:
        if kind is kinds.NEGATE:
            negated = True
        elif kind is kinds.LITERAL:
            found = found or code == argument
        elif kind is kinds.RANGE:
            found = found or argument[0] <= code <= argument[1]
        elif kind is kinds.CATEGORY:
            found = found or re.match(_CATEGORIES[argument], character) is not None
    return found != negated


_CATEGORIES = {
    kinds.CATEGORY_DIGIT: r"\d",
    kinds.CATEGORY_NOT_DIGIT: r"\D",
    kinds.CATEGORY_SPACE: r"\s",
    kinds.CATEGORY_NOT_SPACE: r"\S",
    kinds.CATEGORY_WORD: r"\w",
    kinds.CATEGORY_NOT_WORD: r"\W",
}


def _numbers(seed: str) -> Iterator[int]:
    """Yield bytes that always belong to the seed, without end."""
    block = hashlib.sha256(seed.encode()).digest()
    while True:
        yield from block
        block = hashlib.sha256(block).digest()
