"""A server with S3 alone."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from tests.databases import opened_database

from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.services import s3
from penstock.services.s3 import api as s3_api
from penstock.storage.blobs import Blobs


class S3Server:
    """The server, its domain object, and a client."""

    def __init__(self, aws_server: Any, directory: Path, **options: Any) -> None:
        self.directory = directory
        self.region = options.get("region", "us-east-1")
        self.aws: Any = aws_server(self._build, **options)
        self.client = self.aws.client("s3")

    async def _build(self, stack: contextlib.AsyncExitStack) -> list[Service]:
        database = stack.enter_context(opened_database(self.directory))
        self.blobs = Blobs(self.directory / "blobs")
        self.objects = s3.Objects(database, self.blobs, self._now, region=self.region)
        await self.objects.start()
        stack.push_async_callback(self.objects.close)
        return [s3_api.service(self.objects)]

    def _now(self) -> Any:
        return self.aws.now or utc_now()

    def blob_count(self) -> int:
        return len(self.aws.run(self.blobs.ids()))


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> S3Server:
    return S3Server(aws_server, tmp_path)


@pytest.fixture
def s3_client(server: S3Server) -> Any:
    return server.client


@pytest.fixture
def bucket(s3_client: Any) -> str:
    s3_client.create_bucket(Bucket="a-bucket")
    return "a-bucket"
