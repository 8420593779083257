"""A server with ECS and what it stands on, without a container engine."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from tests.ecs_world import EcsWorld

from penstock.aws.service import Service


@pytest.fixture
def ecs(aws_server: Any, tmp_path: Path) -> Any:
    """A client of ECS with the cluster `default`."""

    async def build(stack: contextlib.AsyncExitStack) -> list[Service]:
        world = EcsWorld(tmp_path)
        world.open()
        stack.push_async_callback(world.close)
        return world.services()

    client = aws_server(build).client("ecs")
    client.create_cluster()
    return client
