from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.docker.tasks.world import World, world


@pytest.fixture
async def tasks(tmp_path: Path) -> AsyncIterator[World]:
    """An instance without a registry."""
    async with world(tmp_path) as made:
        yield made


@pytest.fixture
async def tasks_with_registry(tmp_path: Path) -> AsyncIterator[World]:
    """An instance with its registry and, where there is no public one, the mirror."""
    async with world(tmp_path, with_registry=True) as made:
        yield made
