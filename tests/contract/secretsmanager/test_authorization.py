"""However a request names a secret, the policies are asked about its ARN."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.aws_server import Backend
from tests.databases import opened_database

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal, PrincipalKind
from penstock.clock import utc_now
from penstock.services.secretsmanager import Secrets
from penstock.services.secretsmanager.api import service
from penstock.storage.encryption import Cipher

_UNKNOWN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:absent-??????"


class World:
    """A server where everything is allowed but reading `denied`, a secret's ARN."""

    def __init__(self, aws_server: Any, directory: Path) -> None:
        self.directory = directory
        self.denied: set[str] = set()
        self.aws: Any = aws_server(self._build)
        self.root = self.aws.client("secretsmanager")
        self.reader = self.aws.client("secretsmanager", self.aws.user("reader"))

    async def _build(self, stack: contextlib.AsyncExitStack) -> Backend:
        database = stack.enter_context(opened_database(self.directory))
        cipher = Cipher.open(self.directory / "key")
        place: Any = {"account_id": "123456789012", "region": "us-east-1"}
        domain = Secrets(database, cipher, utc_now, **place)
        return Backend([service(domain)], authorize=self._authorize)

    async def _authorize(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, str] = {}
    ) -> None:
        if principal.kind is not PrincipalKind.ROOT and resource in self.denied:
            raise ServiceError("AccessDeniedException", f"no {action} on {resource}")


@pytest.fixture
def world(aws_server: Any, tmp_path: Path) -> World:
    return World(aws_server, tmp_path)


def test_a_denied_secret_is_denied_by_any_of_its_names(world: World) -> None:
    """Locks: by name, and by an ARN without its end, a Deny of the very ARN was passed by."""
    arn = world.root.create_secret(Name="app/db", SecretString="hunter2")["ARN"]
    world.denied.add(arn)
    for name in ("app/db", arn, arn[:-7]):
        for call, more in (
            (world.reader.get_secret_value, {}),
            (world.reader.delete_secret, {"ForceDeleteWithoutRecovery": True}),
        ):
            with pytest.raises(ClientError) as refused:
                call(SecretId=name, **more)
            assert refused.value.response["Error"]["Message"].endswith(f"on {arn}")
    assert world.root.get_secret_value(SecretId="app/db")["SecretString"] == "hunter2"


def test_a_secret_that_is_not_there_is_asked_for_by_its_name(world: World) -> None:
    world.denied.add(_UNKNOWN)
    with pytest.raises(ClientError) as refused:
        world.reader.get_secret_value(SecretId="absent")
    assert refused.value.response["Error"]["Message"].endswith(f"on {_UNKNOWN}")


def test_the_arn_of_something_else_is_no_secret(world: World) -> None:
    with pytest.raises(ClientError) as refused:
        world.root.get_secret_value(SecretId="arn:aws:iam::123456789012:role/x")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
