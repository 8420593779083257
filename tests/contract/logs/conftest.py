"""A server with CloudWatch Logs alone."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.databases import opened_database

from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.services.logs import Logs
from penstock.services.logs.api import service
from penstock.storage.log_files import LogFiles


class LogsServer:
    """The server, its domain object, and a client."""

    def __init__(self, aws_server: Any, directory: Path) -> None:
        self.directory = directory
        self.aws: Any = aws_server(self._build)
        self.client = self.aws.client("logs")

    async def _build(self, stack: contextlib.AsyncExitStack) -> list[Service]:
        database = stack.enter_context(opened_database(self.directory))
        self.domain = Logs(
            database,
            LogFiles(self.directory / "logs"),
            utc_now,
            account_id="123456789012",
            region="us-east-1",
        )
        await self.domain.start()
        stack.push_async_callback(self.domain.close)
        return [service(self.domain)]


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> Iterator[LogsServer]:
    return LogsServer(aws_server, tmp_path)


@pytest.fixture
def logs(server: LogsServer) -> Any:
    return server.client


@pytest.fixture
def now_ms() -> int:
    return int(utc_now().timestamp() * 1000)
