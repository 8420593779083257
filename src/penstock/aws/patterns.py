r"""The models' patterns, which are Java's regular expressions, as Python's.

AWS's services match a whole value. Python lacks `\p{L}` and its kin, and Java reads
`[\w-_]` as three things; both are rewritten. Source of Java's dialect:
https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/util/regex/Pattern.html
"""

import re
import unicodedata
from functools import cache, lru_cache
from itertools import chain

from penstock.regular_expressions import Expression, InvalidExpression

_PROPERTY = re.compile(r"\\p\{(?P<name>\w+)\}")
LONGEST_PATTERN = 4096
MOST_PROPERTIES = 16
r"""Of `\p{…}` in one pattern: each becomes up to 20 KB; the models have five at most."""
_CLASS_THEN_DASH = re.compile(r"(\\[wdsWDS])-(?=[^\]])")
_POSIX = {
    "ASCII": r"\x00-\x7F",
    "Alpha": "A-Za-z",
    "Alnum": "A-Za-z0-9",
    "Digit": "0-9",
    "Graph": r"\x21-\x7E",
    "Print": r"\x20-\x7E",
    "Lower": "a-z",
    "Upper": "A-Z",
    "Space": r" \t\n\x0B\f\r",
}


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Expression | None:
    """Return `pattern` for `fullmatch`, or None when Python cannot express it.

    None, too, for one that `is_too_large`. A test lists every pattern of the served models that
    cannot be expressed: none.
    """
    if is_too_large(pattern):
        return None
    translated = _CLASS_THEN_DASH.sub(r"\1\\-", _PROPERTY.sub(_expand, pattern))
    try:
        return Expression(translated)
    except InvalidExpression:
        return None


def is_too_large(pattern: str) -> bool:
    """Tell whether a user's pattern is longer, or has more properties, than is compiled."""
    return len(pattern) > LONGEST_PATTERN or pattern.count(r"\p{") > MOST_PROPERTIES


def _expand(match: re.Match[str]) -> str:
    name = match["name"]
    ranges = _POSIX.get(name) or _category_ranges(name.removeprefix("Is"))
    inside = match.string.rfind("[", 0, match.start()) > match.string.rfind("]", 0, match.start())
    return ranges if inside else f"[{ranges}]"


@cache
def _category_ranges(category: str) -> str:
    """Return the characters whose Unicode category starts with `category`, as ranges."""
    return "".join(
        f"\\U{first:08x}" if first == last else f"\\U{first:08x}-\\U{last:08x}"
        for first, last in _ranges_by_category().get(category[:1], [])
    )


@cache
def _ranges_by_category() -> dict[str, list[tuple[int, int]]]:
    """One pass over the assigned planes (30 ms, once): first letter of category -> ranges."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    for code in chain(range(0x32400), range(0xE0000, 0xE0200)):
        found = ranges.setdefault(unicodedata.category(chr(code))[0], [])
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return ranges
