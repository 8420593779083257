"""A server with Lambda, S3, IAM and logs; what runs functions remembers what it was told to run."""

import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.aws_server import AwsServer, Backend
from tests.databases import opened_database
from tests.identities import make_role, statement

from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.services.iam import Iam
from penstock.services.logs import Logs
from penstock.services.s3 import Objects
from penstock.services.s3 import api as s3_api
from penstock.services.sts import Sts
from penstock.storage.blobs import Blobs
from penstock.storage.encryption import Cipher
from penstock.storage.log_files import LogFiles
from penstock.workloads.functions import api as functions_api
from penstock.workloads.functions.function_log import FunctionLog
from penstock.workloads.functions.functions import Functions
from penstock.workloads.functions.invocation import UNHANDLED, Invocation, Outcome
from penstock.workloads.functions.invocations import Invocations

ACCOUNT, REGION = "123456789012", "us-east-1"


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (files or {"index": "def handler(event, context): ..."}).items():
            archive.writestr(f"{name}.py", content)
    return buffer.getvalue()


@dataclass
class StandInRunner:
    """Answers as `answer` says, and remembers the invocations."""

    answer: Callable[[Invocation], Outcome] = lambda invocation: Outcome(invocation.payload)
    invocations: list[Invocation] = field(default_factory=list)

    async def run(self, invocation: Invocation, log: FunctionLog) -> Outcome:
        self.invocations.append(invocation)
        log.say("a line of the function")
        return self.answer(invocation)


def failed(invocation: Invocation) -> Outcome:
    return Outcome(json.dumps({"errorMessage": "boom"}).encode(), UNHANDLED)


class LambdaServer:
    """The server, clients, and what runs its functions."""

    def __init__(self, aws_server: Callable[..., AwsServer], directory: Path) -> None:
        self.directory = directory
        self.runner = StandInRunner()
        self.aws = aws_server(self._build)
        self.client = self.aws.client("lambda")
        self.s3 = self.aws.client("s3")
        self.role = self.aws.run(self._role("worker", "lambda.amazonaws.com"))

    async def _build(self, stack: contextlib.AsyncExitStack) -> Backend:
        database = stack.enter_context(opened_database(self.directory))
        place = {"account_id": ACCOUNT, "region": REGION}
        cipher = Cipher.open(self.directory / "key")
        self.iam = Iam(database, cipher, ACCOUNT, utc_now)
        objects = Objects(database, Blobs(self.directory / "blobs"), utc_now, region=REGION)
        self.functions = Functions(
            database, Blobs(self.directory / "functions"), cipher, Sts(self.iam), utc_now, **place
        )
        logs = Logs(database, LogFiles(self.directory / "logs"), utc_now, **place)
        self.invocations = Invocations(
            database, self.functions, logs, cipher, utc_now,
            lambda attempts: 0.05 if attempts < 3 else None,
        )  # fmt: skip
        await self.invocations.attach(self.runner)
        stack.push_async_callback(self.invocations.close)
        services: list[Service] = [
            functions_api.service(self.functions, self.invocations, objects),
            s3_api.service(objects),
        ]
        return Backend(services)

    async def _role(self, name: str, service: str) -> str:
        return await make_role(self.iam, utc_now, name, {"Service": service}, statement(["logs:*"]))

    def other_role(self) -> str:
        return self.aws.run(self._role("other", "ec2.amazonaws.com"))

    def create(self, name: str = "worker", **changes: Any) -> dict[str, Any]:
        request: dict[str, Any] = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Role": self.role,
            "Handler": "index.handler",
            "Code": {"ZipFile": zipped()},
        }
        made = self.client.create_function(**{**request, **changes})
        return {key: value for key, value in made.items() if key != "ResponseMetadata"}


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> LambdaServer:
    return LambdaServer(aws_server, tmp_path)
