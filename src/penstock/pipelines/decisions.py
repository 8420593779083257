"""What `decide` sees of a pipeline and what it may answer, as values; what each answer changes.

One decision is one effect, with its cause in an operator's words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from penstock.pipelines.states import ActionStatus, ExecutionStatus, StageStatus
from penstock.pipelines.structure import ExecutionMode, PipelineStructure


@dataclass(frozen=True, slots=True)
class StageRun:
    """One execution's passage through one stage. `attempt` counts its retries from 1."""

    status: StageStatus
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class ActionRun:
    """The action execution that counts now for one action of one stage run."""

    id: str
    status: ActionStatus


@dataclass(frozen=True, slots=True)
class ExecutionSnapshot:
    """One execution that has not ended. `number` orders a pipeline's executions.

    `stages` maps a stage's name to its run, `actions` (stage, action) to the run that counts;
    what is absent has not started. `outdated` says that the structure was edited since it began.
    """

    id: str
    number: int
    status: ExecutionStatus
    structure: PipelineStructure
    stages: Mapping[str, StageRun] = field(default_factory=dict)
    actions: Mapping[tuple[str, str], ActionRun] = field(default_factory=dict)
    outdated: bool = False
    abandon: bool = False


@dataclass(frozen=True, slots=True)
class PipelineSnapshot:
    """One pipeline. `disabled` maps a stage to the reason why nothing may enter it;
    `last_entered` maps a stage to the highest number of an execution that entered it."""

    mode: ExecutionMode
    executions: tuple[ExecutionSnapshot, ...]
    disabled: Mapping[str, str] = field(default_factory=dict)
    last_entered: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArriveAtStage:
    """The execution now waits in front of the stage."""

    execution_id: str
    stage: str
    cause: str


@dataclass(frozen=True, slots=True)
class EnterStage:
    """The execution takes the stage's lock."""

    execution_id: str
    stage: str
    cause: str


@dataclass(frozen=True, slots=True)
class StartAction:
    """The action starts for the first time in this attempt of its stage."""

    execution_id: str
    stage: str
    action: str
    attempt: int
    cause: str


@dataclass(frozen=True, slots=True)
class AbandonAction:
    """The action is given up; its provider may go on working."""

    execution_id: str
    stage: str
    action: str
    action_execution_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class MoveStage:
    """The stage's run gets another status; an ended one gives back the stage's lock."""

    execution_id: str
    stage: str
    status: StageStatus
    cause: str


@dataclass(frozen=True, slots=True)
class EndExecution:
    """The execution ends: Succeeded, Failed, Stopped or Cancelled."""

    execution_id: str
    status: ExecutionStatus
    cause: str


@dataclass(frozen=True, slots=True)
class Supersede:
    """A waiting execution is overtaken by a newer one and ends."""

    execution_id: str
    stage: str
    by_execution_id: str | None
    cause: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing happens to this execution for now; `cause` says what it waits for."""

    execution_id: str
    stage: str
    cause: str


Decision = (
    ArriveAtStage
    | EnterStage
    | StartAction
    | AbandonAction
    | MoveStage
    | EndExecution
    | Supersede
    | Wait
)


def after(
    snapshot: PipelineSnapshot, decision: Decision, action: ActionRun | None = None
) -> PipelineSnapshot:
    """Return the snapshot once `decision` is carried out; `action` is what StartAction made."""
    if isinstance(decision, Wait):
        return snapshot
    execution = next(one for one in snapshot.executions if one.id == decision.execution_id)
    last_entered = snapshot.last_entered
    match decision:
        case ArriveAtStage():
            changed = _with_stage(execution, decision.stage, StageStatus.INBOUND)
        case EnterStage():
            changed = _with_stage(execution, decision.stage, StageStatus.IN_PROGRESS)
            last_entered = {**last_entered, decision.stage: execution.number}
        case MoveStage():
            changed = _with_stage(execution, decision.stage, decision.status)
        case StartAction():
            assert action is not None
            changed = _with_action(execution, decision.stage, decision.action, action)
        case AbandonAction():
            run = ActionRun(decision.action_execution_id, ActionStatus.ABANDONED)
            changed = _with_action(execution, decision.stage, decision.action, run)
        case EndExecution() | Supersede():
            left = tuple(one for one in snapshot.executions if one is not execution)
            return replace(snapshot, executions=left)
        case _:
            assert_never(decision)
    executions = tuple(changed if one is execution else one for one in snapshot.executions)
    return replace(snapshot, executions=executions, last_entered=last_entered)


def _with_stage(execution: ExecutionSnapshot, stage: str, status: StageStatus) -> ExecutionSnapshot:
    former = execution.stages.get(stage, StageRun(status))
    return replace(execution, stages={**execution.stages, stage: replace(former, status=status)})


def _with_action(
    execution: ExecutionSnapshot, stage: str, action: str, run: ActionRun
) -> ExecutionSnapshot:
    return replace(execution, actions={**execution.actions, (stage, action): run})


def acts(decisions: list[Decision]) -> bool:
    """Say whether any decision changes something."""
    return any(not isinstance(decision, Wait) for decision in decisions)
