"""Where operations on stacks begin and end among a stack's events, and what validation found.

`position` is the ordinal of the stack's last event (stack_events) before the row: operations on a
stack follow each other, so an event belongs to the operation that began last before it.
"""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

stack_operation_events = sa.Table(
    "stack_operation_events",
    metadata,
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("stack_id", sa.String, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("operation_id", sa.String, nullable=False, index=True),
    sa.Column("operation_type", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=True),
    sa.Column("started_at", Timestamp, nullable=True),
    sa.Column("change_set_id", sa.String, nullable=True),
    sa.Column("sealed_finding", sa.Text, nullable=True),
    sa.Column("occurred_at", Timestamp, nullable=False),
    sa.Index("ix_stack_operation_events_stack_id", "stack_id", "ordinal"),
    sqlite_autoincrement=True,
)
