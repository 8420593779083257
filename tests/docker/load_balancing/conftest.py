"""A world of load balancing, and targets that end with the test."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from penstock.ids import new_uuid
from tests.databases import opened_database
from tests.docker.load_balancing.backends import Backend
from tests.docker.load_balancing.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with opened_database(tmp_path) as database:
        world = World(tmp_path, database, f"lbtest{new_uuid()[:8]}")
        world.attach()
        yield world
        await world.close()


@pytest.fixture
def backend() -> Iterator[Callable[[str], Backend]]:
    started: list[Backend] = []

    def start(name: str) -> Backend:
        started.append(Backend(name))
        return started[-1]

    yield start
    for one in started:
        one.close()
