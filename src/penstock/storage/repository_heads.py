"""Recorded heads: what each reference pointed at when it was last compared with git.

A head differs from git's own reference exactly while a change is unrecorded; recording
it and publishing its event share one unit of work.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from penstock.storage.tables.repository_heads import repository_heads


@dataclass(frozen=True, slots=True)
class Head:
    """A reference's recorded object and how much of its reflog (bytes) was taken in."""

    object_id: str
    log_size: int


def read_heads(connection: sa.Connection, repository_id: str) -> dict[str, Head]:
    """Return full reference name → recorded head."""
    rows = connection.execute(
        repository_heads.select().where(repository_heads.c.repository_id == repository_id)
    )
    return {row.reference: Head(row.object_id, row.log_size) for row in rows}


def replace_heads(connection: sa.Connection, repository_id: str, heads: Mapping[str, Head]) -> None:
    """Record exactly `heads`; an empty mapping forgets the repository."""
    connection.execute(
        repository_heads.delete().where(repository_heads.c.repository_id == repository_id)
    )
    if heads:
        connection.execute(
            repository_heads.insert(),
            [
                {
                    "repository_id": repository_id,
                    "reference": reference,
                    "object_id": head.object_id,
                    "log_size": head.log_size,
                }
                for reference, head in heads.items()
            ],
        )
