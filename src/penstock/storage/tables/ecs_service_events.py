"""The table of what services were told to have done."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

ecs_service_events = sa.Table(
    "ecs_service_events",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("service_arn", sa.String, nullable=False, index=True),
    sa.Column("message", sa.String, nullable=False),
    sa.Column("created_at", Timestamp, nullable=False),
    sqlite_autoincrement=True,
)
