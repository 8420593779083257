"""How commands lay their text out: 80 columns, and what others wrote obeyed by no terminal."""

import re

from rich.padding import Padding
from rich.text import Text

from penstock.pipelines.review_words import legible

WIDTH = 80
_COMMIT = re.compile(r"\b([0-9a-f]{7})[0-9a-f]{33}\b")


def below(words: str, indent: int, style: str = "") -> Padding:
    """Return text at the full width, under the row that it belongs to."""
    text = Text(legible(words), style, overflow="fold")
    return Padding(text, (0, 0, 0, indent), expand=False)


def short_commits(text: str) -> str:
    """Return the text with each commit's id cut to its first seven digits."""
    return _COMMIT.sub(r"\1", text)
