"""The snapshot that `decide` sees, read from the database."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from penstock.pipelines.decide import (
    ActionRun,
    ExecutionSnapshot,
    PipelineSnapshot,
    StageRun,
)
from penstock.pipelines.states import ActionStatus, ExecutionStatus, StageStatus
from penstock.pipelines.structure import PipelineStructure, parse
from penstock.storage import action_executions, pipeline_executions, pipelines
from penstock.storage.pipelines import PipelineRow, StageRow


def structure_of(
    connection: sa.Connection, pipeline: PipelineRow, version: int
) -> PipelineStructure:
    """Return the structure of one version of the pipeline."""
    if version == pipeline.version:
        return parsed(pipeline.document)
    document = pipelines.version_document(connection, pipeline.id, version)
    if document is None:
        raise LookupError(f"pipeline {pipeline.name} has no version {version}")
    return parsed(document)


def parsed(document: Mapping[str, Any]) -> PipelineStructure:
    """Parse a stored declaration; equal documents are parsed once."""
    return _parsed(json.dumps(document, sort_keys=True))


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> PipelineStructure:
    return parse(json.loads(text))


def take(connection: sa.Connection, pipeline: PipelineRow) -> PipelineSnapshot:
    """Return the pipeline as it is now: only what has not ended, however long the history."""
    rows = pipeline_executions.active(connection, pipeline.id)
    ids = [row.id for row in rows]
    stage_rows: dict[str, dict[str, StageRun]] = {id_: {} for id_ in ids}
    action_rows: dict[str, dict[tuple[str, str], ActionRun]] = {id_: {} for id_ in ids}
    if ids:
        for run in pipeline_executions.stage_runs_of(connection, ids):
            stage_run = StageRun(StageStatus(run.status), run.attempt)
            stage_rows[run.execution_id][run.stage_name] = stage_run
        for execution_id, stage, action, id_, status in action_executions.statuses(connection, ids):
            action_rows[execution_id][stage, action] = ActionRun(id_, ActionStatus(status))
    current = parsed(pipeline.document)
    stages = pipelines.stages(connection, pipeline.id)
    executions = tuple(
        ExecutionSnapshot(
            id=row.id,
            number=row.number,
            status=ExecutionStatus(row.status),
            structure=structure_of(connection, pipeline, row.pipeline_version),
            stages=stage_rows[row.id],
            actions=action_rows[row.id],
            outdated=row.pipeline_version != pipeline.version,
            abandon=row.abandon,
        )
        for row in rows
    )
    return PipelineSnapshot(
        mode=current.execution_mode,
        executions=executions,
        disabled=disabled_transitions(current, stages),
        last_entered={name: stage.last_entered for name, stage in stages.items()},
    )


def disabled_transitions(
    structure: PipelineStructure, stages: Mapping[str, StageRow]
) -> dict[str, str]:
    """Return stage → reason for stages that nothing may enter: their inbound transition is
    disabled, or the outbound one of the stage before."""
    disabled: dict[str, str] = {}
    before: StageRow | None = None
    for stage in structure.stages:
        row = stages.get(stage.name)
        if before is not None and before.outbound_disabled_reason is not None:
            disabled[stage.name] = before.outbound_disabled_reason
        if row is not None and row.inbound_disabled_reason is not None:
            disabled[stage.name] = row.inbound_disabled_reason
        before = row
    return disabled
