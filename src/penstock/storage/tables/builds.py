"""Tables of builds: their histories and their counters."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

builds = sa.Table(
    "builds",
    metadata,
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("uuid", sa.String, nullable=False, unique=True),
    sa.Column("arn", sa.String, nullable=False),
    sa.Column("project_name", sa.String, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("step", sa.String, nullable=False, index=True),
    sa.Column("phases", sa.JSON, nullable=False),
    sa.Column("configuration", sa.JSON, nullable=False),
    sa.Column("pipeline", sa.JSON, nullable=True),
    sa.Column("plan", sa.JSON, nullable=True),
    sa.Column("sealed", sa.Text, nullable=True),
    sa.Column("log_base", sa.Integer, nullable=False),
    sa.Column("log_created", sa.Boolean, nullable=False),
    sa.Column("exported_variables", sa.JSON, nullable=False),
    sa.Column("artifacts", sa.JSON, nullable=False),
    sa.Column("source_version", sa.String, nullable=True),
    sa.Column("resolved_source_version", sa.String, nullable=True),
    sa.Column("initiator", sa.String, nullable=False),
    sa.Column("idempotency_token", sa.String, nullable=True),
    sa.Column("request_digest", sa.String, nullable=False),
    sa.Column("stop_requested_at", Timestamp, nullable=True),
    sa.Column("created_at", Timestamp, nullable=False),
    sa.Column("provisioned_at", Timestamp, nullable=True),
    sa.Column("ended_at", Timestamp, nullable=True),
    sa.Index("ix_builds_project_name_number", "project_name", "number"),
    sa.Index("ix_builds_project_name_idempotency_token", "project_name", "idempotency_token"),
    sqlite_autoincrement=True,
)

build_counters = sa.Table(
    "build_counters",
    metadata,
    sa.Column("project_name", sa.String, primary_key=True),
    sa.Column("last_number", sa.Integer, nullable=False),
)
