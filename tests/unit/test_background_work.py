import asyncio
import logging

import pytest

from penstock.background_work import BackgroundWork

LOG = logging.getLogger("penstock.tests.background_work")


async def test_all_that_runs_ends_at_close() -> None:
    background, ended = BackgroundWork(LOG, "lost"), []

    async def wait(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    background.spawn(wait("first"))
    background.spawn(wait("second"))
    await asyncio.sleep(0)
    await background.close()
    assert sorted(ended) == ["first", "second"]
    await background.close()


async def test_what_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    background, failing = BackgroundWork(LOG, "the loop lost a task"), asyncio.Event()

    async def fail() -> None:
        failing.set()
        raise RuntimeError("a bug")

    background.spawn(fail())
    await failing.wait()
    await asyncio.sleep(0)
    [record] = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.getMessage() == "the loop lost a task"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "a bug"


async def test_a_cancelled_one_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    background = BackgroundWork(LOG, "lost")
    background.spawn(asyncio.sleep(60))
    await asyncio.sleep(0)
    await background.close()
    assert caplog.records == []
