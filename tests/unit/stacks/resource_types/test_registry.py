"""Which handler a type has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stack_world import TYPE, Store, ThingHandler

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import ResourceHandler, Support
from penstock.stacks.resource_types.own_types import CUSTOM_RESOURCE
from penstock.stacks.resource_types.recorded import recorded_handler
from penstock.stacks.resource_types.registry import Handlers


class Choosy(ThingHandler):
    properties = frozenset({"Value"})


@pytest.fixture
def things(tmp_path: Path) -> Iterator[dict[str, ResourceHandler]]:
    store = Store(tmp_path / "outside.db")
    names = ("own", TYPE, "AWS::S3::Bucket")
    made: dict[str, ResourceHandler] = {name: ThingHandler(store) for name in names}
    made["choosy"] = Choosy(store)
    yield made
    store.close()


@pytest.fixture
def handlers(things: dict[str, ResourceHandler]) -> Handlers:
    own = {CUSTOM_RESOURCE: things["own"]}
    registered = {TYPE: things[TYPE], "AWS::S3::Bucket": things["choosy"]}
    return Handlers(own, lambda: registered, recorded_handler)


def test_a_type_has_its_handler_or_is_recorded(
    handlers: Handlers, things: dict[str, ResourceHandler]
) -> None:
    assert handlers.handler(TYPE) is things[TYPE]
    assert handlers.handler("Custom::Thing") is handlers.handler(CUSTOM_RESOURCE) is things["own"]
    assert handlers.support(TYPE) is Support.KEPT
    assert handlers.support("AWS::DynamoDB::Table") is Support.RECORDED


def test_a_type_that_aws_does_not_have_is_refused(handlers: Handlers) -> None:
    with pytest.raises(ServiceError) as caught:
        handlers.handler("AWS::Nothing::AtAll")
    assert caught.value.code == "ValidationError"
    assert caught.value.message == (
        "Template format error: Unrecognized resource types: [AWS::Nothing::AtAll]"
    )


def test_only_choosy_types_name_what_they_honour(handlers: Handlers) -> None:
    assert handlers.honoured() == {"AWS::S3::Bucket": {"Value"}}
