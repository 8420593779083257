from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.build_world import World, host_world
from tests.host_runner import Machine


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    root = tmp_path / "machine"
    root.mkdir()
    machine = Machine(root)
    yield machine
    machine.end()


@pytest.fixture
async def world(tmp_path: Path, machine: Machine) -> AsyncIterator[World]:
    directory = tmp_path / "data"
    directory.mkdir()
    world = host_world(directory, machine)
    world.open()
    await world.furnish()
    await world.runner.start()
    yield world
    await world.close()
