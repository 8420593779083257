"""Tables of stacks: their resources, the operations on them, their events and exports.

Whatever a template or a caller may have put a secret into is one encrypted document per row
(`sealed`, encryption.py); what lists and conditions need stands beside it.
"""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

stacks = sa.Table(
    "stacks",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=True),
    sa.Column("serial", sa.Integer, nullable=False),
    sa.Column("protected", sa.Boolean, nullable=False),
    sa.Column("operation_id", sa.String, nullable=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("created_at", Timestamp, nullable=False),
    sa.Column("updated_at", Timestamp, nullable=True),
    sa.Column("deleted_at", Timestamp, nullable=True),
    sa.Column("stack_policy", sa.Text, nullable=True),
    sa.Column("parent_id", sa.String, nullable=True, index=True),
    sa.Column("root_id", sa.String, nullable=True, index=True),
    sa.Index(
        "ix_stacks_live_name",
        "name",
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    ),
)

stack_resources = sa.Table(
    "stack_resources",
    metadata,
    sa.Column("stack_id", sa.String, primary_key=True),
    sa.Column("logical_id", sa.String, primary_key=True),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("physical_id", sa.String, nullable=False, index=True),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("updated_at", Timestamp, nullable=False),
)

stack_operations = sa.Table(
    "stack_operations",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("stack_id", sa.String, nullable=False, index=True),
    sa.Column("phase", sa.String, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, index=True),
    sa.Column("stop", sa.String, nullable=True),
    sa.Column("delete_requested", sa.Boolean, nullable=False),
    sa.Column("token", sa.String, nullable=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("started_at", Timestamp, nullable=False),
)

stack_steps = sa.Table(
    "stack_steps",
    metadata,
    sa.Column("operation_id", sa.String, primary_key=True),
    sa.Column("phase", sa.String, primary_key=True),
    sa.Column("logical_id", sa.String, primary_key=True),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
)

stack_events = sa.Table(
    "stack_events",
    metadata,
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("stack_id", sa.String, nullable=False, index=True),
    sa.Column("stack_name", sa.String, nullable=False),
    sa.Column("logical_id", sa.String, nullable=False),
    sa.Column("physical_id", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=True),
    sa.Column("sealed_properties", sa.Text, nullable=True),
    sa.Column("token", sa.String, nullable=True),
    sa.Column("occurred_at", Timestamp, nullable=False),
    sqlite_autoincrement=True,
)

stack_exports = sa.Table(
    "stack_exports",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("stack_id", sa.String, nullable=False, index=True),
    sa.Column("sealed", sa.Text, nullable=False),
)

stack_imports = sa.Table(
    "stack_imports",
    metadata,
    sa.Column("export_name", sa.String, primary_key=True),
    sa.Column("stack_id", sa.String, primary_key=True),
)
