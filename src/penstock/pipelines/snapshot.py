"""The snapshot that `decide` sees, read from the database."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from penstock.pipelines.decisions import (
    ActionRun,
    ExecutionSnapshot,
    PipelineSnapshot,
    StageRun,
)
from penstock.pipelines.states import ActionStatus, ExecutionStatus, StageStatus
from penstock.pipelines.structure import PipelineStructure, parse
from penstock.storage import action_executions, pipeline_executions, pipelines
from penstock.storage.pipeline_executions import ExecutionRow
from penstock.storage.pipelines import StageGate


def structure_of(connection: sa.Connection, pipeline_id: str, version: int) -> PipelineStructure:
    """Return the structure of one version of the pipeline."""
    text = pipelines.version_text(connection, pipeline_id, version)
    if text is None:
        raise LookupError(f"pipeline {pipeline_id} has no version {version}")
    return _parsed(text)


def parsed(document: Mapping[str, Any]) -> PipelineStructure:
    """Parse a stored declaration; equal documents are parsed once."""
    return _parsed(json.dumps(document))


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> PipelineStructure:
    return parse(json.loads(text))


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot, and the rows of its executions by id."""

    pipeline_name: str
    snapshot: PipelineSnapshot
    executions: Mapping[str, ExecutionRow]


def take(connection: sa.Connection, pipeline_id: str) -> Taken | None:
    """Return the pipeline as it is now: only what has not ended, however long the history.

    None when there is no such pipeline (any more).
    """
    head = pipelines.head(connection, pipeline_id)
    if head is None:
        return None
    name, version, document = head
    rows = pipeline_executions.active(connection, pipeline_id)
    ids = [row.id for row in rows]
    stage_rows: dict[str, dict[str, StageRun]] = {id_: {} for id_ in ids}
    action_rows: dict[str, dict[tuple[str, str], ActionRun]] = {id_: {} for id_ in ids}
    if ids:
        for execution_id, stage, status, attempt in pipeline_executions.progress(connection, ids):
            stage_rows[execution_id][stage] = StageRun(StageStatus(status), attempt)
        for execution_id, stage, action, id_, status in action_executions.statuses(connection, ids):
            action_rows[execution_id][stage, action] = ActionRun(id_, ActionStatus(status))
    structures = {version: _parsed(document)}
    for older in {row.pipeline_version for row in rows} - {version}:
        structures[older] = structure_of(connection, pipeline_id, older)
    gates = pipelines.gates(connection, pipeline_id)
    executions = tuple(
        ExecutionSnapshot(
            id=row.id,
            number=row.number,
            status=ExecutionStatus(row.status),
            structure=structures[row.pipeline_version],
            stages=stage_rows[row.id],
            actions=action_rows[row.id],
            outdated=row.pipeline_version != version,
            abandon=row.abandon,
        )
        for row in rows
    )
    taken = PipelineSnapshot(
        mode=structures[version].execution_mode,
        executions=executions,
        disabled=disabled_transitions(structures[version], gates),
        last_entered={stage: gate.last_entered for stage, gate in gates.items()},
    )
    return Taken(name, taken, {row.id: row for row in rows})


def disabled_transitions(
    structure: PipelineStructure, gates: Mapping[str, StageGate]
) -> dict[str, str]:
    """Return stage → reason for stages that nothing may enter: their inbound transition is
    disabled, or the outbound one of the stage before."""
    disabled: dict[str, str] = {}
    before: StageGate | None = None
    for stage in structure.stages:
        row = gates.get(stage.name)
        if before is not None and before.outbound_disabled_reason is not None:
            disabled[stage.name] = before.outbound_disabled_reason
        if row is not None and row.inbound_disabled_reason is not None:
            disabled[stage.name] = row.inbound_disabled_reason
        before = row
    return disabled
