"""The fixture of the contract tests; see `tests/aws_server.py` for how to use it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from tests.aws_server import AwsServer, Build

from penstock.aws.service import Service


@pytest.fixture
def aws_server() -> Iterator[Callable[..., AwsServer]]:
    """Start servers: `aws_server(build_or_services, **options) -> AwsServer`."""
    started: list[AwsServer] = []

    def start(build: Build | Sequence[Service], **options: Any) -> AwsServer:
        server = AwsServer(build, **options)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.close()
