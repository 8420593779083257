"""Events that functions were invoked with and that have not run yet. Rows end with their work."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

function_events = sa.Table(
    "function_events",
    metadata,
    sa.Column("request_id", sa.String, primary_key=True),
    sa.Column("function_name", sa.String, nullable=False),
    sa.Column("function_generation", sa.String, nullable=False),
    sa.Column("sealed", sa.String, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("accepted_at", Timestamp, nullable=False),
    sa.Column("due_at", Timestamp, nullable=False),
    sa.Index("ix_function_events_due", "due_at"),
)
