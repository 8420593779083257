"""What happens next in one pipeline: a pure function from a snapshot to decisions.

`decide` sees every execution that has not ended, of one pipeline, and returns decisions in a
stable order, each with its cause in an operator's words. Each decision is one effect; the
engine applies them, takes the next snapshot and asks again, until only waiting is left.

Rules (https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html):
a stage is locked by the one execution inside it; one execution waits in front of it (SUPERSEDED)
or a queue does (QUEUED); a newer arrival supersedes the waiting one; a disabled transition keeps
executions waiting; a failed action lets its parallel siblings finish and starts nothing more.
An edit of the pipeline lets running actions finish, but voids the approvals that it waits for.
"""

from collections.abc import Iterator, Mapping

from penstock.pipelines.decisions import (
    AbandonAction,
    ActionRun,
    ArriveAtStage,
    Decision,
    EndExecution,
    EnterStage,
    ExecutionSnapshot,
    MoveStage,
    PipelineSnapshot,
    StageRun,
    StartAction,
    Supersede,
    Wait,
)
from penstock.pipelines.states import (
    LOCKING_STAGE,
    ActionStatus,
    ExecutionStatus,
    StageStatus,
)
from penstock.pipelines.structure import (
    ActionDeclaration,
    ExecutionMode,
    StageDeclaration,
)


def decide(snapshot: PipelineSnapshot) -> list[Decision]:
    """Return what happens next in the pipeline, in a stable order.

    Decisions of one answer concern different executions or different actions, so applying
    all of them in order is safe; the next snapshot shows what follows from them.
    """
    decisions: list[Decision] = []
    for execution in sorted(snapshot.executions, key=lambda one: one.number):
        decisions.extend(_execution(execution))
    decisions.extend(_inbound(snapshot))
    return decisions


def _current(execution: ExecutionSnapshot) -> tuple[int, StageDeclaration, StageRun] | None:
    """Return the furthest stage that the execution has reached, None before its first."""
    for index in range(len(execution.structure.stages) - 1, -1, -1):
        stage = execution.structure.stages[index]
        if run := execution.stages.get(stage.name):
            return index, stage, run
    return None


def _execution(execution: ExecutionSnapshot) -> Iterator[Decision]:
    current = _current(execution)
    if current is None:
        if execution.status is ExecutionStatus.STOPPING:
            yield EndExecution(execution.id, ExecutionStatus.STOPPED, "stopped before it began")
        elif execution.outdated:
            yield _cancelled(execution)
        else:
            first = execution.structure.stages[0].name
            yield ArriveAtStage(execution.id, first, "the execution started")
        return
    index, stage, run = current
    match run.status:
        case StageStatus.INBOUND:
            yield from _waiting(execution, stage)
        case StageStatus.IN_PROGRESS | StageStatus.STOPPING:
            yield from _inside(execution, stage, run)
        case StageStatus.SUCCEEDED:
            yield from _after_success(execution, index)
        case StageStatus.FAILED:
            yield EndExecution(execution.id, _after_end(execution), f"stage {stage.name} failed")
        case StageStatus.STOPPED:
            yield EndExecution(
                execution.id, ExecutionStatus.STOPPED, f"stopped in stage {stage.name}"
            )
        case StageStatus.CANCELLED:
            yield _cancelled(execution)


def _cancelled(execution: ExecutionSnapshot) -> EndExecution:
    return EndExecution(
        execution.id,
        ExecutionStatus.CANCELLED,
        "the pipeline was updated before the execution could be completed",
    )


def _after_end(execution: ExecutionSnapshot) -> ExecutionStatus:
    if execution.status is ExecutionStatus.STOPPING:
        return ExecutionStatus.STOPPED
    return ExecutionStatus.FAILED


def _waiting(execution: ExecutionSnapshot, stage: StageDeclaration) -> Iterator[Decision]:
    """Decide for an execution in front of a stage; entering is `_inbound`'s."""
    if execution.status is ExecutionStatus.STOPPING:
        cause = f"stopped while waiting for stage {stage.name}"
        yield MoveStage(execution.id, stage.name, StageStatus.STOPPED, cause)
    elif execution.outdated:
        cause = f"the pipeline was updated while it waited for stage {stage.name}"
        yield MoveStage(execution.id, stage.name, StageStatus.CANCELLED, cause)


def _after_success(execution: ExecutionSnapshot, index: int) -> Iterator[Decision]:
    stages = execution.structure.stages
    done = stages[index].name
    if execution.status is ExecutionStatus.STOPPING:
        yield EndExecution(execution.id, ExecutionStatus.STOPPED, f"stopped after stage {done}")
    elif index + 1 == len(stages):
        yield EndExecution(execution.id, ExecutionStatus.SUCCEEDED, "every stage succeeded")
    elif execution.outdated:
        yield _cancelled(execution)
    else:
        yield ArriveAtStage(execution.id, stages[index + 1].name, f"stage {done} succeeded")


def _inside(
    execution: ExecutionSnapshot, stage: StageDeclaration, run: StageRun
) -> Iterator[Decision]:
    """Decide for the execution that holds the stage."""
    runs = {
        action.name: execution.actions.get((stage.name, action.name)) for action in stage.actions
    }
    running = [name for name, action in runs.items() if _is(action, ActionStatus.IN_PROGRESS)]
    if execution.status is ExecutionStatus.STOPPING:
        yield from _stopping(execution, stage, run, runs, running)
        return
    ended_badly = [ActionStatus.FAILED]
    if not execution.outdated:  # an edit abandons approvals, which is no failure
        ended_badly.append(ActionStatus.ABANDONED)
    broken = [
        name for name, action in runs.items() if any(_is(action, status) for status in ended_badly)
    ]
    succeeded = all(_is(run, ActionStatus.SUCCEEDED) for run in runs.values())
    if voided := _voided(execution, stage, running):
        cause = "the pipeline was updated while it waited for approval"
        yield from _abandon(execution, stage, voided, runs, cause)
        return
    if broken or (execution.outdated and not succeeded):
        yield from _no_more_starts(execution, stage, broken, running)
        return
    for run_order in stage.run_orders():
        group = [action for action in stage.actions if action.run_order == run_order]
        if not all(_is(runs[action.name], ActionStatus.SUCCEEDED) for action in group):
            yield from _run_group(execution, stage, run, group, runs)
            return
    cause = f"every action of stage {stage.name} succeeded"
    yield MoveStage(execution.id, stage.name, StageStatus.SUCCEEDED, cause)


def _voided(execution: ExecutionSnapshot, stage: StageDeclaration, running: list[str]) -> list[str]:
    """Return the approvals that an edit of the pipeline makes void."""
    if not execution.outdated:
        return []
    return [
        action.name
        for action in stage.actions
        if action.name in running and action.action_type_id.category == "Approval"
    ]


def _abandon(
    execution: ExecutionSnapshot,
    stage: StageDeclaration,
    names: list[str],
    runs: Mapping[str, ActionRun | None],
    cause: str,
) -> Iterator[Decision]:
    for name in names:
        action = runs[name]
        assert action is not None
        yield AbandonAction(execution.id, stage.name, name, action.id, cause)


def _is(run: ActionRun | None, status: ActionStatus) -> bool:
    return run is not None and run.status is status


def _run_group(
    execution: ExecutionSnapshot,
    stage: StageDeclaration,
    run: StageRun,
    group: list[ActionDeclaration],
    runs: Mapping[str, ActionRun | None],
) -> Iterator[Decision]:
    order = group[0].run_order
    started = False
    for action in group:
        if runs[action.name] is None:
            started = True
            cause = f"run order {order} of stage {stage.name} may start"
            yield StartAction(execution.id, stage.name, action.name, run.attempt, cause)
    if not started:
        names = ", ".join(
            action.name for action in group if _is(runs[action.name], ActionStatus.IN_PROGRESS)
        )
        yield Wait(execution.id, stage.name, f"action {names} is running")


def _no_more_starts(
    execution: ExecutionSnapshot,
    stage: StageDeclaration,
    broken: list[str],
    running: list[str],
) -> Iterator[Decision]:
    if running:
        yield Wait(execution.id, stage.name, f"action {', '.join(running)} is finishing")
    elif broken:
        cause = f"action {', '.join(broken)} failed"
        yield MoveStage(execution.id, stage.name, StageStatus.FAILED, cause)
    else:
        cause = "the pipeline was updated"
        yield MoveStage(execution.id, stage.name, StageStatus.CANCELLED, cause)


def _stopping(
    execution: ExecutionSnapshot,
    stage: StageDeclaration,
    run: StageRun,
    runs: Mapping[str, ActionRun | None],
    running: list[str],
) -> Iterator[Decision]:
    if run.status is StageStatus.IN_PROGRESS:
        cause = "the execution was asked to stop"
        yield MoveStage(execution.id, stage.name, StageStatus.STOPPING, cause)
    elif not running:
        cause = f"no action of stage {stage.name} runs any more"
        yield MoveStage(execution.id, stage.name, StageStatus.STOPPED, cause)
    elif execution.abandon:
        yield from _abandon(execution, stage, running, runs, "the execution was abandoned")
    elif voided := _voided(execution, stage, running):
        cause = "the pipeline was updated while it waited for approval"
        yield from _abandon(execution, stage, voided, runs, cause)
    else:
        yield Wait(execution.id, stage.name, f"action {', '.join(running)} is finishing")


def _inbound(snapshot: PipelineSnapshot) -> Iterator[Decision]:
    """Decide, stage by stage, who is superseded and who enters."""
    fronts: dict[str, list[ExecutionSnapshot]] = {}
    locked: dict[str, ExecutionSnapshot] = {}
    for execution in snapshot.executions:
        for stage, run in execution.stages.items():
            if run.status in LOCKING_STAGE:
                locked[stage] = execution
            if (
                run.status is StageStatus.INBOUND
                and execution.status is ExecutionStatus.IN_PROGRESS
                and not execution.outdated
            ):
                fronts.setdefault(stage, []).append(execution)
    for stage in sorted(fronts):
        waiting = sorted(fronts[stage], key=lambda one: one.number)
        if snapshot.mode is ExecutionMode.SUPERSEDED:
            overtaken, next_in = _overtaken(stage, waiting, snapshot)
            yield from overtaken
        else:
            next_in = waiting[0]
        if next_in is not None:
            yield from _enter(stage, next_in, locked.get(stage), snapshot.disabled.get(stage))


def _overtaken(
    stage: str, waiting: list[ExecutionSnapshot], snapshot: PipelineSnapshot
) -> tuple[list[Decision], ExecutionSnapshot | None]:
    """Return the executions that were overtaken in front of `stage`, and the one that was not."""
    newest = waiting[-1]
    superseded: list[Decision] = [
        Supersede(
            execution.id, stage, newest.id,
            f"a newer execution arrived at stage {stage}",
        )
        for execution in waiting[:-1]
    ]  # fmt: skip
    if newest.number < snapshot.last_entered.get(stage, 0):
        cause = f"a newer execution entered stage {stage}"
        return [*superseded, Supersede(newest.id, stage, None, cause)], None
    return superseded, newest


def _enter(
    stage: str, execution: ExecutionSnapshot, holder: ExecutionSnapshot | None, disabled: str | None
) -> Iterator[Decision]:
    if disabled is not None:
        cause = f"the transition into stage {stage} is disabled: {disabled}"
        yield Wait(execution.id, stage, cause)
    elif holder is not None:
        yield Wait(execution.id, stage, f"execution {holder.id} is in stage {stage}")
    else:
        yield EnterStage(execution.id, stage, f"stage {stage} is free")
