"""Log streams: which group they are in, and the id of their files."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

log_streams = sa.Table(
    "log_streams",
    metadata,
    sa.Column("group_name", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("created_at", Timestamp, nullable=False),
)
