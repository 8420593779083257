"""A server with SNS alone."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from tests.databases import opened_database

from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.services.sns import Sns
from penstock.services.sns.api import service


class SnsServer:
    """The server, its domain object, and a client."""

    def __init__(self, aws_server: Any, directory: Path) -> None:
        self.directory = directory
        self.aws: Any = aws_server(self._build)
        self.client = self.aws.client("sns")

    async def _build(self, stack: contextlib.AsyncExitStack) -> list[Service]:
        database = stack.enter_context(opened_database(self.directory))
        self.domain = Sns(database, utc_now, "123456789012", "us-east-1")
        return [service(self.domain)]


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> SnsServer:
    return SnsServer(aws_server, tmp_path)


@pytest.fixture
def sns(server: SnsServer) -> Any:
    return server.client
