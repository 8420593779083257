"""What resources of stacks wait for: the addresses given out for answers, and the answers.

An address is kept by the hash of its token alone. Answers may hold secrets, and are encrypted; so
may what tells them apart, of which there is a hash.
"""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

stack_response_addresses = sa.Table(
    "stack_response_addresses",
    metadata,
    sa.Column("token_sha256", sa.String, primary_key=True),
    sa.Column("stack_id", sa.String, nullable=False),
    sa.Column("single", sa.Boolean, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("expires_at", Timestamp, nullable=False, index=True),
)

stack_answers = sa.Table(
    "stack_answers",
    metadata,
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("unique_id", sa.String, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("received_at", Timestamp, nullable=False, index=True),
    sa.Index("ix_stack_answers_subject", "subject", "unique_id", unique=True),
    sqlite_autoincrement=True,
)
