"""Tables of drift: detections on stacks, and what they last found of each resource."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

stack_drift_detections = sa.Table(
    "stack_drift_detections",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("stack_id", sa.String, nullable=False, index=True),
    sa.Column("serial", sa.Integer, nullable=False),
    sa.Column("status", sa.String, nullable=False, index=True),
    sa.Column("drift_status", sa.String, nullable=True),
    sa.Column("reason", sa.String, nullable=True),
    sa.Column("drifted", sa.Integer, nullable=True),
    sa.Column("started_at", Timestamp, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
)

stack_resource_drifts = sa.Table(
    "stack_resource_drifts",
    metadata,
    sa.Column("stack_id", sa.String, primary_key=True),
    sa.Column("logical_id", sa.String, primary_key=True),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("physical_id", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("checked_at", Timestamp, nullable=False),
)
