"""AWS::CloudFormation::Macro: a name in the registry, of one resource at a time."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.databases import opened_database

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Principal
from penstock.clock import utc_now
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.resource_types.cloudformation_macro import CloudFormationMacro
from penstock.stacks.transforms.macro_registry import Macros

ACCOUNT = "123456789012"
REQUEST = ResourceRequest(
    stack_id="arn:stack/one",
    stack_name="one",
    region="us-east-1",
    account_id=ACCOUNT,
    logical_resource_id="M",
    resource_type="AWS::CloudFormation::Macro",
    properties={"Name": "Mine", "FunctionName": "f"},
    previous_properties={},
    physical_resource_id=None,
    tags={},
    previous_tags={},
    client_request_token="token",
    resumed=False,
    principal=root(ACCOUNT),
    now=datetime(2026, 1, 1, tzinfo=UTC),
)


class Asked:
    """Remembers what was asked, and denies it when it is told to."""

    def __init__(self, *, denies: bool = False) -> None:
        self.denies = denies
        self.asked: list[tuple[str, str]] = []

    async def __call__(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, str] = {}
    ) -> None:
        assert principal == REQUEST.principal
        self.asked.append((action, resource))
        if self.denies:
            raise ServiceError("AccessDeniedException", "no", status=403)


def in_process(asked: Asked | None = None) -> InProcess:
    return InProcess(list, asked or Asked(), ACCOUNT, "us-east-1", utc_now, "http://x")


@pytest.fixture
async def macros(tmp_path: Path) -> AsyncIterator[Macros]:
    with opened_database(tmp_path) as database:
        yield Macros(database, utc_now, account_id=ACCOUNT, region="us-east-1")


async def test_a_macro_from_its_creation_to_its_end(macros: Macros) -> None:
    handler = CloudFormationMacro(in_process(), macros)
    assert handler.support is Support.KEPT
    assert await handler.create(REQUEST, None) == Succeeded("Mine")
    again = msgspec.structs.replace(REQUEST, resumed=True)
    assert await handler.create(again, None) == Succeeded("Mine")
    made = msgspec.structs.replace(
        REQUEST,
        physical_resource_id="Mine",
        properties={"Name": "Mine", "FunctionName": "g"},
        previous_properties=REQUEST.properties,
    )
    assert await handler.update(made, None) == Succeeded("Mine")
    found = await macros.find("Mine")
    assert found is not None
    assert found.function_name == "g"
    assert await handler.read(made) == Succeeded("Mine")
    assert await handler.delete(made, None) == Succeeded("Mine")
    assert await handler.delete(made, None) == Succeeded("Mine")
    assert await handler.read(made) is None


async def test_a_name_that_another_stack_has(macros: Macros) -> None:
    handler = CloudFormationMacro(in_process(), macros)
    await handler.create(REQUEST, None)
    other = msgspec.structs.replace(REQUEST, stack_id="arn:stack/two")
    assert await handler.create(other, None) == Failed(
        HandlerErrorCode.ALREADY_EXISTS, "Mine already exists"
    )
    await handler.delete(msgspec.structs.replace(other, physical_resource_id="Mine"), None)
    assert await macros.find("Mine") is not None


async def test_a_property_that_nothing_here_honours(macros: Macros) -> None:
    properties = {**REQUEST.properties, "LogGroupName": "g"}
    found = await CloudFormationMacro(in_process(), macros).create(
        msgspec.structs.replace(REQUEST, properties=properties), None
    )
    assert isinstance(found, Failed)
    assert "/LogGroupName" in found.message
    assert await macros.find("Mine") is None


@pytest.mark.parametrize(
    "function", ["f", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f", "function:f:$LATEST"]
)
async def test_who_makes_one_may_invoke_its_function(macros: Macros, function: str) -> None:
    """A role that may do nothing gave a free name to a function which then rewrote the templates
    of others, processed as they."""
    asked = Asked(denies=True)
    handler = CloudFormationMacro(in_process(asked), macros)
    request = msgspec.structs.replace(
        REQUEST, properties={"Name": "Mine", "FunctionName": function}
    )
    for step in (handler.create, handler.update):
        with pytest.raises(ServiceError, match="AccessDenied"):
            await step(request, None)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    assert asked.asked == [("lambda:InvokeFunction", arn)] * 2
    assert await macros.find("Mine") is None
