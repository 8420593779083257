"""How requests to custom resources are handed over."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.databases import opened_database

from penstock.aws.principals import root
from penstock.aws.tags import CLOUDFORMATION
from penstock.stacks.handlers.handler import InProgress, ResourceRequest
from penstock.stacks.resource_types.custom_resource import CustomResource
from penstock.stacks.responses.addresses import Responses
from penstock.storage.encryption import Cipher

ACCOUNT = "123456789012"
PLACE = f"us-east-1:{ACCOUNT}"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Services:
    """Takes every call and keeps it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    async def call(
        self, principal: Any, service: str, operation: str, given: Any, *, via: str | None = None
    ) -> dict[str, Any]:
        self.calls.append((principal, service, operation, given, via))
        return {}


@pytest.fixture
async def responses(tmp_path: Path) -> AsyncIterator[Responses]:
    with opened_database(tmp_path) as database:
        cipher = Cipher.open(tmp_path / "key")
        yield Responses(database, cipher, lambda: NOW, "us-east-1", "http://host:1")


@pytest.mark.parametrize(
    ("target", "service", "operation", "member"),
    [
        (f"arn:aws:lambda:{PLACE}:function:answer", "lambda", "Invoke", "Payload"),
        (f"arn:aws:sns:{PLACE}:answers", "sns", "Publish", "Message"),
    ],
)
async def test_a_request_goes_as_the_stacks_principal_through_cloudformation(
    responses: Responses, target: str, service: str, operation: str, member: str
) -> None:
    services = Services()
    handler = CustomResource(services, responses)  # type: ignore[arg-type]
    request = ResourceRequest(
        stack_id=f"arn:aws:cloudformation:{PLACE}:stack/app/1",
        stack_name="app",
        region="us-east-1",
        account_id=ACCOUNT,
        logical_resource_id="Thing",
        resource_type="Custom::Thing",
        properties={"ServiceToken": target, "Size": 1},
        previous_properties={},
        physical_resource_id=None,
        tags={},
        previous_tags={},
        client_request_token="token",
        resumed=False,
        principal=root(ACCOUNT),
        now=NOW,
    )
    begun = await handler.create(request, None)
    assert isinstance(begun, InProgress)
    assert services.calls == []
    sent = await handler.create(request, begun.callback_context)
    assert isinstance(sent, InProgress)
    [(principal, *called, given, via)] = services.calls
    assert (principal, called, via) == (request.principal, [service, operation], CLOUDFORMATION)
    document = json.loads(given[member])
    assert document["RequestType"] == "Create"
    assert document["ResourceProperties"] == {"ServiceToken": target, "Size": "1"}
    assert target in (given.get("FunctionName"), given.get("TopicArn"))
