"""Regular expressions of AWS's resource schemas, which are Java's and ECMA's, as Python reads them.

Never a false alarm: a pattern that cannot be said in Python (Java's intersections of classes)
matches everything, and so does one that takes too long; classes of Unicode are told apart in
ASCII alone. Pure.
"""

import functools
import re
import unicodedata

from penstock.regular_expressions import Expression, InvalidExpression, Undecided

_PROPERTY = re.compile(r"\\(?P<kind>[pP])\{(?P<name>\w+)\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]")
_BEFORE_A_DASH = re.compile(r"(\\[wsdWSD])-(?=[^\]])")
_FLAGS = re.compile(r"\(\?(?P<flags>[aimsux]+)\)")
_LAST = re.compile(r"(?<!\\)\$(?=$|\)|\|)")
_SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"
_ASCII = 0x80
_BEYOND_ASCII = r"\x80-\U0010ffff"
_BARE_BRACKET = re.compile(r"(?<!\\)\[")
_TWICE = re.compile(r"\|\||~~")
_OF_ASCII = {"ASCII": (0, 0x7F), "Graph": (0x21, 0x7E), "Print": (0x20, 0x7E)}
"""Java's POSIX classes."""


def matches(pattern: str, text: str) -> bool:
    """Tell whether the pattern is found anywhere in `text`."""
    found = compiled(pattern)
    try:
        return found is None or found.search(text)
    except Undecided:
        return True


@functools.cache
def compiled(pattern: str) -> Expression | None:
    """Return the pattern, None for one that Python cannot say."""
    if "&&" in pattern:
        return None
    try:
        return Expression(_python(pattern))
    except InvalidExpression:
        return None


def _python(pattern: str) -> str:
    pattern = pattern.replace(_SURROGATES, "\\U00010000-\\U0010FFFF")
    pattern = _CLASS.sub(lambda found: _class(found[0]), pattern)
    pattern = _PROPERTY.sub(lambda found: f"[{_members(found, negated=False)}]", pattern)
    flags = "".join(sorted({flag for found in _FLAGS.finditer(pattern) for flag in found["flags"]}))
    pattern = _FLAGS.sub("", pattern)
    pattern = _LAST.sub(r"\\Z", pattern)  # ECMA's $ is the end, not before a last line feed
    return f"(?{flags}){pattern}" if flags else pattern


def _class(text: str) -> str:
    negated = text.startswith("[^")
    text = _PROPERTY.sub(lambda found: _members(found, negated=negated), text)
    text = _BEFORE_A_DASH.sub(r"\1\\-", text)
    inside = _BARE_BRACKET.sub(r"\\[", text[1:-1])
    return f"[{_TWICE.sub(lambda found: found[0][0], inside)}]"


@functools.cache
def _ascii(name: str, *, others: bool) -> str:
    """Return the ASCII characters of a category of Unicode, or of all others, for a class."""
    codes = [code for code in range(_ASCII) if _is(code, name) != others]
    return "".join(f"\\x{code:02x}" for code in codes)


def _members(found: re.Match[str], *, negated: bool) -> str:
    """Return what stands in a class for a category, or for all others.

    Characters beyond ASCII are taken to be what lets a text pass.
    """
    ascii_members = _ascii(found["name"], others=found["kind"] == "P")
    return ascii_members if negated else ascii_members + _BEYOND_ASCII


def _is(code: int, name: str) -> bool:
    if name in _OF_ASCII:
        least, most = _OF_ASCII[name]
        return least <= code <= most
    return unicodedata.category(chr(code)).startswith(name)
