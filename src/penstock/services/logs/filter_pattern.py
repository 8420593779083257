"""Filter patterns of unstructured terms: which messages match.

`a b` all terms, `?a ?b` any of them, `-a` none; `"two words"` a phrase. A term is a whole
word: it does not match inside a longer one (unverified against AWS). JSON, space-delimited
and regular-expression patterns are refused.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import re
from collections.abc import Callable

from penstock.aws.errors import ServiceError

Matches = Callable[[str], bool]

_TERM = re.compile(
    r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9_.:/@#$&*+=~^!\x80-\U0010ffff-]+))'
)
_STRUCTURED = {"{": "JSON", "[": "space-delimited", "%": "regular-expression"}


def compile_pattern(pattern: str) -> Matches:
    """Return the predicate of `pattern`; ServiceError when it is not one of terms."""
    pattern = pattern.strip()
    if pattern[:1] in _STRUCTURED:
        raise _invalid(f"Penstock does not match {_STRUCTURED[pattern[0]]} patterns: {pattern}")
    required: list[re.Pattern[str]] = []
    optional: list[re.Pattern[str]] = []
    excluded: list[re.Pattern[str]] = []
    position = 0
    while position < len(pattern):
        term = _TERM.match(pattern, position)
        if term is None:
            raise _invalid(f"found {pattern[position:]!r} in {pattern!r}")
        sign, phrase, word = term.groups()
        text = word if phrase is None else re.sub(r"\\(.)", r"\1", phrase)
        {"": required, "?": optional, "-": excluded}[sign].append(_word(text))
        position = term.end()
    return lambda message: (
        all(word.search(message) for word in required)
        and (not optional or any(word.search(message) for word in optional))
        and not any(word.search(message) for word in excluded)
    )


def _word(text: str) -> re.Pattern[str]:
    before = r"(?<!\w)" if text[:1].isalnum() else ""
    after = r"(?!\w)" if text[-1:].isalnum() else ""
    return re.compile(before + re.escape(text) + after)


def _invalid(found: str) -> ServiceError:
    return ServiceError(
        "InvalidParameterException",
        f'Invalid filter pattern: expected terms such as ERROR, -DEBUG, ?WARN or "a phrase"; '
        f"{found}",
    )
