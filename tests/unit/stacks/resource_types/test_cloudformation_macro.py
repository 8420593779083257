"""AWS::CloudFormation::Macro: a name in the registry, of one resource at a time."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.databases import opened_database

from penstock.aws.principals import root
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


@pytest.fixture
async def macros(tmp_path: Path) -> AsyncIterator[Macros]:
    with opened_database(tmp_path) as database:
        yield Macros(database, utc_now, account_id=ACCOUNT, region="us-east-1")


async def test_a_macro_from_its_creation_to_its_end(macros: Macros) -> None:
    handler = CloudFormationMacro(macros)
    assert handler.support is Support.KEPT
    assert await handler.create(REQUEST, None) == Succeeded("Mine")
    again = dataclasses.replace(REQUEST, resumed=True)
    assert await handler.create(again, None) == Succeeded("Mine")
    made = dataclasses.replace(
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
    handler = CloudFormationMacro(macros)
    await handler.create(REQUEST, None)
    other = dataclasses.replace(REQUEST, stack_id="arn:stack/two")
    assert await handler.create(other, None) == Failed(
        HandlerErrorCode.ALREADY_EXISTS, "Mine already exists"
    )
    await handler.delete(dataclasses.replace(other, physical_resource_id="Mine"), None)
    assert await macros.find("Mine") is not None


async def test_a_property_that_nothing_here_honours(macros: Macros) -> None:
    properties = {**REQUEST.properties, "LogGroupName": "g"}
    found = await CloudFormationMacro(macros).create(
        dataclasses.replace(REQUEST, properties=properties), None
    )
    assert isinstance(found, Failed)
    assert "/LogGroupName" in found.message
    assert await macros.find("Mine") is None
