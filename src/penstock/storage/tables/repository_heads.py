"""The recorded value of every branch and tag of the hosted repositories."""

import sqlalchemy as sa

from penstock.storage.schema import metadata

repository_heads = sa.Table(
    "repository_heads",
    metadata,
    sa.Column("repository_id", sa.String, primary_key=True),
    sa.Column("reference", sa.String, primary_key=True),
    sa.Column("object_id", sa.String, nullable=False),
    sa.Column("log_size", sa.Integer, nullable=False),
)
