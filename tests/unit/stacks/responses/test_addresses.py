"""Addresses for answers: what they take, until when, and what is kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.databases import opened_database

from penstock.ids import new_token
from penstock.stacks.responses.addresses import Answer, Responses, Taken, parts_of, subject
from penstock.storage.encryption import Cipher

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/app/1"


@dataclass
class World:
    directory: Path
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    told: list[str] = field(default_factory=list)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def responses(world: World) -> AsyncIterator[Responses]:
    with opened_database(world.directory) as database:
        cipher = Cipher.open(world.directory / "key")
        made = Responses(database, cipher, lambda: world.now, "eu-west-1", "http://host:1")
        made.arrived = world.told.append
        yield made


async def test_one_answer(responses: Responses, world: World) -> None:
    token = new_token()
    for _ in range(2):
        await responses.open(token, STACK, single=True, seconds=60)
    assert await responses.answers(subject(token)) == []
    assert await responses.take(token, b"first") is Taken.STORED
    assert await responses.take(token, b"second") is Taken.IGNORED
    assert await responses.answers(subject(token)) == [Answer("", "first")]
    assert world.told == [STACK]


async def test_two_answers_at_once(responses: Responses) -> None:
    token = new_token()
    await responses.open(token, STACK, single=True, seconds=60)
    taken = await asyncio.gather(*(responses.take(token, b"%d" % n) for n in range(10)))
    assert sorted(taken) == [Taken.IGNORED] * 9 + [Taken.STORED]


async def test_signals_by_their_ids(responses: Responses) -> None:
    token = new_token()
    await responses.open(token, STACK, single=False, seconds=60)
    bodies = [b'{"UniqueId":"a"}', b'{"UniqueId":"b"}', b'{"UniqueId":"a","n":2}', b"?", b"?", b"!"]
    taken = [await responses.take(token, each) for each in bodies]
    stored, ignored = Taken.STORED, Taken.IGNORED
    assert taken == [stored, stored, ignored, stored, ignored, stored]


async def test_no_end_of_signals(responses: Responses) -> None:
    token = new_token()
    await responses.open(token, STACK, single=False, seconds=60)
    taken = [await responses.take(token, b'{"UniqueId":%d}' % n) for n in range(1005)]
    assert taken.count(Taken.STORED) == 1000


async def test_what_is_not_open(responses: Responses, world: World) -> None:
    token = new_token()
    await responses.open(token, STACK, single=True, seconds=60)
    assert await responses.take(token[:-1], b"x") is Taken.UNKNOWN
    assert await responses.take(subject(token), b"x") is Taken.UNKNOWN, "the hash is no key"
    await responses.close(token)
    await responses.open(token, STACK, single=True, seconds=60)
    assert await responses.take(token, b"x") is Taken.IGNORED
    world.now += timedelta(seconds=60)
    assert await responses.take(token, b"x") is Taken.EXPIRED
    assert await responses.answers(subject(token)) == []
    assert world.told == []


async def test_old_ones_are_forgotten(responses: Responses, world: World) -> None:
    token = new_token()
    await responses.open(token, STACK, single=True, seconds=60)
    await responses.take(token, b"x")
    await responses.signal(STACK, "step", "a", "SUCCESS")
    world.now += timedelta(days=3)
    await responses.open(new_token(), STACK, single=True, seconds=60)
    assert await responses.take(token, b"x") is Taken.UNKNOWN
    assert await responses.answers(subject(token)) == []
    assert await responses.answers("step") == []


async def test_signals_alone_are_forgotten_too(responses: Responses, world: World) -> None:
    """On a server whose stacks never open an address."""
    await responses.signal(STACK, "step", "a", "SUCCESS")
    world.now += timedelta(days=3)
    await responses.signal(STACK, "another", "a", "SUCCESS")
    assert await responses.answers("step") == []
    assert await responses.answers("another") == [Answer("a", "SUCCESS")]


async def test_nothing_is_kept_in_the_clear(responses: Responses, world: World) -> None:
    token = new_token()
    await responses.open(token, STACK, single=True, seconds=60)
    await responses.take(token, b"swordfish")
    handle = new_token()
    await responses.open(handle, STACK, single=False, seconds=60)
    await responses.take(handle, b'{"UniqueId": "swordfish"}')
    await responses.signal(STACK, "step", "swordfish", "SUCCESS")
    for file in world.directory.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert token.encode() not in content
        assert b"swordfish" not in content


async def test_signals_to_a_step(responses: Responses, world: World) -> None:
    assert await responses.signal(STACK, "step", "i-1", "SUCCESS") is Taken.STORED
    assert await responses.signal(STACK, "step", "i-1", "SUCCESS") is Taken.IGNORED
    assert await responses.signal(STACK, "step", "i-2", "SUCCESS") is Taken.STORED
    assert await responses.signal(STACK, "step", "i-1", "FAILURE") is Taken.STORED
    assert await responses.answers("step") == [Answer("i-2", "SUCCESS"), Answer("i-1", "FAILURE")]
    assert world.told == [STACK] * 3


async def test_a_step_takes_no_more_signals_than_are_waited_for(responses: Responses) -> None:
    """Locks: SignalResource had no limit."""
    for number in range(3):
        taken = await responses.signal(STACK, "step", f"i-{number}", "SUCCESS", most=3)
        assert taken is Taken.STORED
    assert await responses.signal(STACK, "step", "i-3", "SUCCESS", most=3) is Taken.FULL
    assert await responses.signal(STACK, "step", "i-1", "SUCCESS", most=3) is Taken.IGNORED
    assert await responses.signal(STACK, "step", "i-1", "FAILURE", most=3) is Taken.STORED


async def test_each_answer_is_decrypted_once(
    responses: Responses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks: each signal decrypted all that had come before it."""
    decrypted: list[str] = []
    decrypt = Cipher.decrypt
    monkeypatch.setattr(
        Cipher, "decrypt", lambda self, text: decrypted.append(text) or decrypt(self, text)
    )
    for number in range(20):
        await responses.signal(STACK, "step", f"i-{number}", "SUCCESS")
        assert len(await responses.answers("step")) == number + 1
    assert len(decrypted) == 20


def test_addresses(responses: Responses) -> None:
    outside = responses.address("t0ken", "Thing")
    assert outside == "http://host:1/_penstock/responses/t0ken/Thing"
    inside = responses.address("t0ken", "Thing", for_function=True)
    assert inside == (
        "https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com"
        "/_penstock/responses/t0ken/Thing"
    )
    for address in (outside, inside):
        assert parts_of(address) == ("t0ken", "Thing")
    for text in ("", "http://host:1/", "/_penstock/responses/", "/_penstock/responses/x",
                 "/_penstock/responses//Thing", "/_penstock/responses/x/a/b"):  # fmt: skip
        assert parts_of(text) is None
