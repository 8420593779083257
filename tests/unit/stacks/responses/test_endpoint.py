"""The route for answers: what it reads of a request, and what it writes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from tests.databases import opened_database

from penstock.ids import new_token
from penstock.stacks.responses.addresses import PATH, Answer, Responses, subject
from penstock.stacks.responses.endpoint import response_route
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/app/1"


@dataclass
class World:
    database: Database
    cipher: Cipher
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    reads: int = 0
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.responses = Responses(
            self.database, self.cipher, lambda: self.now, "eu-west-1", "http://host:1"
        )
        self.app = Starlette(routes=[response_route(self.responses)])

    async def put(self, token: str, *blocks: bytes) -> int:
        """Send blocks by PUT; return the status, and count in `reads` what was asked for."""
        left = list(blocks)
        self.reads = 0

        async def receive() -> dict[str, Any]:
            self.reads += 1
            block = left.pop(0)
            return {"type": "http.request", "body": block, "more_body": bool(left)}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.statuses.append(message["status"])

        path = f"{PATH}{token}/Thing"
        scope = {
            "type": "http", "method": "PUT", "path": path, "raw_path": path.encode(),
            "query_string": b"", "headers": [], "root_path": "", "scheme": "http",
        }  # fmt: skip
        await self.app(scope, receive, send)
        return self.statuses[-1]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with opened_database(tmp_path) as database:
        yield World(database, Cipher.open(tmp_path / "key"))


async def test_a_made_up_address_reads_no_body_and_writes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each such request, from anybody, read a megabyte, encrypted it and held the one writer."""
    used: list[str] = []
    monkeypatch.setattr(Database, "write", lambda *_: used.append("write"))
    monkeypatch.setattr(Cipher, "encrypt", lambda *_: used.append("encrypt"))
    assert await world.put("made-up", b"x") == 403
    assert await world.responses.take("made-up", b"x") == "unknown"
    assert (world.reads, used) == (0, [])


async def test_an_address_that_is_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, expired = new_token(), new_token()
    for token in (closed, expired):
        await world.responses.open(token, STACK, single=True, seconds=60)
    await world.responses.close(closed)
    monkeypatch.setattr(Database, "write", None)
    assert await world.put(closed, b"x") == 200
    world.now += timedelta(seconds=60)
    assert await world.put(expired, b"x") == 403
    assert world.reads == 0


async def test_a_body_is_read_as_far_as_it_may_be_long(world: World) -> None:
    token = new_token()
    await world.responses.open(token, STACK, single=True, seconds=60)
    assert await world.put(token, *[b"x" * 1024] * 100) == 200
    assert world.reads == 5
    assert await world.responses.answers(subject(token)) == [Answer("", None)]


async def test_the_longest_body(world: World) -> None:
    token = new_token()
    await world.responses.open(token, STACK, single=True, seconds=60)
    assert await world.put(token, *[b"x" * 1024] * 4) == 200
    assert await world.responses.answers(subject(token)) == [Answer("", "x" * 4096)]
