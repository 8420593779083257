"""The targets of target groups, and how healthy they were last."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

load_balancing_targets = sa.Table(
    "load_balancing_targets",
    metadata,
    sa.Column("target_group_arn", sa.String, primary_key=True),
    sa.Column("target_id", sa.String, primary_key=True),
    sa.Column("port", sa.Integer, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=True),
    sa.Column("description", sa.String, nullable=True),
    sa.Column("registered_at", Timestamp, nullable=False),
    sa.Column("draining_since", Timestamp, nullable=True),
)
