"""A line of a build's log as a terminal would show it: colours kept, everything else dropped.

Source: https://www.ecma-international.org/publications-and-standards/standards/ecma-48/ (SGR).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SGR = re.compile(r"\x1b\[([0-9;:]*)m")
_OTHER_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles and links
    r"|\x1b\[[0-?]*[ -/]*(?:[@-ln-~]|$)"  # moves of the cursor, erasing
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|\x1b[ -/]*[0-Z\\^-~]?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


@dataclass(frozen=True, slots=True)
class Span:
    """Text and the CSS classes of its style; plain text has none."""

    text: str
    classes: str = ""


def spans(line: str) -> list[Span]:
    """Return the line's spans. What a line was overwritten with is shown."""
    shown = line.rstrip("\r\n").rsplit("\r", 1)[-1]
    return [span for span in _styled(shown) if span.text]


def _styled(line: str) -> Iterator[Span]:
    style: dict[str, str] = {}
    position = 0
    for match in _SGR.finditer(line):
        yield Span(_plain(line[position : match.start()]), " ".join(style.values()))
        _apply(style, match[1])
        position = match.end()
    yield Span(_plain(line[position:]), " ".join(style.values()))


def _plain(text: str) -> str:
    return _CONTROL.sub("", _OTHER_ESCAPES.sub("", text))


def _apply(style: dict[str, str], codes: str) -> None:
    """Change `style` as the codes of one sequence say; colours beyond the sixteen are left out."""
    # No code has more than three digits; Python refuses to read thousands of them.
    numbers = iter([int(code[:4] or 0) for code in re.split("[;:]", codes)])
    for number in numbers:
        if number == 0:
            style.clear()
        elif number == 1:
            style["weight"] = "ansi-bold"
        elif number == 2:
            style["weight"] = "ansi-dim"
        elif number == 22:
            style.pop("weight", None)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            style["colour"] = f"ansi-{_COLOURS[number % 10]}"
        elif number == 39:
            style.pop("colour", None)
        elif number in {38, 48}:  # a palette's index or three parts follow
            for _ in range({5: 1, 2: 3}.get(next(numbers, 0), 0)):
                next(numbers, None)
