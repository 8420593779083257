"""Manual approvals: what was asked, what was shown for it, and who decided what. Kept for ever."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("action_execution_id", sa.String, nullable=False, unique=True),
    sa.Column("pipeline_id", sa.String, nullable=False),
    sa.Column("pipeline_name", sa.String, nullable=False),
    sa.Column("execution_id", sa.String, nullable=False),
    sa.Column("stage_name", sa.String, nullable=False),
    sa.Column("action_name", sa.String, nullable=False),
    sa.Column("token", sa.String, nullable=False, unique=True),
    sa.Column("custom_data", sa.String, nullable=True),
    sa.Column("external_entity_link", sa.String, nullable=True),
    sa.Column("notification_arn", sa.String, nullable=True),
    sa.Column("review", sa.Text, nullable=False),
    sa.Column("digest", sa.String, nullable=True),
    sa.Column("created_at", Timestamp, nullable=False),
    sa.Column("expires_at", Timestamp, nullable=False),
    sa.Column("notified_at", Timestamp, nullable=True),
    sa.Column("decision", sa.String, nullable=True),
    sa.Column("decided_at", Timestamp, nullable=True),
    sa.Column("decided_by", sa.String, nullable=True),
    sa.Column("comment", sa.String, nullable=True),
    sa.Index("ix_approvals_execution", "execution_id", "stage_name"),
    sqlite_autoincrement=True,
)

reviewed_change_sets = sa.Table(
    "reviewed_change_sets",
    metadata,
    sa.Column("change_set_arn", sa.String, primary_key=True),
    sa.Column("action_execution_id", sa.String, primary_key=True),
)
"""Which approvals' reviews show a change set, so that nobody has to search them all."""
