"""The walk's decisions: order, skips, cancels, and what follows a phase."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from penstock.stacks.operations.walk import (
    AFTER_FAILURE,
    AFTER_SUCCESS,
    Begin,
    Cancel,
    Decision,
    Finish,
    Node,
    NodeStatus,
    Phase,
    Skip,
    Start,
    Walk,
    decide,
)

DOCUMENT = Path(__file__).parents[4] / "docs/stack-operations.md"
S = NodeStatus


def walk(phase: Phase, *nodes: tuple[str, NodeStatus, str], **more: object) -> Walk:
    """Nodes as (name, status, the letters it comes after)."""
    made = {name: Node(name, status, frozenset(after)) for name, status, after in nodes}
    return Walk(phase, made, **more)  # type: ignore[arg-type]


def test_the_diagram_draws_the_tables() -> None:
    drawn = re.findall(r"(\w+) --> (\w+): (succeeds|fails)(?: (\w+))?", DOCUMENT.read_text())
    success = {a: b for a, b, how, _ in drawn if how == "succeeds"}
    failure = {(a, kind): b for a, b, how, kind in drawn if how == "fails"}
    assert success == {str(a): str(b) for a, b in AFTER_SUCCESS.items()}
    assert failure == {(str(a), kind): str(b) for (a, kind), b in AFTER_FAILURE.items()}


def test_what_depends_on_nothing_starts_at_once() -> None:
    assert decide(walk(Phase.CREATE, ("B", S.WAITING, ""), ("A", S.WAITING, ""),
                       ("C", S.WAITING, "A"))) == [
        Start("A", "depends on nothing"),
        Start("B", "depends on nothing"),
    ]  # fmt: skip


def test_a_node_starts_when_all_before_it_succeeded() -> None:
    half = walk(Phase.CREATE, ("A", S.SUCCEEDED, ""), ("B", S.RUNNING, ""), ("C", S.WAITING, "AB"))
    assert decide(half) == []
    done = walk(
        Phase.CREATE, ("A", S.SUCCEEDED, ""), ("B", S.SUCCEEDED, ""), ("C", S.WAITING, "AB")
    )
    assert decide(done) == [Start("C", "A, B done")]


def test_what_is_monitored_waits_once_everything_is_made() -> None:
    made = walk(Phase.UPDATE, ("A", S.SUCCEEDED, ""), monitored=True)
    assert decide(made) == []
    [begun] = decide(walk(Phase.UPDATE, ("A", S.SUCCEEDED, "")))
    assert begun == Begin(Phase.CLEANUP, "everything succeeded")
    cancelled = walk(Phase.UPDATE, ("A", S.SUCCEEDED, ""), monitored=True, stop="User Initiated")
    assert decide(cancelled) == [Begin(Phase.REVERT, "User Initiated")]
    failed = walk(Phase.UPDATE, ("A", S.FAILED, ""), monitored=True)
    assert isinstance(decide(failed)[0], Begin)


def test_a_failure_skips_cancels_and_rolls_back() -> None:
    failed = [("A", S.FAILED, ""), ("B", S.RUNNING, ""), ("D", S.WAITING, "")]
    assert decide(walk(Phase.CREATE, *failed, ("C", S.WAITING, "A"))) == [
        Skip("C", "A", "A, which it comes after, did not end"),
        Skip("D", None, "A failed"),
    ]
    skipped = [("A", S.FAILED, ""), ("C", S.SKIPPED, "A"), ("D", S.SKIPPED, "")]
    running = walk(Phase.CREATE, *skipped, ("B", S.RUNNING, ""))
    assert decide(running) == [Cancel("B", "A failed")]
    ended = walk(Phase.CREATE, *skipped, ("B", S.CANCELLED, ""))
    assert decide(ended) == [Begin(Phase.ROLLBACK, "A failed")]
    kept = walk(Phase.CREATE, *skipped, ("B", S.CANCELLED, ""), on_failure="DO_NOTHING")
    assert decide(kept) == [Finish("CREATE_FAILED", "A failed")]


def test_a_stop_is_a_failure_with_a_cause() -> None:
    everything = walk(Phase.UPDATE, ("A", S.SUCCEEDED, ""), stop="User Initiated")
    assert decide(everything) == [Begin(Phase.REVERT, "User Initiated")]


def test_a_deletion_goes_on_beside_a_failure() -> None:
    state = walk(
        Phase.DELETE, ("A", S.FAILED, ""), ("B", S.WAITING, "A"), ("C", S.RUNNING, ""),
        ("D", S.WAITING, "C"),
    )  # fmt: skip
    assert decide(state) == [Skip("B", "A", "A, which it comes after, did not end")]
    later = walk(
        Phase.DELETE, ("A", S.FAILED, ""), ("B", S.SKIPPED, "A"), ("C", S.SUCCEEDED, ""),
        ("D", S.WAITING, "C"),
    )  # fmt: skip
    assert decide(later) == [Start("D", "C done")]


def test_a_stack_to_be_deleted_is_deleted_after_its_creation() -> None:
    state = walk(Phase.CREATE, ("A", S.SUCCEEDED, ""), delete_requested=True)
    assert decide(state) == [Begin(Phase.DELETE, "the stack is to be deleted")]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, frozenset[str]]:
    names = draw(st.lists(st.sampled_from("ABCDEFGH"), min_size=1, unique=True))
    return {
        name: draw(st.frozensets(st.sampled_from(names[:index]))) if index else frozenset()
        for index, name in enumerate(names)
    }


@given(graphs(), st.sampled_from(list(Phase)), st.data())
def test_every_phase_ends_and_nothing_starts_after_what_failed(
    graph: dict[str, frozenset[str]], phase: Phase, data: st.DataObject
) -> None:
    status = dict.fromkeys(graph, S.WAITING)
    ended: Decision | None = None
    for _ in range(10 * len(graph) + 5):
        nodes = {name: Node(name, status[name], after) for name, after in graph.items()}
        decisions = decide(Walk(phase, nodes))
        for decision in decisions:
            match decision:
                case Start(name, cause):
                    assert all(status[one] is S.SUCCEEDED for one in graph[name])
                    assert status[name] is S.WAITING
                    assert cause
                    status[name] = S.RUNNING
                case Skip(name, because, _):
                    assert because is None or status[because] in {S.FAILED, S.SKIPPED, S.CANCELLED}
                    status[name] = S.SKIPPED
                case Cancel(name, _):
                    assert status[name] is S.RUNNING
                    status[name] = data.draw(st.sampled_from([S.CANCELLED, S.SUCCEEDED]))
                case Begin() | Finish():
                    ended = decision
        if ended is not None:
            break
        running = sorted(name for name, one in status.items() if one is S.RUNNING)
        if running:
            done = data.draw(st.sampled_from(running))
            status[done] = data.draw(st.sampled_from([S.SUCCEEDED, S.FAILED]))
    assert ended is not None, "every phase ends"
    assert not {S.WAITING, S.RUNNING} & set(status.values())
    failed = [name for name, one in status.items() if one is S.FAILED]
    expected = AFTER_SUCCESS[phase]
    if failed:
        kind = "ROLLBACK" if phase in {Phase.CREATE, Phase.UPDATE} else ""
        expected = AFTER_FAILURE[phase, kind]
    found = ended.phase if isinstance(ended, Begin) else ended.status  # type: ignore[union-attr]
    assert found == expected
