"""A server with Parameter Store alone."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from tests.databases import opened_database

from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.services.ssm import Parameters
from penstock.services.ssm.api import service
from penstock.storage.encryption import Cipher


class ParametersServer:
    """The server, its domain object, and a client."""

    def __init__(self, aws_server: Any, directory: Path) -> None:
        self.directory = directory
        self.aws: Any = aws_server(self._build)
        self.client = self.aws.client("ssm")

    async def _build(self, stack: contextlib.AsyncExitStack) -> list[Service]:
        database = stack.enter_context(opened_database(self.directory))
        self.domain = Parameters(
            database,
            Cipher.open(self.directory / "key"),
            utc_now,
            account_id="123456789012",
            region="us-east-1",
        )
        return [service(self.domain)]


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> ParametersServer:
    return ParametersServer(aws_server, tmp_path)


@pytest.fixture
def ssm(server: ParametersServer) -> Any:
    return server.client
