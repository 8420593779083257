"""Large documents in memory: few at once, however many are sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from penstock.aws import large_bodies
from penstock.aws.errors import ServiceError
from penstock.aws.large_bodies import LARGE_BYTES, MOST_AT_ONCE, LargeBodies
from penstock.aws.payload import largest_document

_BLOCK = 1024 * 1024
_MOST = 2 * LARGE_BYTES


async def sent(size: int, pause: float = 0.0) -> AsyncIterator[bytes]:
    for start in range(0, size, _BLOCK):
        if start >= LARGE_BYTES:
            await asyncio.sleep(pause)
        yield b"x" * min(_BLOCK, size - start)


async def test_few_large_bodies_are_held_and_the_next_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of any number held 70 MB, before its signature was looked at."""
    monkeypatch.setattr(large_bodies, "_ROOM_SECONDS", 0.1)
    bodies = LargeBodies()
    async with AsyncExitStack() as held:
        for _ in range(MOST_AT_ONCE):
            assert len(await bodies.read(sent(LARGE_BYTES + 1), _MOST, held)) == LARGE_BYTES + 1
        with pytest.raises(ServiceError) as raised:
            await bodies.read(sent(LARGE_BYTES + 1), _MOST, held)
        assert raised.value.code == "ServiceUnavailableException"
        async with AsyncExitStack() as other:
            assert len(await bodies.read(sent(LARGE_BYTES), _MOST, other)) == LARGE_BYTES
    async with AsyncExitStack() as held:
        assert len(await bodies.read(sent(_MOST), _MOST, held)) == _MOST


async def test_who_sends_slowly_gives_the_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_bodies, "_READ_SECONDS", 0.1)
    bodies = LargeBodies()
    for _ in range(MOST_AT_ONCE + 1):
        async with AsyncExitStack() as held:
            with pytest.raises(ServiceError) as raised:
                await bodies.read(sent(_MOST, pause=5), _MOST, held)
        assert (raised.value.code, raised.value.status) == ("RequestTimeoutException", 408)


async def test_a_large_body_has_a_largest_size() -> None:
    async with AsyncExitStack() as held:
        with pytest.raises(ServiceError, match="too large"):
            await LargeBodies().read(sent(_MOST + 1), _MOST, held)


def test_only_what_carries_files_may_be_large() -> None:
    """Every operation of Lambda's was read up to 70 MB."""
    usual = largest_document("lambda", "ListFunctions")
    assert usual == largest_document("codepipeline", "CreatePipeline") == 4 * 1024 * 1024
    zipped = 52_428_800 * 4 // 3
    assert largest_document("lambda", "CreateFunction") > zipped
    assert largest_document("lambda", "UpdateFunctionCode") > zipped
    assert 6_291_456 < largest_document("lambda", "Invoke") < LARGE_BYTES
    assert largest_document("codecommit", "CreateCommit") > 7_000_000 * 4 // 3
    assert largest_document("codecommit", "ListBranches") == usual
