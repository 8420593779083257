"""Where resources of a stack are answered: addresses that take one answer, or signals.

An address ends with 256 random bits, of which only a hash is stored; it serves one request (a
custom resource's) or one wait condition handle, and ends with it. What is taken is stored before it
is acknowledged, and never replaced: a late or second answer changes nothing. AWS hands out
presigned addresses of S3 for the same (docs/adr/0037-answers-to-stacks.md).
"""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import sqlalchemy as sa

from penstock.clock import Clock
from penstock.stacks.responses.body import json_object
from penstock.storage import stack_responses
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.stack_responses import AddressRow, AnswerRow

PATH = "/_penstock/responses/"
"""Addresses are this path, a token, and the logical id of who waits."""
LONGEST_BYTES = 4096
"""AWS's limit of a custom resource's answer."""
CUSTOM_RESOURCE_SECONDS = 7200
HANDLE_SECONDS = 24 * 3600
MOST_SIGNALS = 1000
"""Per address or step, where a step does not wait for more: AWS states no number."""


class Taken(StrEnum):
    """What became of an answer that came."""

    STORED = "stored"
    IGNORED = "ignored"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: `body` is None where it was longer than LONGEST_BYTES."""

    unique_id: str
    body: str | None


class Responses:
    """The addresses of one server. `outside` is where others reach it: `http://HOST:PORT`."""

    def __init__(
        self, database: Database, cipher: Cipher, clock: Clock, region: str, outside: str
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._region = region
        self._outside = outside
        self.arrived: Callable[[str], None] = lambda _stack_id: None
        """Told of the stack that something came for, once it is stored."""
        self._answer = functools.lru_cache(maxsize=MOST_SIGNALS)(self._open)

    def address(self, token: str, logical_id: str, *, for_function: bool = False) -> str:
        """Return a token's address. A function, in its container, reaches the server as AWS.

        The logical id is for people who read it.
        """
        if for_function:
            name = f"cloudformation-custom-resource-response-{self._region.replace('-', '')}"
            return f"https://{name}.s3.{self._region}.amazonaws.com{PATH}{token}/{logical_id}"
        return f"{self._outside}{PATH}{token}/{logical_id}"

    async def open(self, token: str, stack_id: str, *, single: bool, seconds: float) -> None:
        """Let a token's address take answers for so long. Safe to repeat."""
        now = self._clock()
        row = AddressRow(subject(token), stack_id, single, True, now + timedelta(seconds=seconds))

        def work(c: sa.Connection) -> None:
            stack_responses.forget_old(c, now)
            stack_responses.put_address(c, row)

        await self._database.write(work)

    async def close(self, token: str) -> None:
        """Let a token's address take nothing any more. Safe to repeat."""
        await self._database.write(lambda c: stack_responses.close_address(c, subject(token)))

    async def refused(self, token: str) -> Taken | None:
        """Return what becomes of anything that comes to a token's address, None where it is taken.

        Reads alone: whoever makes tokens up costs nobody a write.
        """
        name, now = subject(token), self._clock()
        address = await self._database.read(lambda c: stack_responses.get_address(c, name))
        return _refusal(address, now)

    async def take(self, token: str, body: bytes | None) -> Taken:
        """Store what came to a token's address; None: more than LONGEST_BYTES."""
        refused = await self.refused(token)
        if refused is not None:
            return refused
        name, now = subject(token), self._clock()
        text = None if body is None else body.decode("utf-8", "replace")
        told = _unique_id(text)

        def work(c: sa.Connection) -> tuple[Taken, str]:
            address = stack_responses.get_address(c, name)
            refused = _refusal(address, now)
            if address is None or refused is not None:
                return refused or Taken.UNKNOWN, ""
            full = stack_responses.count_answers(c, name) >= MOST_SIGNALS
            row = self._row(name, Answer("" if address.single else told, text), now)
            if full or not stack_responses.add_answer(c, row):
                return Taken.IGNORED, ""
            return Taken.STORED, address.stack_id

        taken, stack_id = await self._database.write(work)
        if taken is Taken.STORED:
            self.arrived(stack_id)
        return taken

    async def signal(
        self, stack_id: str, step_token: str, unique_id: str, status: str, most: int = MOST_SIGNALS
    ) -> Taken:
        """Store a signal to the step in progress that has this token: STORED.

        IGNORED when there is one of its id; a FAILURE takes the place of an earlier one. FULL when
        the step has `most` already.
        """
        now = self._clock()
        row = self._row(step_token, Answer(unique_id, status), now)

        def work(c: sa.Connection) -> Taken:
            stack_responses.forget_old(c, now)
            if stack_responses.has_answer(c, row):
                if status != "FAILURE":
                    return Taken.IGNORED
                stack_responses.replace_answer(c, row)
                return Taken.STORED
            if stack_responses.count_answers(c, step_token) >= most:
                return Taken.FULL
            stack_responses.add_answer(c, row)
            return Taken.STORED

        taken = await self._database.write(work)
        if taken is Taken.STORED:
            self.arrived(stack_id)
        return taken

    async def answers(self, name: str) -> list[Answer]:
        """Return what came for a subject, in order: a token's `subject`, or a step's token."""
        rows = await self._database.read(lambda c: stack_responses.answers(c, name))
        return [self._answer(row.sealed) for row in rows]

    def _row(self, name: str, answer: Answer, now: datetime) -> AnswerRow:
        sealed = self._cipher.encrypt(msgspec.json.encode(answer).decode())
        return AnswerRow(name, subject(f"{name}/{answer.unique_id}"), sealed, now)

    def _open(self, sealed: str) -> Answer:
        """Return an answer; `_answer` keeps the last ones, since who waits for many looks at all of
        them with each that comes."""
        return msgspec.json.decode(self._cipher.decrypt(sealed), type=Answer)


def subject(token: str) -> str:
    """Return what answers to a token's address are stored under."""
    return hashlib.sha256(token.encode()).hexdigest()


def parts_of(address: str) -> tuple[str, str] | None:
    """Return the token and the logical id of an address, None for a text that is none."""
    _, found, rest = address.partition(PATH)
    token, _, logical_id = rest.partition("/")
    return (token, logical_id) if found and token and logical_id.isalnum() else None


def _refusal(address: AddressRow | None, now: datetime) -> Taken | None:
    """Return why an address takes nothing, None where it does."""
    if address is None:
        return Taken.UNKNOWN
    if now >= address.expires_at:
        return Taken.EXPIRED
    return None if address.open else Taken.IGNORED


def _unique_id(body: str | None) -> str:
    """Return a signal's UniqueId; what has none is told apart by its text."""
    found = (json_object(body) or {}).get("UniqueId")
    if isinstance(found, str | int) and not isinstance(found, bool):
        return f"={found}"
    return f"?{hashlib.sha256((body or '').encode()).hexdigest()}"
