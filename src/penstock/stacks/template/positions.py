"""Where a value stands in a template's text. Looked for only when an error needs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Position:
    """Line and column, both counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"(line {self.line}, column {self.column})"


def locate(text: str, path: Sequence[str | int]) -> Position | None:
    """Return where the value (or its key) at `path` begins, as near as the text shows it.

    `path` is one of the expanded template: the name of a function whose short form stands in the
    text is no step in the text. JSON is looked at as YAML.
    """
    try:
        events = yaml.parse(text, Loader=yaml.CSafeLoader)
        return _Search(list(path)).position(list(events))
    except (yaml.YAMLError, ValueError, IndexError):
        return None


class _Search:
    """Walks the events of one document along a path."""

    def __init__(self, path: list[str | int]) -> None:
        self._path = path

    def position(self, events: list[yaml.Event]) -> Position | None:
        at = 2  # after the starts of stream and document
        found = events[at]
        for step in self._path:
            following = self._step(events, at, step)
            if following is None:
                continue  # a short form's name, or no more detail in the text
            found, at = events[following[0]], following[1]
        mark: Any = found.start_mark
        return Position(mark.line + 1, mark.column + 1)

    def _step(self, events: list[yaml.Event], at: int, step: str | int) -> tuple[int, int] | None:
        """Return where the key (or item) and its value stand; of equal keys the last."""
        here = events[at]
        if isinstance(here, yaml.SequenceStartEvent) and isinstance(step, int):
            index, at = 0, at + 1
            while not isinstance(events[at], yaml.SequenceEndEvent):
                if index == step:
                    return at, at
                index, at = index + 1, _after(events, at)
        if isinstance(here, yaml.MappingStartEvent) and isinstance(step, str):
            result, at = None, at + 1
            while not isinstance(events[at], yaml.MappingEndEvent):
                key, at = at, _after(events, at)
                if getattr(events[key], "value", None) == step:
                    result = (key, at)
                at = _after(events, at)
            return result
        return None


def _after(events: list[yaml.Event], at: int) -> int:
    """Return the index after the node that begins at `at`."""
    depth = 0
    while True:
        event = events[at]
        if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            depth += 1
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            depth -= 1
        at += 1
        if depth == 0:
            return at
