"""Users' text as words of HAProxy's configuration: pure.

Source: https://docs.haproxy.org/2.6/configuration.html#2.2
"""

import re
from collections.abc import Mapping

_PLAIN = re.compile(rb"[A-Za-z0-9_./:-]")
_QUOTE = "\\x22"
_WILDCARDS = {"*": ".*", "?": "."}


def word(text: str) -> str:
    r"""Return `text` as one word: every byte that may mean something is written `\xHH`."""
    return "".join(
        chr(byte) if _PLAIN.match(bytes([byte])) else f"\\x{byte:02x}" for byte in text.encode()
    )


def argument(text: str) -> str:
    """Return `text`, without backslashes, as an argument of a sample fetch: in quotes, which are
    escaped themselves so that only the fetch's own parser sees them."""
    found = word(text)
    return found if found == text else f"{_QUOTE}{found}{_QUOTE}"


def pattern(text: str, wildcards: Mapping[str, str] = _WILDCARDS) -> str:
    """Return what matches a value with wildcards, as the inside of a regular expression.

    `*` is any number of characters and `?` is one, unless `wildcards` says otherwise.
    """
    return "".join(
        wildcards[letter] if letter in wildcards else _literally(letter) for letter in text
    )


def whole(text: str) -> str:
    """Return the word of a regular expression that matches a value with wildcards, whole."""
    return word(f"^{pattern(text)}$")


def format_text(text: str) -> str:
    """Return literal text inside a log-format word."""
    return word(text.replace("%", "%%"))


def _literally(letter: str) -> str:
    if letter.isascii() and letter.isalnum():
        return letter
    return "".join(f"\\x{byte:02x}" for byte in letter.encode())
