"""The transition tables are those of the diagrams."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from penstock.pipelines.states import (
    ACTION_MOVES,
    EXECUTION_MOVES,
    STAGE_MOVES,
    StageStatus,
    sources_of_stage,
)

PAGE = Path(__file__).parents[3] / "docs" / "pipelines-states.md"


@pytest.mark.parametrize(
    ("section", "moves"),
    [("Execution", EXECUTION_MOVES), ("Stage", STAGE_MOVES), ("Action", ACTION_MOVES)],
)
def test_diagram_and_table_agree(section: str, moves: Mapping[StrEnum, frozenset[StrEnum]]) -> None:
    text = PAGE.read_text().split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)$", text, re.MULTILINE))
    table = {(source.value, target.value) for source in moves for target in moves[source]}
    assert drawn == table


def test_every_status_has_a_row() -> None:
    for moves in (EXECUTION_MOVES, STAGE_MOVES, ACTION_MOVES):
        assert set(moves) == set(type(next(iter(moves))))


def test_sources_are_the_reverse_of_moves() -> None:
    assert set(sources_of_stage(StageStatus.STOPPED)) == {"Inbound", "Stopping"}
