"""The states of executions, stages and actions, and the moves between them.

The tables stand beside the diagrams in `docs/pipelines-states.md`; a test compares them.
Statuses are the API's own words, except `Inbound`: a stage that an execution waits in front of.
"""

from collections.abc import Mapping
from enum import StrEnum


class ExecutionStatus(StrEnum):
    """CodePipeline's PipelineExecutionStatus."""

    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    SUCCEEDED = "Succeeded"
    SUPERSEDED = "Superseded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class StageStatus(StrEnum):
    """CodePipeline's StageExecutionStatus, and `Inbound`."""

    INBOUND = "Inbound"
    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class ActionStatus(StrEnum):
    """CodePipeline's ActionExecutionStatus."""

    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ABANDONED = "Abandoned"


_E, _S, _A = ExecutionStatus, StageStatus, ActionStatus

EXECUTION_MOVES: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _E.IN_PROGRESS: frozenset({_E.SUCCEEDED, _E.FAILED, _E.SUPERSEDED, _E.CANCELLED, _E.STOPPING}),
    _E.STOPPING: frozenset({_E.STOPPED}),
    _E.FAILED: frozenset({_E.IN_PROGRESS}),
    _E.STOPPED: frozenset({_E.IN_PROGRESS}),
    _E.SUCCEEDED: frozenset(),
    _E.SUPERSEDED: frozenset(),
    _E.CANCELLED: frozenset(),
}
"""The moves back to InProgress are a stage's retry."""

STAGE_MOVES: Mapping[StageStatus, frozenset[StageStatus]] = {
    _S.INBOUND: frozenset({_S.IN_PROGRESS, _S.STOPPED, _S.CANCELLED}),
    _S.IN_PROGRESS: frozenset({_S.SUCCEEDED, _S.FAILED, _S.CANCELLED, _S.STOPPING}),
    _S.STOPPING: frozenset({_S.STOPPED}),
    _S.FAILED: frozenset({_S.IN_PROGRESS}),
    _S.STOPPED: frozenset({_S.IN_PROGRESS}),
    _S.SUCCEEDED: frozenset(),
    _S.CANCELLED: frozenset(),
}
"""An inbound stage is Cancelled when its execution is superseded or the structure was edited."""

ACTION_MOVES: Mapping[ActionStatus, frozenset[ActionStatus]] = {
    _A.IN_PROGRESS: frozenset({_A.SUCCEEDED, _A.FAILED, _A.ABANDONED}),
    _A.SUCCEEDED: frozenset(),
    _A.FAILED: frozenset(),
    _A.ABANDONED: frozenset(),
}
"""A retried action is a new record; the old one never moves again."""

LOCKING_STAGE = frozenset({_S.IN_PROGRESS, _S.STOPPING})
"""The statuses in which an execution holds its stage's lock."""


def sources_of_execution(target: ExecutionStatus) -> list[str]:
    """Return the statuses from which an execution may move to `target`."""
    return [source.value for source, targets in EXECUTION_MOVES.items() if target in targets]


def sources_of_stage(target: StageStatus) -> list[str]:
    """Return the statuses from which a stage may move to `target`."""
    return [source.value for source, targets in STAGE_MOVES.items() if target in targets]
