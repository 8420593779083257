"""Alembic's environment: runs on the connection that `storage.migrate` hands over."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from penstock.storage.migrate import all_tables
from penstock.storage.schema import Timestamp


def _render(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write our column types as plain SQL ones: a revision must not change with our code."""
    if kind == "type" and isinstance(item, Timestamp):
        return "sa.BigInteger()"
    return False


_connection: sa.Connection = context.config.attributes["connection"]
context.configure(
    connection=_connection,
    target_metadata=all_tables(),
    render_item=_render,
    render_as_batch=_connection.dialect.name == "sqlite",
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
