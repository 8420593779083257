"""How a pipeline stands, for GetPipelineState, the CLI and the console: values, read at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.pipelines import snapshot
from penstock.pipelines.approvals import is_approval
from penstock.pipelines.structure import ActionDeclaration, StageDeclaration
from penstock.storage import action_executions, approvals, pipeline_executions, pipelines
from penstock.storage.action_executions import ActionRow
from penstock.storage.approvals import ApprovalRow
from penstock.storage.pipeline_executions import StageRunRow
from penstock.storage.pipelines import PipelineRow, StageRow


@dataclass(frozen=True, slots=True)
class Transition:
    """The way into a stage. `disabled_reason` is None while it is open."""

    disabled_reason: str | None
    changed_by: str | None
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActionState:
    """An action as declared, and its newest execution."""

    declaration: ActionDeclaration
    latest: ActionRow | None
    approval: ApprovalRow | None = None
    """Of an approval: what its newest execution asked, and the answer; without the review."""
    outdated: bool = False
    """Whether the pipeline was updated since the newest execution began."""


@dataclass(frozen=True, slots=True)
class StageState:
    """A stage: who waits in front of it (oldest first), who was in it last, its actions."""

    declaration: StageDeclaration
    inbound: Sequence[StageRunRow]
    latest: StageRunRow | None
    transition: Transition
    actions: Sequence[ActionState]


@dataclass(frozen=True, slots=True)
class PipelineState:
    """A whole pipeline."""

    pipeline: PipelineRow
    stages: Sequence[StageState]


def read(connection: sa.Connection, pipeline: PipelineRow) -> PipelineState:
    """Return how the pipeline stands; the cost does not grow with its history."""
    structure = snapshot.parsed(pipeline.document)
    kept = pipelines.stages(connection, pipeline.id)
    waiting = pipeline_executions.inbound(connection, pipeline.id)
    states: list[StageState] = []
    before: StageRow | None = None
    for stage in structure.stages:
        row = kept.get(stage.name)
        latest = None
        if row is not None and row.latest_execution_id is not None:
            latest = pipeline_executions.stage_run(connection, row.latest_execution_id, stage.name)
        states.append(
            StageState(
                declaration=stage,
                inbound=waiting.get(stage.name, []),
                latest=latest,
                transition=_transition(before, row),
                actions=[
                    _action(connection, pipeline, stage.name, action) for action in stage.actions
                ],
            )
        )
        before = row
    return PipelineState(pipeline, states)


def _action(
    connection: sa.Connection, pipeline: PipelineRow, stage: str, action: ActionDeclaration
) -> ActionState:
    latest = action_executions.latest(connection, pipeline.id, stage, action.name)
    if latest is None:
        return ActionState(action, None)
    asked = approvals.of_actions(connection, [latest.id]) if is_approval(action) else {}
    return ActionState(
        action, latest, asked.get(latest.id), latest.pipeline_version != pipeline.version
    )


def _transition(before: StageRow | None, row: StageRow | None) -> Transition:
    """Return the way in: closed by this stage's inbound, or the former one's outbound, side."""
    if before is not None and before.outbound_disabled_reason is not None:
        closed = before.outbound_disabled_reason
        if row is None or row.inbound_disabled_reason is None:
            return Transition(closed, before.outbound_changed_by, before.outbound_changed_at)
    if row is None:
        return Transition(None, None, None)
    return Transition(row.inbound_disabled_reason, row.inbound_changed_by, row.inbound_changed_at)
