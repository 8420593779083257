"""One-time login links and sessions of the web console; of every token only its digest."""

import sqlalchemy as sa

from penstock.storage.schema import Timestamp, metadata

console_login_links = sa.Table(
    "console_login_links",
    metadata,
    sa.Column("token_sha256", sa.String, primary_key=True),
    sa.Column("access_key_id", sa.String, nullable=False),  # whose: the key that asked for it
    sa.Column("expires_at", Timestamp, nullable=False, index=True),
)

console_sessions = sa.Table(
    "console_sessions",
    metadata,
    sa.Column("token_sha256", sa.String, primary_key=True),
    sa.Column("access_key_id", sa.String, nullable=False),
    sa.Column("expires_at", Timestamp, nullable=False, index=True),
)
