"""When the pool of layer caches is trimmed, on an engine that only counts."""

import asyncio
from typing import Any, cast

from penstock.containers.cache_volumes import CacheVolumes
from penstock.containers.engine import Engine
from penstock.errors import EngineError

VOLUME = "penstock-inst-cache-x-0"


class CountingEngine:
    """One volume of 10 bytes that no container has."""

    def __init__(self, trouble: bool = False) -> None:
        self.trouble = trouble
        self.deleted: list[str] = []
        self.measured = 0

    async def json(self, method: str, path: str, **_: Any) -> Any:
        if path == "system/df":
            self.measured += 1
            if self.trouble:
                raise EngineError("the container engine did not answer", retryable=True)
            usage = {"Name": VOLUME, "CreatedAt": "2026", "UsageData": {"Size": 10}}
            return {"Volumes": [usage]}
        if method == "DELETE":
            self.deleted.append(path)
        return [] if path == "containers/json" else None


def pool(engine: CountingEngine, seconds: float = 0.0) -> CacheVolumes:
    return CacheVolumes(cast(Engine, engine), "inst", most_bytes=5, trim_after_seconds=seconds)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_returned_volume_has_the_pool_trimmed_in_the_background() -> None:
    """Locks: nothing ever trimmed it."""
    engine = CountingEngine()
    volumes = pool(engine)
    await volumes.lease("project", "t1")
    await volumes.release("t1")
    await settled()
    assert engine.deleted == [f"volumes/{VOLUME}"]
    await volumes.release("t1")
    await settled()
    assert engine.measured == 1


async def test_several_ends_are_one_trim_and_closing_ends_it() -> None:
    engine = CountingEngine()
    volumes = pool(engine, seconds=60)
    for task in ("t1", "t2"):
        await volumes.lease("project", task)
        await volumes.release(task)
    await settled()
    await volumes.close()
    await volumes.close()
    assert engine.measured == 0


async def test_an_engine_that_does_not_answer_is_no_bug() -> None:
    engine = CountingEngine(trouble=True)
    volumes = pool(engine)
    await volumes.lease("project", "t1")
    await volumes.release("t1")
    await settled()
    await volumes.close()
    assert (engine.measured, engine.deleted) == (1, [])
