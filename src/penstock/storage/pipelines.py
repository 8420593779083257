"""Queries on pipelines, their versions, sources, stages and transitions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.storage.tables.pipelines import (
    action_executions,
    pipeline_cursor,
    pipeline_executions,
    pipeline_sources,
    pipeline_stages,
    pipeline_versions,
    pipelines,
    stage_runs,
)

# Statements of busy paths are built once: building one costs more than running it.
_HEAD = sa.select(
    pipelines.c.name, pipelines.c.version, sa.cast(pipelines.c.document, sa.String)
).where(pipelines.c.id == sa.bindparam("pipeline_id"))
_STAGES = pipeline_stages.select().where(
    pipeline_stages.c.pipeline_id == sa.bindparam("pipeline_id")
)
_GATES = _STAGES.with_only_columns(
    pipeline_stages.c.stage_name,
    pipeline_stages.c.last_entered,
    pipeline_stages.c.inbound_disabled_reason,
    pipeline_stages.c.outbound_disabled_reason,
)
_UPDATE_STAGE = pipeline_stages.update().where(
    pipeline_stages.c.pipeline_id == sa.bindparam("of_pipeline"),
    pipeline_stages.c.stage_name == sa.bindparam("of_stage"),
)
_INSERT_STAGE = pipeline_stages.insert()
_BY_NAME = pipelines.select().where(pipelines.c.name == sa.bindparam("of_name"))
_BY_ID = pipelines.select().where(pipelines.c.id == sa.bindparam("pipeline_id"))


@dataclass(frozen=True, slots=True)
class PipelineRow:
    """One pipeline. `document` is its current declaration, `executions` how many it had."""

    name: str
    id: str
    arn: str
    version: int
    document: Mapping[str, Any]
    tags: Mapping[str, str]
    executions: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source action that watches a place: `branch` of `repository`, for S3 a key of a bucket.

    `polls` is PollForSourceChanges; `seen` the revision that the place held when it was last
    looked at, empty when it held none, None when it was never looked at."""

    pipeline_id: str
    action_name: str
    provider: str
    repository: str
    branch: str
    polls: bool
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class StageRow:
    """What is kept of a stage across executions: who entered last, and its transitions.

    A transition is disabled exactly when its reason is not None.
    """

    pipeline_id: str
    stage_name: str
    last_entered: int
    latest_execution_id: str | None
    inbound_disabled_reason: str | None
    inbound_changed_by: str | None
    inbound_changed_at: datetime | None
    outbound_disabled_reason: str | None
    outbound_changed_by: str | None
    outbound_changed_at: datetime | None


def insert(connection: sa.Connection, row: PipelineRow, sources: Sequence[SourceRow]) -> bool:
    """Store a new pipeline; return False when its name is in use."""
    if get(connection, row.name) is not None:
        return False
    values = {name: getattr(row, name) for name in PipelineRow.__slots__}
    values["document"], values["tags"] = dict(row.document), dict(row.tags)
    connection.execute(pipelines.insert().values(**values))
    _store_version(connection, row.id, row.version, row.document, row.updated_at)
    _replace_sources(connection, row.id, sources)
    return True


def update(
    connection: sa.Connection,
    pipeline: PipelineRow,
    document: Mapping[str, Any],
    sources: Sequence[SourceRow],
    now: datetime,
) -> bool:
    """Store the next version, `document["version"]`; return False when someone else was first."""
    version = pipeline.version + 1
    result = connection.execute(
        pipelines.update()
        .where(pipelines.c.id == pipeline.id, pipelines.c.version == pipeline.version)
        .values(version=version, document=dict(document), updated_at=now)
    )
    if result.rowcount != 1:
        return False
    _store_version(connection, pipeline.id, version, document, now)
    _replace_sources(connection, pipeline.id, sources)
    return True


def get(connection: sa.Connection, name: str) -> PipelineRow | None:
    """Return the pipeline of that name, or None."""
    row = connection.execute(_BY_NAME, {"of_name": name}).first()
    return PipelineRow(**row._mapping) if row else None


def get_by_id(connection: sa.Connection, pipeline_id: str) -> PipelineRow | None:
    """Return the pipeline with that internal id, or None."""
    row = connection.execute(_BY_ID, {"pipeline_id": pipeline_id}).first()
    return PipelineRow(**row._mapping) if row else None


def get_by_arn(connection: sa.Connection, arn: str) -> PipelineRow | None:
    """Return the pipeline with that ARN, or None."""
    row = connection.execute(pipelines.select().where(pipelines.c.arn == arn)).first()
    return PipelineRow(**row._mapping) if row else None


def scan(connection: sa.Connection, after: str, limit: int) -> list[PipelineRow]:
    """Return at most `limit` pipelines whose names follow `after`, in order of name."""
    rows = connection.execute(
        pipelines.select().where(pipelines.c.name > after).order_by(pipelines.c.name).limit(limit)
    )
    return [PipelineRow(**row._mapping) for row in rows]


def version_document(
    connection: sa.Connection, pipeline_id: str, version: int
) -> Mapping[str, Any] | None:
    """Return the declaration of one version, or None."""
    row = connection.execute(
        sa.select(pipeline_versions.c.document).where(
            pipeline_versions.c.pipeline_id == pipeline_id,
            pipeline_versions.c.version == version,
        )
    ).first()
    return row[0] if row else None


def version_text(connection: sa.Connection, pipeline_id: str, version: int) -> str | None:
    """Return the declaration of one version as stored JSON text, or None."""
    row = connection.execute(
        sa.select(sa.cast(pipeline_versions.c.document, sa.String)).where(
            pipeline_versions.c.pipeline_id == pipeline_id,
            pipeline_versions.c.version == version,
        )
    ).first()
    return row[0] if row else None


def head(connection: sa.Connection, pipeline_id: str) -> tuple[str, int, str] | None:
    """Return the name, current version and declaration (as JSON text) of a pipeline, or None."""
    row = connection.execute(_HEAD, {"pipeline_id": pipeline_id}).first()
    return (row[0], row[1], row[2]) if row else None


def current_versions(connection: sa.Connection, pipeline_ids: Collection[str]) -> dict[str, int]:
    """Return the current version of each of these pipelines that exists, by its id."""
    rows = connection.execute(
        sa.select(pipelines.c.id, pipelines.c.version).where(pipelines.c.id.in_(pipeline_ids))
    )
    return {row.id: row.version for row in rows}


def delete(connection: sa.Connection, pipeline_id: str) -> None:
    """Remove the pipeline with its versions and its whole history; repeating is harmless."""
    for table in (
        action_executions,
        stage_runs,
        pipeline_executions,
        pipeline_stages,
        pipeline_sources,
        pipeline_versions,
    ):
        connection.execute(table.delete().where(table.c.pipeline_id == pipeline_id))
    connection.execute(pipelines.delete().where(pipelines.c.id == pipeline_id))


def set_tags(connection: sa.Connection, pipeline_id: str, tags: Mapping[str, str]) -> None:
    """Replace the pipeline's tags."""
    connection.execute(
        pipelines.update().where(pipelines.c.id == pipeline_id).values(tags=dict(tags))
    )


def watching(
    connection: sa.Connection, provider: str, repository: str, branch: str
) -> list[SourceRow]:
    """Return the source actions that watch a branch, in order of pipeline."""
    rows = connection.execute(
        pipeline_sources.select()
        .where(
            pipeline_sources.c.provider == provider,
            pipeline_sources.c.repository == repository,
            pipeline_sources.c.branch == branch,
        )
        .order_by(pipeline_sources.c.pipeline_id, pipeline_sources.c.action_name)
    )
    return [SourceRow(**row._mapping) for row in rows]


def sources_of(connection: sa.Connection, providers: Collection[str]) -> list[SourceRow]:
    """Return the source actions of these providers, in order of pipeline and action."""
    rows = connection.execute(
        pipeline_sources.select()
        .where(pipeline_sources.c.provider.in_(sorted(providers)))
        .order_by(pipeline_sources.c.pipeline_id, pipeline_sources.c.action_name)
    )
    return [SourceRow(**row._mapping) for row in rows]


def stages(connection: sa.Connection, pipeline_id: str) -> dict[str, StageRow]:
    """Return what is kept of each stage that was entered or whose transition was changed."""
    rows = connection.execute(_STAGES, {"pipeline_id": pipeline_id})
    return {row.stage_name: StageRow(**row._mapping) for row in rows}


@dataclass(frozen=True, slots=True)
class StageGate:
    """What of a StageRow a decision needs: the last one in, and who is held back why."""

    stage_name: str
    last_entered: int
    inbound_disabled_reason: str | None
    outbound_disabled_reason: str | None


def gates(connection: sa.Connection, pipeline_id: str) -> dict[str, StageGate]:
    """As `stages`, without who changed a transition and when."""
    rows = connection.execute(_GATES, {"pipeline_id": pipeline_id})
    return {row[0]: StageGate(*row) for row in rows}


def set_transition(
    connection: sa.Connection,
    pipeline_id: str,
    stage: str,
    direction: str,
    disabled_reason: str | None,
    changed_by: str,
    now: datetime,
) -> None:
    """Disable (with a reason) or enable (None) a stage's `inbound` or `outbound` transition."""
    _upsert_stage(
        connection,
        pipeline_id,
        stage,
        {
            f"{direction}_disabled_reason": disabled_reason,
            f"{direction}_changed_by": changed_by,
            f"{direction}_changed_at": now,
        },
    )


def set_entered(
    connection: sa.Connection, pipeline_id: str, stage: str, number: int, execution_id: str
) -> None:
    """Record that execution `number` entered the stage."""
    entered = {"last_entered": number, "latest_execution_id": execution_id}
    _upsert_stage(connection, pipeline_id, stage, entered)


def cursor(connection: sa.Connection, name: str) -> int:
    """Return the outbox position that the follower `name` has processed, 0 at first."""
    row = connection.execute(
        sa.select(pipeline_cursor.c.position).where(pipeline_cursor.c.name == name)
    ).first()
    return row[0] if row else 0


def set_cursor(connection: sa.Connection, name: str, position: int) -> None:
    """Store the follower's position."""
    changed = connection.execute(
        pipeline_cursor.update().where(pipeline_cursor.c.name == name).values(position=position)
    )
    if changed.rowcount == 0:
        connection.execute(pipeline_cursor.insert().values(name=name, position=position))


def _upsert_stage(
    connection: sa.Connection, pipeline_id: str, stage: str, values: Mapping[str, Any]
) -> None:
    place = {"of_pipeline": pipeline_id, "of_stage": stage}
    if connection.execute(_UPDATE_STAGE, {**place, **values}).rowcount == 0:
        first = {"pipeline_id": pipeline_id, "stage_name": stage, "last_entered": 0, **values}
        connection.execute(_INSERT_STAGE, first)


def _store_version(
    connection: sa.Connection,
    pipeline_id: str,
    version: int,
    document: Mapping[str, Any],
    now: datetime,
) -> None:
    connection.execute(
        pipeline_versions.insert().values(
            pipeline_id=pipeline_id, version=version, document=dict(document), created_at=now
        )
    )


def _replace_sources(
    connection: sa.Connection, pipeline_id: str, sources: Sequence[SourceRow]
) -> None:
    """Replace the pipeline's sources; what was seen at a place stays known."""
    of_pipeline = pipeline_sources.c.pipeline_id == pipeline_id
    seen = {
        (row.action_name, row.provider, row.repository, row.branch): row.seen
        for row in connection.execute(pipeline_sources.select().where(of_pipeline))
    }
    connection.execute(pipeline_sources.delete().where(of_pipeline))
    for source in sources:
        values = {name: getattr(source, name) for name in SourceRow.__slots__}
        place = (source.action_name, source.provider, source.repository, source.branch)
        values["seen"] = seen.get(place)
        connection.execute(pipeline_sources.insert().values(**values))


def set_seen(connection: sa.Connection, source: SourceRow, seen: str) -> None:
    """Keep what a source's place holds."""
    connection.execute(
        pipeline_sources.update()
        .where(
            pipeline_sources.c.pipeline_id == source.pipeline_id,
            pipeline_sources.c.action_name == source.action_name,
        )
        .values(seen=seen)
    )
