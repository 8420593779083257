"""A server with CloudFormation: AWS::SSM::Parameter is the tests' own type over a store outside,
AWS::SNS::Topic and every other type is recorded."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from tests.databases import opened_database
from tests.identities import make_role
from tests.stack_world import TYPE, Store, ThingHandler
from tests.waiting import until

from penstock.aws.in_process import InProcess
from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.services.iam import Iam
from penstock.services.s3.api import service as s3_service
from penstock.services.s3.objects import Objects
from penstock.services.secretsmanager import Secrets
from penstock.services.secretsmanager.api import service as secrets_service
from penstock.services.sns import Sns
from penstock.services.sns.api import service as sns_service
from penstock.services.ssm import Parameters
from penstock.services.ssm.api import service as ssm_service
from penstock.services.sts import Sts
from penstock.stacks.api import service
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.handlers.handler import ResourceHandler
from penstock.stacks.nested.resource_type import CloudFormationStack
from penstock.stacks.planning.nesting import NESTED_STACK
from penstock.stacks.stacks import Stacks
from penstock.storage.blobs import Blobs
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import Outbox

ACCOUNT = "123456789012"


class CloudFormationServer:
    """The server, its domain objects, a client, and the store outside."""

    response_url: str | None = None
    """What addresses for answers begin with."""

    def __init__(self, aws_server: Any, directory: Path) -> None:
        self.directory = directory
        self.store = Store(directory / "outside.db")
        self.handler = ThingHandler(self.store)
        self.aws: Any = aws_server(self._build)
        self.client = self.aws.client("cloudformation")
        self.ssm = self.aws.client("ssm")
        self.secrets = self.aws.client("secretsmanager")
        self.sns = self.aws.client("sns")
        self.s3 = self.aws.client("s3")

    async def _build(self, stack: contextlib.AsyncExitStack) -> list[Service]:
        database = stack.enter_context(opened_database(self.directory))
        cipher = Cipher.open(self.directory / "key")
        services: list[Service] = []

        async def allow(*_: Any, **__: Any) -> None: ...

        in_process = InProcess(
            lambda: services, allow, ACCOUNT, "us-east-1", utc_now, "http://127.0.0.1"
        )
        self.iam = Iam(database, cipher, ACCOUNT, utc_now)
        self.stacks = Stacks(
            database, Outbox(database), cipher, in_process, Sts(self.iam), utc_now,
            lambda: self.handlers, ACCOUNT, "us-east-1", first_back_off_seconds=0.001,
            response_url=self.response_url,
        )  # fmt: skip
        self.handlers: dict[str, ResourceHandler] = {
            TYPE: self.handler,
            NESTED_STACK: CloudFormationStack(self.stacks),
        }
        self.change_sets = ChangeSets(database, cipher, self.stacks, in_process, utc_now)
        await self.stacks.start()
        stack.push_async_callback(self.stacks.close)
        parameters = Parameters(database, cipher, utc_now, account_id=ACCOUNT, region="us-east-1")
        secrets = Secrets(database, cipher, utc_now, account_id=ACCOUNT, region="us-east-1")
        objects = Objects(database, Blobs(self.directory / "blobs"), utc_now, region="us-east-1")
        topics = Sns(database, utc_now, ACCOUNT, "us-east-1", cipher=cipher)
        self.database, self.topics = database, topics
        services += [
            service(self.stacks, self.change_sets), ssm_service(parameters), sns_service(topics),
            secrets_service(secrets), s3_service(objects),
        ]  # fmt: skip
        return services

    def put_template(self, key: str, body: str) -> str:
        """Put a template into S3; return its URL."""
        self.s3.create_bucket(Bucket="templates")
        self.s3.put_object(Bucket="templates", Key=key, Body=body.encode())
        return f"https://templates.s3.amazonaws.com/{key}"

    def role(self, name: str, trusted: str) -> str:
        """Make a role that an AWS service may assume; return its ARN."""
        made: str = self.aws.run(make_role(self.iam, utc_now, name, {"Service": trusted}))
        return made

    def create(self, name: str, body: str, **more: Any) -> dict[str, Any]:
        """Create a stack and wait; return its description."""
        stack_id = self.client.create_stack(StackName=name, TemplateBody=body, **more)["StackId"]
        return self.ended(stack_id)

    def update(self, name: str, body: str, **more: Any) -> dict[str, Any]:
        """Update a stack and wait; return its description."""
        stack_id = self.client.update_stack(StackName=name, TemplateBody=body, **more)["StackId"]
        return self.ended(stack_id)

    def ended(self, name_or_id: str) -> dict[str, Any]:
        """Wait until nothing is in progress; return the stack's description."""

        def described() -> dict[str, Any]:
            return dict(self.client.describe_stacks(StackName=name_or_id)["Stacks"][0])

        def ended() -> dict[str, Any] | None:
            found = described()
            return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

        return until(ended, seen=described)

    def events(self, name_or_id: str) -> list[tuple[str, str, str, str | None]]:
        """(logical id, physical id, status, reason), oldest first."""
        found = self.client.describe_stack_events(StackName=name_or_id)["StackEvents"]
        return [
            (
                one["LogicalResourceId"], one["PhysicalResourceId"], one["ResourceStatus"],
                one.get("ResourceStatusReason"),
            )
            for one in reversed(found)
        ]  # fmt: skip


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> CloudFormationServer:
    return CloudFormationServer(aws_server, tmp_path)


@pytest.fixture
def cloudformation(server: CloudFormationServer) -> Any:
    return server.client
