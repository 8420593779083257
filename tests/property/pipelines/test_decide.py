"""Safety and progress of `decide`, over random pipelines, failures, pushes, edits and stops.

The simulation applies decisions to plain values. A restart is the same thing as going on:
the snapshot is all that `decide` ever sees, which is what makes the engine restartable.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.pipelines.decide import decide
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
    acts,
    after,
)
from penstock.pipelines.retries import Release, releases, runs_again
from penstock.pipelines.states import (
    ACTION_MOVES,
    EXECUTION_MOVES,
    LOCKING_STAGE,
    STAGE_MOVES,
    ActionStatus,
    ExecutionStatus,
    StageStatus,
)
from penstock.pipelines.structure import (
    ActionDeclaration,
    ActionTypeId,
    ExecutionMode,
    PipelineStructure,
    StageDeclaration,
)

ACTIVE_EXECUTION = {ExecutionStatus.IN_PROGRESS, ExecutionStatus.STOPPING}
BUILD = ActionTypeId("Build", "AWS", "CodeBuild", "1")
APPROVAL = ActionTypeId("Approval", "AWS", "Manual", "1")
CLOUDFORMATION = ActionTypeId("Deploy", "AWS", "CloudFormation", "1")


@dataclass
class Simulation:
    """A pipeline whose executions are values."""

    structure: PipelineStructure
    executions: dict[str, ExecutionSnapshot] = field(default_factory=dict)
    disabled: dict[str, str] = field(default_factory=dict)
    last_entered: dict[str, int] = field(default_factory=dict)
    order: list[tuple[str, int]] = field(default_factory=list)
    """Stage and number of every entry, in the order in which they happened."""
    starts: list[str] = field(default_factory=list)
    """The id of every action execution, in the order in which they started."""
    void: set[str] = field(default_factory=set)
    """Ids of the actions that made a change set whose stack has moved on since."""

    def snapshot(self) -> PipelineSnapshot:
        return PipelineSnapshot(
            self.structure.execution_mode,
            tuple(one for one in self.executions.values() if one.status in ACTIVE_EXECUTION),
            dict(self.disabled),
            dict(self.last_entered),
        )

    def push(self) -> None:
        number = len(self.executions) + 1
        one = ExecutionSnapshot(f"e{number}", number, ExecutionStatus.IN_PROGRESS, self.structure)
        self.executions[one.id] = one

    def settle(self) -> None:
        """Apply decisions until only waiting is left; it must come to that soon."""
        for _ in range(20 + 20 * len(self.executions) * len(self.structure.stages)):
            decisions = decide(self.snapshot())
            assert decisions == decide(self.snapshot()), "the same snapshot, the same answer"
            assert all(decision.cause for decision in decisions)
            if not acts(decisions):
                self.check_approvals()
                return
            for decision in decisions:
                before = self.snapshot()
                self.apply(decision)
                self.check_locks()
                assert self.followed(before, decision) == self.snapshot()
        raise AssertionError(f"never settles: {decide(self.snapshot())}")

    def followed(self, before: PipelineSnapshot, decision: Decision) -> PipelineSnapshot:
        """What `after` makes of the decision, which must be what the simulation made of it."""
        started = None
        if isinstance(decision, StartAction):
            one = self.executions[decision.execution_id]
            started = one.actions[decision.stage, decision.action]
        return after(before, decision, started)

    def apply(self, decision: object) -> None:
        match decision:
            case Wait():
                pass
            case ArriveAtStage(id_, stage):
                assert stage not in self.executions[id_].stages
                self.set_stage(id_, stage, StageStatus.INBOUND)
            case EnterStage(id_, stage):
                assert stage not in self.disabled
                assert self.executions[id_].number >= self.last_entered.get(stage, 0)
                self.set_stage(id_, stage, StageStatus.IN_PROGRESS)
                self.last_entered[stage] = self.executions[id_].number
                self.order.append((stage, self.executions[id_].number))
            case MoveStage(id_, stage, status):
                self.set_stage(id_, stage, status)
            case StartAction(id_, stage, action):
                self.check_start(id_, stage, action)
                self.set_action(id_, stage, action, ActionStatus.IN_PROGRESS)
            case AbandonAction(id_, stage, action):
                self.set_action(id_, stage, action, ActionStatus.ABANDONED)
            case EndExecution(id_, status):
                self.set_status(id_, status)
            case Supersede(id_, stage):
                newest = max(one.number for one in self.executions.values())
                assert self.executions[id_].number < newest
                self.set_stage(id_, stage, StageStatus.CANCELLED)
                self.set_status(id_, ExecutionStatus.SUPERSEDED)
            case _:
                raise AssertionError(decision)

    def set_status(self, id_: str, status: ExecutionStatus) -> None:
        one = self.executions[id_]
        assert status in EXECUTION_MOVES[one.status], f"{one.status} → {status}"
        running = [run for run in one.actions.values() if run.status is ActionStatus.IN_PROGRESS]
        assert not running or status is ExecutionStatus.STOPPING
        self.executions[id_] = replace(one, status=status)

    def set_stage(self, id_: str, stage: str, status: StageStatus) -> None:
        one = self.executions[id_]
        assert one.status in ACTIVE_EXECUTION
        before = one.stages.get(stage)
        if before is None:
            assert status is StageStatus.INBOUND
        else:
            assert status in STAGE_MOVES[before.status], f"{before.status} → {status}"
        attempt = before.attempt if before else 1
        self.executions[id_] = replace(one, stages={**one.stages, stage: StageRun(status, attempt)})

    def set_action(self, id_: str, stage: str, action: str, status: ActionStatus) -> None:
        one = self.executions[id_]
        before = one.actions.get((stage, action))
        assert (before is None) == (status is ActionStatus.IN_PROGRESS)
        assert before is None or status in ACTION_MOVES[before.status]
        run = ActionRun(before.id if before else self.begun(id_, stage, action), status)
        self.executions[id_] = replace(one, actions={**one.actions, (stage, action): run})

    def begun(self, id_: str, stage: str, action: str) -> str:
        self.starts.append(f"{id_}/{stage}/{action}/{len(self.starts)}")
        return self.starts[-1]

    def check_start(self, id_: str, stage: str, action: str) -> None:
        """No action starts before every earlier run order of its stage succeeded."""
        one = self.executions[id_]
        assert one.status is ExecutionStatus.IN_PROGRESS
        assert one.stages[stage].status is StageStatus.IN_PROGRESS
        declared = one.structure.stage(stage)
        assert declared is not None
        order = {a.name: a.run_order for a in declared.actions}
        for name, run_order in order.items():
            if run_order < order[action]:
                assert one.actions[stage, name].status is ActionStatus.SUCCEEDED
        for name in order:
            run = one.actions.get((stage, name))
            assert run is None or run.status is not ActionStatus.FAILED
        for release in releases(declared):
            if release.execute.name == action:
                self.check_release(one, declared, release)

    def check_release(
        self, one: ExecutionSnapshot, stage: StageDeclaration, release: Release
    ) -> None:
        """What is executed was made last in this stage, and approved after it was made."""
        made = self.starts.index(one.actions[stage.name, release.replace.name].id)
        ending = f"/{stage.name}/{release.replace.name}/"
        assert not [later for later in self.starts[made + 1 :] if ending in later]
        for action in stage.actions:
            if release.replace.run_order < action.run_order < release.execute.run_order:
                run = one.actions[stage.name, action.name]
                assert run.status is ActionStatus.SUCCEEDED
                assert self.starts.index(run.id) > made

    def check_approvals(self) -> None:
        """No approval waits in a pipeline that was edited since, or in front of nothing."""
        for id_, stage, action in self.running():
            one = self.executions[id_]
            assert one.stages[stage].status in LOCKING_STAGE
            assert not (one.outdated and self.type_of(one, stage, action) is APPROVAL)

    def type_of(self, one: ExecutionSnapshot, stage: str, action: str) -> ActionTypeId:
        declared = one.structure.stage(stage)
        assert declared is not None
        return next(a.action_type_id for a in declared.actions if a.name == action)

    def end(self, id_: str, stage: str, action: str, status: ActionStatus) -> None:
        """End an action as its provider would: what is void is never executed."""
        one = self.executions[id_]
        declared = one.structure.stage(stage)
        assert declared is not None
        for release in releases(declared):
            made = one.actions.get((stage, release.replace.name))
            if release.execute.name == action and made is not None:
                if made.id in self.void:
                    status = ActionStatus.FAILED
                self.void.add(made.id)  # by its execution, whatever becomes of it
        self.set_action(id_, stage, action, status)

    def check_locks(self) -> None:
        """At most one execution is inside a stage; waiting ones are bounded when superseding."""
        for stage in self.structure.stages:
            runs = [
                one.stages[stage.name].status
                for one in self.executions.values()
                if stage.name in one.stages
            ]
            assert sum(status in LOCKING_STAGE for status in runs) <= 1

    def running(self) -> list[tuple[str, str, str]]:
        return [
            (one.id, stage, action)
            for one in self.executions.values()
            if one.status in ACTIVE_EXECUTION
            for (stage, action), run in one.actions.items()
            if run.status is ActionStatus.IN_PROGRESS
        ]

    def retryable(self) -> list[tuple[str, str]]:
        return [
            (one.id, stage)
            for one in self.executions.values()
            if one.status in (ExecutionStatus.FAILED, ExecutionStatus.STOPPED) and not one.outdated
            for stage, run in one.stages.items()
            if run.status in (StageStatus.FAILED, StageStatus.STOPPED)
            and self.last_entered.get(stage) == one.number
        ]

    def retry(self, id_: str, stage: str) -> None:
        one = self.executions[id_]
        declared = one.structure.stage(stage)
        assert declared is not None
        mine = {action: run for (where, action), run in one.actions.items() if where == stage}
        again = runs_again(
            declared,
            {action: run.status for action, run in mine.items()},
            {action: run.id not in self.void for action, run in mine.items()},
        )
        kept = {
            key: run for key, run in one.actions.items() if key[0] != stage or key[1] not in again
        }
        run = replace(
            one.stages[stage],
            status=StageStatus.IN_PROGRESS,
            attempt=one.stages[stage].attempt + 1,
        )
        self.executions[id_] = replace(
            one,
            status=ExecutionStatus.IN_PROGRESS,
            stages={**one.stages, stage: run},
            actions=kept,
            abandon=False,
        )


def release_actions(between: tuple[ActionDeclaration, ...]) -> tuple[ActionDeclaration, ...]:
    """A change set is made, reviewed and executed; approvals and checks are between."""

    def deploys(name: str, order: int, mode: str) -> ActionDeclaration:
        configuration = {"ActionMode": mode, "StackName": "prod", "ChangeSetName": "release"}
        return ActionDeclaration(name, CLOUDFORMATION, order, configuration)

    return (
        deploys("plan", 0, "CHANGE_SET_REPLACE"),
        *between,
        deploys("release", 9, "CHANGE_SET_EXECUTE"),
    )


@st.composite
def structures(draw: st.DrawFn) -> PipelineStructure:
    stages = []
    for index in range(draw(st.integers(2, 4))):
        orders = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
        types = st.sampled_from([BUILD, BUILD, APPROVAL]) if index else st.just(BUILD)
        actions = tuple(
            ActionDeclaration(f"a{number}", draw(types), run_order=order)
            for number, order in enumerate(orders)
        )
        if index and draw(st.booleans()):
            actions = release_actions(actions)
        stages.append(StageDeclaration(f"s{index}", actions))
    mode = draw(st.sampled_from([ExecutionMode.SUPERSEDED, ExecutionMode.QUEUED]))
    return PipelineStructure("p", "role", tuple(stages), {}, execution_mode=mode)


def step(simulation: Simulation, draw: Any, allow_faults: bool) -> None:
    """Let one random thing happen."""
    names = [stage.name for stage in simulation.structure.stages]
    active = [one for one in simulation.executions.values() if one.status in ACTIVE_EXECUTION]
    kinds = ["push", "finish", "finish", "finish"]
    if allow_faults:
        kinds += ["fail", "stop", "abandon", "disable", "enable", "edit", "retry", "retry", "void"]
    match draw(st.sampled_from(kinds)):
        case "push":
            simulation.push()
        case ("finish" | "fail") as kind if simulation.running():
            id_, stage_name, action = draw(st.sampled_from(simulation.running()))
            status = ActionStatus.SUCCEEDED if kind == "finish" else ActionStatus.FAILED
            simulation.end(id_, stage_name, action, status)
        case "void" if plans := [one for one in simulation.starts if "/plan/" in one]:
            simulation.void.add(draw(st.sampled_from(plans)))
        case ("stop" | "abandon") as kind if active:
            one = draw(st.sampled_from(active))
            assert isinstance(one, ExecutionSnapshot)
            simulation.executions[one.id] = replace(
                one, status=ExecutionStatus.STOPPING, abandon=one.abandon or kind == "abandon"
            )
        case "disable":
            simulation.disabled[str(draw(st.sampled_from(names)))] = "not today"
        case "enable":
            simulation.disabled.pop(str(draw(st.sampled_from(names))), None)
        case "edit":
            for one in simulation.executions.values():
                simulation.executions[one.id] = replace(one, outdated=True)
        case "retry" if simulation.retryable():
            id_, stage = draw(st.sampled_from(simulation.retryable()))
            simulation.retry(id_, stage)
        case _:
            pass
    simulation.settle()


RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RELAXED
@given(structures(), st.data())
def test_whatever_happens_it_stays_safe_and_every_run_ends(
    structure: PipelineStructure, data: st.DataObject
) -> None:
    simulation = Simulation(structure)
    for _ in range(data.draw(st.integers(1, 25))):
        step(simulation, data.draw, allow_faults=True)
    simulation.disabled.clear()
    simulation.settle()
    decision = data.draw(st.sampled_from([ActionStatus.SUCCEEDED, ActionStatus.FAILED]))
    for _ in range(500):
        if not simulation.running():
            break
        id_, stage, action = simulation.running()[0]
        one = simulation.executions[id_]
        approval = simulation.type_of(one, stage, action) is APPROVAL
        status = decision if approval else ActionStatus.SUCCEEDED
        simulation.end(id_, stage, action, status)
        simulation.settle()
    left = [one for one in simulation.executions.values() if one.status in ACTIVE_EXECUTION]
    assert not left, f"these never end: {left}"


@RELAXED
@given(structures(), st.data())
def test_without_faults_runs_succeed_or_are_overtaken(
    structure: PipelineStructure, data: st.DataObject
) -> None:
    simulation = Simulation(structure)
    simulation.push()
    for _ in range(data.draw(st.integers(1, 25))):
        step(simulation, data.draw, allow_faults=False)
    while simulation.running():
        simulation.end(*simulation.running()[0], ActionStatus.SUCCEEDED)
        simulation.settle()
    last = simulation.executions[f"e{len(simulation.executions)}"]
    assert last.status is ExecutionStatus.SUCCEEDED, "the newest is never overtaken"
    ends = {one.status for one in simulation.executions.values()}
    if structure.execution_mode is ExecutionMode.QUEUED:
        assert ends == {ExecutionStatus.SUCCEEDED}
    else:
        assert ends <= {ExecutionStatus.SUCCEEDED, ExecutionStatus.SUPERSEDED}
    for stage in structure.stages:
        entered = [number for name, number in simulation.order if name == stage.name]
        assert entered == sorted(entered), "nobody is overtaken inside a stage"
        assert len(entered) == len(set(entered))
