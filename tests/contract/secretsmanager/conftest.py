"""A server with Secrets Manager alone."""

import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.databases import opened_database

from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.services.secretsmanager import Secrets
from penstock.services.secretsmanager.api import service
from penstock.storage.encryption import Cipher


class SecretsServer:
    """The server, its domain object whose clock can be ahead, and a client."""

    def __init__(self, aws_server: Any, directory: Path) -> None:
        self.directory = directory
        self.ahead = timedelta()
        self.aws: Any = aws_server(self._build)
        self.client = self.aws.client("secretsmanager")

    def _clock(self) -> datetime:
        return utc_now() + self.ahead

    async def _build(self, stack: contextlib.AsyncExitStack) -> list[Service]:
        database = stack.enter_context(opened_database(self.directory))
        self.domain = Secrets(
            database,
            Cipher.open(self.directory / "key"),
            self._clock,
            account_id="123456789012",
            region="us-east-1",
        )
        return [service(self.domain)]


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> SecretsServer:
    return SecretsServer(aws_server, tmp_path)


@pytest.fixture
def secrets(server: SecretsServer) -> Any:
    return server.client
