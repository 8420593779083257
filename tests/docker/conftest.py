"""A server with everything on: for scenarios that read their results from Docker and HTTP."""

from collections.abc import Iterator

import pytest

from tests.delivery import create_foundations
from tests.server_process import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A running server on an empty data directory, with the roles and bucket of `delivery`."""
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    server.start()
    create_foundations(server)
    yield server
    if server.running:
        server.stop()
    server.remove_engine_objects()
