"""Queries on addresses for answers to stacks, and on the answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from penstock.storage.tables.stack_responses import stack_answers, stack_response_addresses

_KEPT_AFTERWARDS = timedelta(days=2)
"""How long an address and its answers outlive the address's end: no resource waits longer."""


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One address. A `single` one takes one answer; one that is not `open` takes none any more."""

    token_sha256: str
    stack_id: str
    single: bool
    open: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One answer to `subject`: the hash of an address's token, or the token of a step. `unique_id`
    is a hash of what tells it from others to the same subject."""

    subject: str
    unique_id: str
    sealed: str
    received_at: datetime
    ordinal: int = 0


def put_address(connection: sa.Connection, row: AddressRow) -> None:
    """Store an address; repeating it changes nothing."""
    if get_address(connection, row.token_sha256) is None:
        values = {name: getattr(row, name) for name in AddressRow.__slots__}
        connection.execute(stack_response_addresses.insert().values(**values))


def get_address(connection: sa.Connection, token_sha256: str) -> AddressRow | None:
    """Return an address by its token's hash, or None."""
    row = connection.execute(
        stack_response_addresses.select().where(
            stack_response_addresses.c.token_sha256 == token_sha256
        )
    ).first()
    return AddressRow(**row._mapping) if row else None


def close_address(connection: sa.Connection, token_sha256: str) -> None:
    """Let an address take nothing any more. Safe to repeat."""
    connection.execute(
        stack_response_addresses.update()
        .where(stack_response_addresses.c.token_sha256 == token_sha256)
        .values(open=False)
    )


def add_answer(connection: sa.Connection, row: AnswerRow) -> bool:
    """Store an answer; False, with nothing changed, when there is one of its `unique_id`."""
    if has_answer(connection, row):
        return False
    values = {name: getattr(row, name) for name in AnswerRow.__slots__ if name != "ordinal"}
    connection.execute(stack_answers.insert().values(**values))
    return True


def has_answer(connection: sa.Connection, row: AnswerRow) -> bool:
    """Return whether there is an answer of the row's `unique_id`."""
    query = sa.select(stack_answers.c.ordinal).where(
        stack_answers.c.subject == row.subject, stack_answers.c.unique_id == row.unique_id
    )
    return connection.execute(query).first() is not None


def replace_answer(connection: sa.Connection, row: AnswerRow) -> None:
    """Store an answer in place of the one of the same `unique_id`, as the latest."""
    connection.execute(
        stack_answers.delete().where(
            stack_answers.c.subject == row.subject, stack_answers.c.unique_id == row.unique_id
        )
    )
    add_answer(connection, row)


def answers(connection: sa.Connection, subject: str) -> list[AnswerRow]:
    """Return the answers to a subject in the order in which they came."""
    rows = connection.execute(
        stack_answers.select()
        .where(stack_answers.c.subject == subject)
        .order_by(stack_answers.c.ordinal)
    )
    return [AnswerRow(**row._mapping) for row in rows]


def count_answers(connection: sa.Connection, subject: str) -> int:
    """Return how many answers a subject has."""
    query = sa.select(sa.func.count()).where(stack_answers.c.subject == subject)
    return int(connection.execute(query).scalar_one())


def forget_old(connection: sa.Connection, now: datetime) -> None:
    """Delete what nothing can wait for any more."""
    end = now - _KEPT_AFTERWARDS
    connection.execute(
        stack_response_addresses.delete().where(stack_response_addresses.c.expires_at < end)
    )
    connection.execute(stack_answers.delete().where(stack_answers.c.received_at < end))
