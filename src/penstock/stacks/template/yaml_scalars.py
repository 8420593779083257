"""What an unquoted YAML scalar means to CloudFormation: YAML 1.1, but dates stay text.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
(the timestamp, binary, set, pairs and omap tags are not supported there).
"""

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_NUMBERS_BEGIN = frozenset("+-.0123456789")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0b(?P<binary>[01_]+)|0x(?P<hex>[0-9a-fA-F_]+)|0(?P<octal>[0-7_]+)"
    r"|(?P<decimal>0|[1-9][0-9_]*)|(?P<sixty>[1-9][0-9_]*(?::[0-5]?[0-9])+))"
)
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")
_LONGEST_NUMBER = 18
"""Digits of an integer that every JSON reader takes; a longer one stays text."""


def plain_value(text: str) -> Scalar:
    """Return the value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBERS_BEGIN:
        return text
    found = _INTEGER.fullmatch(text)
    if found is not None:
        return _integer(found, text)
    if _FLOAT.fullmatch(text) is not None:
        return _finite(text)
    return text


def _integer(found: re.Match[str], text: str) -> int | str:
    if len(text.lstrip("+-")) > _LONGEST_NUMBER:
        return text
    digits = {base: found[base] for base in ("binary", "hex", "octal", "decimal") if found[base]}
    sign = -1 if found["sign"] == "-" else 1
    bases = {"binary": 2, "hex": 16, "octal": 8, "decimal": 10}
    for name, value in digits.items():
        kept = value.replace("_", "")
        return sign * int(kept, bases[name]) if kept else text
    total = 0
    for part in found["sixty"].replace("_", "").split(":"):
        total = total * 60 + int(part)
    return sign * total


def _finite(text: str) -> float | str:
    number = float(text.replace("_", ""))
    return text if number in (float("inf"), float("-inf")) else number
