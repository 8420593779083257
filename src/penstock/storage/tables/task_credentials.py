"""The table of Task tokens: which role's credentials each stands for."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

task_credentials = sa.Table(
    "task_credentials",
    metadata,
    sa.Column("token_sha256", sa.String, primary_key=True),
    sa.Column("task_id", sa.String, nullable=False, index=True),
    sa.Column("role_arn", sa.String, nullable=False),
    sa.Column("session_name", sa.String, nullable=False),
    sa.Column("service_principal", sa.String, nullable=False),
    sa.Column("access_key_ids", sa.JSON, nullable=False),
    sa.Column("created_at", Timestamp, nullable=False),
)
