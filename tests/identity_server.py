"""A server whose wire asks the real IAM: credentials and permissions are its own."""

import contextlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from penstock.clock import utc_now
from penstock.services import iam, sts
from penstock.services.iam.api import service as iam_service
from penstock.services.sts.api import service as sts_service
from penstock.storage.encryption import Cipher
from tests.aws_server import Backend
from tests.databases import opened_database


class IdentityServer:
    """IAM and STS, the root's clients, and clients of any other credentials."""

    def __init__(self, aws_server: Any, directory: Path) -> None:
        self.directory = directory
        self.ahead = timedelta()
        self.aws: Any = aws_server(self._build)
        self.iam = self.client("iam")
        self.sts = self.client("sts")

    def _clock(self) -> datetime:
        return utc_now() + self.ahead

    async def _build(self, stack: contextlib.AsyncExitStack) -> Backend:
        database = stack.enter_context(opened_database(self.directory))
        cipher = Cipher.open(self.directory / "key")
        domain = iam.Iam(database, cipher, "123456789012", self._clock)
        root = await domain.ensure_root()
        self.root = {
            "AccessKeyId": root.access_key_id,
            "SecretAccessKey": root.secret_access_key,
        }
        services = [iam_service(domain), sts_service(sts.Sts(domain))]
        return Backend(services, domain.find_credential, domain.authorize)

    def client(self, service: str, credentials: Any = None) -> Any:
        """A boto3 client with CreateAccessKey's or STS's credentials; the root's by default."""
        given = credentials or self.root
        return boto3.session.Session().client(
            service,
            region_name="us-east-1",
            endpoint_url=self.aws.url,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}),
        )

    def user(self, name: str, *statements: Any) -> Any:
        """Make a user with an inline policy; return its access key."""
        self.iam.create_user(UserName=name)
        if statements:
            self.iam.put_user_policy(
                UserName=name, PolicyName="inline", PolicyDocument=document(*statements)
            )
        return self.iam.create_access_key(UserName=name)["AccessKey"]


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def document(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal: Any, **more: Any) -> str:
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})
