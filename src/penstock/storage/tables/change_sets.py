"""Change sets: what was planned for a stack and waits for somebody to execute it."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

change_sets = sa.Table(
    "change_sets",
    metadata,
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("arn", sa.String, nullable=False, unique=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("stack_id", sa.String, nullable=False),
    sa.Column("stack_name", sa.String, nullable=False),
    sa.Column("stack_serial", sa.Integer, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("execution_status", sa.String, nullable=False),
    sa.Column("status_reason", sa.String, nullable=True),
    sa.Column("description", sa.String, nullable=True),
    sa.Column("client_token", sa.String, nullable=True),
    sa.Column("execution_token", sa.String, nullable=True),
    sa.Column("executed_after", sa.Integer, nullable=True),
    sa.Column("digest", sa.String, nullable=True),
    sa.Column("include_nested", sa.Boolean, nullable=False),
    sa.Column("parent_arn", sa.String, nullable=True),
    sa.Column("root_arn", sa.String, nullable=True, index=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("created_at", Timestamp, nullable=False),
    sa.Index("ix_change_sets_stack_id_name", "stack_id", "name"),
    sqlite_autoincrement=True,
)
