"""What happens next in one phase of a stack's operation: pure.

A phase is a graph of nodes. A node starts when all it comes after has succeeded; where one did
not succeed, what comes after it is skipped, never started. A phase that makes resources ends at
its first failure: nodes in progress are cancelled (what a handler already began is seen to
first), and the rollback begins when none is left. A phase that takes back or deletes goes on
with whatever does not depend on the failure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Phase(StrEnum):
    """What an operation is about at a time; docs/stack-operations.md draws how they follow."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    CLEANUP = "CLEANUP"
    REVERT = "REVERT"
    REVERT_CLEANUP = "REVERT_CLEANUP"
    ROLLBACK = "ROLLBACK"
    DELETE = "DELETE"


class NodeStatus(StrEnum):
    """How far a node is."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


class Node(msgspec.Struct, frozen=True):
    """One resource in one phase; `after` are the nodes that must have succeeded before it."""

    logical_id: str
    status: NodeStatus
    after: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Walk:
    """A phase as it stands. `stop` is why the operation was asked to stop, if it was."""

    phase: Phase
    nodes: Mapping[str, Node]
    on_failure: str = "ROLLBACK"
    """For CREATE: ROLLBACK, DO_NOTHING or DELETE; for UPDATE: ROLLBACK or DO_NOTHING."""
    stop: str | None = None
    delete_requested: bool = False
    """Whether the stack is to be deleted once this phase has ended."""
    held: bool = False
    """Whether a nested stack's cleanup waits for its parent, which may still go back."""
    monitored: bool = False
    """Whether the stack is still watched once everything is made, before it is cleaned up."""


@dataclass(frozen=True, slots=True)
class Start:
    """Begin the work of a node."""

    logical_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave a node out: `because` names the node that it comes after, None for a stop."""

    logical_id: str
    because: str | None
    cause: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a node in progress as soon as what it made is known."""

    logical_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Go on with another phase."""

    phase: Phase
    cause: str


@dataclass(frozen=True, slots=True)
class Finish:
    """End the operation: the stack's status, and the cause of it."""

    status: str
    cause: str


Decision = Start | Skip | Cancel | Begin | Finish

_S = NodeStatus
_MAKING = frozenset({Phase.CREATE, Phase.UPDATE})
_LOST = frozenset({_S.FAILED, _S.CANCELLED, _S.SKIPPED})

AFTER_SUCCESS: Mapping[Phase, Phase | str] = {
    Phase.CREATE: "CREATE_COMPLETE",
    Phase.UPDATE: Phase.CLEANUP,
    Phase.CLEANUP: "UPDATE_COMPLETE",
    Phase.REVERT: Phase.REVERT_CLEANUP,
    Phase.REVERT_CLEANUP: "UPDATE_ROLLBACK_COMPLETE",
    Phase.ROLLBACK: "ROLLBACK_COMPLETE",
    Phase.DELETE: "DELETE_COMPLETE",
}
"""What follows a phase whose nodes all succeeded: another phase, or the stack's status."""

AFTER_FAILURE: Mapping[tuple[Phase, str], Phase | str] = {
    (Phase.CREATE, "ROLLBACK"): Phase.ROLLBACK,
    (Phase.CREATE, "DELETE"): Phase.DELETE,
    (Phase.CREATE, "DO_NOTHING"): "CREATE_FAILED",
    (Phase.UPDATE, "ROLLBACK"): Phase.REVERT,
    (Phase.UPDATE, "DO_NOTHING"): "UPDATE_FAILED",
    (Phase.CLEANUP, ""): "UPDATE_COMPLETE",
    (Phase.CLEANUP, "HELD"): Phase.REVERT,
    (Phase.REVERT, ""): "UPDATE_ROLLBACK_FAILED",
    (Phase.REVERT_CLEANUP, ""): "UPDATE_ROLLBACK_COMPLETE",
    (Phase.ROLLBACK, ""): "ROLLBACK_FAILED",
    (Phase.DELETE, ""): "DELETE_FAILED",
}
"""What follows a phase in which a node failed, by `on_failure` where the phase makes resources.
A cleanup that fails leaves a resource behind, and the stack is complete all the same, as on AWS;
one that is HELD, of a nested stack that waits for its parent, has deleted nothing: it goes back."""


def decide(walk: Walk) -> list[Decision]:
    """Return what happens next, skips first, in order of logical id; nothing means: wait."""
    if walk.held:
        return [] if walk.stop is None else [_back(walk.stop)]
    stop = _stop(walk)
    decisions = _skips(walk, stop)
    if decisions:
        return decisions  # more may be skipped because of these: ask again
    running = _names(walk, _S.RUNNING)
    if stop is not None:
        if running:
            return [Cancel(walk.nodes[name].logical_id, stop) for name in running]
        return [_after(walk, stop)]
    waiting = [walk.nodes[name] for name in _names(walk, _S.WAITING)]
    starts: list[Decision] = [
        Start(node.logical_id, _ready(node))
        for node in waiting
        if all(_succeeded(walk, one) for one in node.after)
    ]
    if starts or running:
        return starts
    if walk.monitored and all_made(walk):
        return []  # as long as nobody stops it
    return [_after(walk, None)]


def all_made(walk: Walk) -> bool:
    """Return whether a phase that makes resources has nothing left to do."""
    return walk.phase in _MAKING and all(_succeeded(walk, name) for name in walk.nodes)


def _stop(walk: Walk) -> str | None:
    """Return why no further node of this phase may start, None when it may."""
    if walk.phase not in _MAKING:
        return None
    if walk.stop is not None:
        return walk.stop
    failed = _names(walk, _S.FAILED)
    return f"{failed[0]} failed" if failed else None


def _names(walk: Walk, *statuses: NodeStatus) -> list[str]:
    """Return the names of the nodes with one of `statuses`, in their order."""
    return sorted(name for name, node in walk.nodes.items() if node.status in statuses)


def _back(stop: str) -> Decision:
    """Return what follows where the parent of a nested stack goes back."""
    following = AFTER_FAILURE[Phase.CLEANUP, "HELD"]
    assert isinstance(following, Phase)
    return Begin(following, stop)


def _skips(walk: Walk, stop: str | None) -> list[Decision]:
    if stop is None and not _names(walk, *_LOST):
        return []
    decisions: list[Decision] = []
    for name in _names(walk, _S.WAITING):
        lost = [one for one in sorted(walk.nodes[name].after) if walk.nodes[one].status in _LOST]
        if lost:
            decisions.append(Skip(name, lost[0], f"{lost[0]}, which it comes after, did not end"))
        elif stop is not None:
            decisions.append(Skip(name, None, stop))
    return decisions


def _succeeded(walk: Walk, name: str) -> bool:
    return walk.nodes[name].status is _S.SUCCEEDED


def _ready(node: Node) -> str:
    return f"{', '.join(sorted(node.after))} done" if node.after else "depends on nothing"


def _after(walk: Walk, stop: str | None) -> Decision:
    lost = _names(walk, *_LOST)
    if stop is None and not lost:
        following, cause = AFTER_SUCCESS[walk.phase], "everything succeeded"
    else:
        kind = walk.on_failure if walk.phase in _MAKING else ""
        following = AFTER_FAILURE[walk.phase, kind]
        cause = stop or f"failed or left out: {', '.join(lost)}"
    if walk.delete_requested and walk.phase in {Phase.CREATE, Phase.ROLLBACK}:
        following, cause = Phase.DELETE, "the stack is to be deleted"
    if isinstance(following, Phase):
        return Begin(following, cause)
    return Finish(following, cause)
