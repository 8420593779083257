from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.pipeline_world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "penstock.db")
    await world.start()
    yield world
    await world.stop()
