"""Access keys of users and of the root, and the sessions that STS issued."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

access_keys = sa.Table(
    "access_keys",
    metadata,
    sa.Column("access_key_id", sa.String, primary_key=True),
    sa.Column("user_name", sa.String, nullable=True, index=True),  # NULL: the account's root
    sa.Column("secret", sa.String, nullable=False),  # ciphertext
    sa.Column("status", sa.String, nullable=False),
    sa.Column("created_at", Timestamp, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("access_key_id", sa.String, primary_key=True),
    sa.Column("principal_kind", sa.String, nullable=False),
    sa.Column("principal_arn", sa.String, nullable=False),
    sa.Column("user_id", sa.String, nullable=False),
    sa.Column("policy_arn", sa.String, nullable=True),
    sa.Column("secret", sa.String, nullable=False),  # ciphertext
    sa.Column("token_sha256", sa.String, nullable=False),
    sa.Column("session_policies", sa.JSON, nullable=False),
    sa.Column("issued_at", Timestamp, nullable=False),
    sa.Column("expires_at", Timestamp, nullable=False, index=True),
    sa.Column("of_task", sa.Boolean, nullable=False),  # issued to a Task, or by means of such
)

last_uses = sa.Table(
    "credential_last_uses",
    metadata,
    sa.Column("subject", sa.String, primary_key=True),  # an access key id or a role's ARN
    sa.Column("used_at", Timestamp, nullable=False),
    sa.Column("service", sa.String, nullable=False),
    sa.Column("region", sa.String, nullable=False),
)
