"""SNS messages on their way, and where each still has to go. Rows end with their work."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

sns_messages = sa.Table(
    "sns_messages",
    metadata,
    sa.Column("message_id", sa.String, primary_key=True),
    sa.Column("document", sa.JSON, nullable=False),
)

sns_deliveries = sa.Table(
    "sns_deliveries",
    metadata,
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("message_id", sa.String, nullable=False),
    sa.Column("subscription_arn", sa.String, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("accepted_at", Timestamp, nullable=False),
    sa.Column("due_at", Timestamp, nullable=False),
    sa.Index("ix_sns_deliveries_due", "due_at"),
    sa.Index("ix_sns_deliveries_message", "message_id"),
    sqlite_autoincrement=True,
)
