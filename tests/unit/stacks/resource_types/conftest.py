"""Handlers upon the real services."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.resource_world import ResourceWorld, resource_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ResourceWorld]:
    async with resource_world(tmp_path) as made:
        yield made
