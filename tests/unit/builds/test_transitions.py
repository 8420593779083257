"""The table of transitions and the diagram in docs/build-phases.md are the same."""

import re
from pathlib import Path

import pytest

from penstock.builds.build import PhaseType
from penstock.builds.transitions import CONTAINER_PHASES, TRANSITIONS, after_failure

DOCUMENT = Path(__file__).parents[3] / "docs/build-phases.md"


def test_the_diagram_draws_the_table() -> None:
    drawn = re.findall(r"(\w+) --> (\w+): (\w+)", DOCUMENT.read_text())
    assert {(PhaseType(a), how): PhaseType(b) for a, b, how in drawn} == dict(TRANSITIONS)
    assert len(drawn) == len(TRANSITIONS)


@pytest.mark.parametrize("how", ["succeeds", "fails"])
def test_every_way_leads_to_completed(how: str) -> None:
    for start in PhaseType:
        phase, seen = start, set()
        while phase is not PhaseType.COMPLETED:
            assert phase not in seen
            seen.add(phase)
            phase = TRANSITIONS.get((phase, how)) or TRANSITIONS[phase, "succeeds"]


def test_no_transition_goes_back() -> None:
    order = list(PhaseType)
    assert all(order.index(b) > order.index(a) for (a, _), b in TRANSITIONS.items())


@pytest.mark.parametrize("phase", CONTAINER_PHASES)
def test_abort_ends_the_commands_and_continue_goes_on(phase: PhaseType) -> None:
    assert after_failure(phase, "ABORT") is PhaseType.FINALIZING
    assert after_failure(phase, "CONTINUE") is TRANSITIONS[phase, "succeeds"]
    assert after_failure(phase, None) is TRANSITIONS[phase, "fails"]
