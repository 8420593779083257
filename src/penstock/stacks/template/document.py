"""A template's or configuration's text as plain values: JSON where it begins with `{`, else YAML.

Texts of errors: recorded (`JSON not well-formed. (line 1, column 25)`, `unsupported structure.`).
"""

import json
from typing import Any, NoReturn

from penstock.stacks.template.errors import format_error
from penstock.stacks.template.yaml_text import DEEPEST, MOST_VALUES, parse_yaml, too_many_values

_MOST_DIGITS = 18


def parse_document(text: str) -> dict[str, Any]:
    """Return the map that `text` holds. Raises ServiceError ValidationError."""
    if not _is_writable(text):
        raise format_error(f"{'JSON' if is_json(text) else 'YAML'} not well-formed.")
    value = parse_json(text) if is_json(text) else parse_yaml(text)
    if not isinstance(value, dict):
        raise format_error("unsupported structure.")
    return value


def is_json(text: str) -> bool:
    """Tell whether the text is taken as JSON."""
    return text.lstrip("\ufeff \t\r\n").startswith("{")


def parse_json(text: str) -> Any:
    """Return the JSON value in `text`; of equal keys the last one counts."""
    try:
        value = json.loads(
            text.removeprefix("\ufeff"),
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise format_error(f"JSON not well-formed. {_where(error)}") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise format_error("JSON not well-formed.") from None
    _check_size(value)
    if "\\u" in text:
        _check_text(text, value)
    return value


def _where(error: json.JSONDecodeError) -> str:
    """Return how far AWS's reader had come: past the character that is wrong, as recorded, or to
    the end of a text that ends too soon."""
    at = error.pos + 1
    if at > len(error.doc) or error.msg.startswith("Unterminated string"):
        at = len(error.doc)
    line, column = error.doc.count("\n", 0, at) + 1, at - error.doc.rfind("\n", 0, at)
    return f"(line {line}, column {column})"


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits.removeprefix("-")) <= _MOST_DIGITS else digits


def _finite(digits: str) -> float | str:
    number = float(digits)
    return digits if number in (float("inf"), float("-inf")) else number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _too_deep() -> Exception:
    return format_error(f"JSON nested deeper than {DEEPEST} levels")


def _check_size(value: Any) -> None:
    level = [value]
    left = MOST_VALUES
    for _ in range(DEEPEST + 1):
        left -= len(level)
        if left < 0:
            raise too_many_values()
        following: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                following += one.values()
            elif isinstance(one, list):
                following += one
        if not following:
            return
        level = following
    raise _too_deep()


def _check_text(text: str, value: Any) -> None:
    r"""Refuse half a character (`\ud800` alone), which no text can carry further."""
    if not _is_writable(json.dumps(value, ensure_ascii=False)):
        raise format_error("JSON not well-formed.")


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
