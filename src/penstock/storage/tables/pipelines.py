"""Pipelines, their versions, executions, stage runs and action executions.

Nothing here is scanned whole: an index serves every list, so a long history costs no more
than a short one. `uq_stage_runs_lock` is the stage's lock: at most one execution inside.
"""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

pipelines = sa.Table(
    "pipelines",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("arn", sa.String, nullable=False, unique=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("executions", sa.Integer, nullable=False),
    sa.Column("created_at", Timestamp, nullable=False),
    sa.Column("updated_at", Timestamp, nullable=False),
)

pipeline_versions = sa.Table(
    "pipeline_versions",
    metadata,
    sa.Column("pipeline_id", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("created_at", Timestamp, nullable=False),
)

pipeline_sources = sa.Table(
    "pipeline_sources",
    metadata,
    sa.Column("pipeline_id", sa.String, primary_key=True),
    sa.Column("action_name", sa.String, primary_key=True),
    sa.Column("provider", sa.String, nullable=False),
    sa.Column("repository", sa.String, nullable=False),
    sa.Column("branch", sa.String, nullable=False),
    sa.Column("polls", sa.Boolean, nullable=False),
    sa.Column("seen", sa.String),
    sa.Index("ix_pipeline_sources_watch", "provider", "repository", "branch"),
)

pipeline_stages = sa.Table(
    "pipeline_stages",
    metadata,
    sa.Column("pipeline_id", sa.String, primary_key=True),
    sa.Column("stage_name", sa.String, primary_key=True),
    sa.Column("last_entered", sa.Integer, nullable=False),
    sa.Column("latest_execution_id", sa.String),
    sa.Column("inbound_disabled_reason", sa.String),
    sa.Column("inbound_changed_by", sa.String),
    sa.Column("inbound_changed_at", Timestamp),
    sa.Column("outbound_disabled_reason", sa.String),
    sa.Column("outbound_changed_by", sa.String),
    sa.Column("outbound_changed_at", Timestamp),
)

_active = sa.text("status IN ('InProgress', 'Stopping')")

pipeline_executions = sa.Table(
    "pipeline_executions",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("pipeline_id", sa.String, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("pipeline_version", sa.Integer, nullable=False),
    sa.Column("execution_mode", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("status_summary", sa.String, nullable=False),
    sa.Column("trigger_type", sa.String, nullable=False),
    sa.Column("trigger_detail", sa.String, nullable=False),
    sa.Column("variables", sa.JSON, nullable=False),
    sa.Column("source_overrides", sa.JSON, nullable=False),
    sa.Column("source_revisions", sa.JSON, nullable=False),
    sa.Column("artifact_revisions", sa.JSON, nullable=False),
    sa.Column("stop_reason", sa.String),
    sa.Column("abandon", sa.Boolean, nullable=False),
    sa.Column("request_token", sa.String),
    sa.Column("started_at", Timestamp, nullable=False),
    sa.Column("updated_at", Timestamp, nullable=False),
    sa.Index("uq_pipeline_executions_number", "pipeline_id", "number", unique=True),
    sa.Index("uq_pipeline_executions_token", "pipeline_id", "request_token", unique=True),
    sa.Index("ix_pipeline_executions_status", "pipeline_id", "status"),
)

stage_runs = sa.Table(
    "stage_runs",
    metadata,
    sa.Column("execution_id", sa.String, primary_key=True),
    sa.Column("stage_name", sa.String, primary_key=True),
    sa.Column("pipeline_id", sa.String, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("arrived_at", Timestamp, nullable=False),
    sa.Column("entered_at", Timestamp),
    sa.Column("updated_at", Timestamp, nullable=False),
    sa.Index("ix_stage_runs_list", "pipeline_id", "stage_name", "status", "number"),
    sa.Index(
        "uq_stage_runs_lock",
        "pipeline_id",
        "stage_name",
        unique=True,
        sqlite_where=_active,
        postgresql_where=_active,
    ),
)

_in_progress = sa.text("status = 'InProgress'")

action_executions = sa.Table(
    "action_executions",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("pipeline_id", sa.String, nullable=False),
    sa.Column("pipeline_name", sa.String, nullable=False),
    sa.Column("execution_id", sa.String, nullable=False),
    sa.Column("pipeline_version", sa.Integer, nullable=False),
    sa.Column("stage_name", sa.String, nullable=False),
    sa.Column("action_name", sa.String, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("counts", sa.Boolean, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("input", sa.JSON, nullable=False),
    sa.Column("output_variables", sa.JSON, nullable=False),
    sa.Column("continuation_token", sa.String),
    sa.Column("external_execution_id", sa.String, nullable=False),
    sa.Column("external_execution_url", sa.String, nullable=False),
    sa.Column("summary", sa.String, nullable=False),
    sa.Column("error_code", sa.String),
    sa.Column("error_message", sa.String),
    sa.Column("started_at", Timestamp, nullable=False),
    sa.Column("updated_at", Timestamp, nullable=False),
    sa.Index("ix_action_executions_pipeline", "pipeline_id", "sequence"),
    sa.Index("ix_action_executions_execution", "execution_id", "sequence"),
    sa.Index("ix_action_executions_latest", "pipeline_id", "stage_name", "action_name", "sequence"),
    sa.Index(
        "ix_action_executions_running",
        "external_execution_id",
        sqlite_where=_in_progress,
        postgresql_where=_in_progress,
    ),
    sqlite_autoincrement=True,
)

pipeline_cursor = sa.Table(
    "pipeline_cursor",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
)
