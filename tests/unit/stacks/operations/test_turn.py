"""What events may show of a resource's properties, and when those are evaluated again."""

import json
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path
from unittest.mock import Mock

import pytest
from tests.stack_world import ACCOUNT, ROOT, World, template, thing

from penstock.aws.errors import ServiceError
from penstock.stacks.events.stack_events import SealedProperties
from penstock.stacks.operations.operation import Operation, Parent, StackDocument
from penstock.stacks.operations.run import Changes, Run
from penstock.stacks.operations.turn import Turn
from penstock.stacks.operations.walk import Phase
from penstock.stacks.planning.plan import Plan
from penstock.stacks.state import DeployedResource, StackState
from penstock.stacks.template import scope
from penstock.stacks.template.load import load_template
from penstock.stacks.template.template import ParameterValue

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/app/1"

PASSWORD = {"Password": {"Type": "String", "NoEcho": True}}
GIVEN = {"Password": ParameterValue("swordfish", no_echo=True)}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.start()
    yield world
    await world.close()


async def test_events_show_no_secret_that_another_resource_hands_on(world: World) -> None:
    """Locks: an attribute that is a NoEcho value stood in the events of what reads it."""
    keeper = thing()
    keeper["Properties"]["Value"] = {"Ref": "Password"}
    reader = thing(how="reads it")
    reader["Properties"]["Value"] = {"Fn::GetAtt": ["Keeper", "Value"]}
    made = template({"Keeper": keeper, "Reader": reader}, Parameters=PASSWORD)
    assert await world.create(made, parameters=GIVEN) == "CREATE_COMPLETE"
    things = {logical: properties for logical, _, properties in world.store.things()}
    assert things["Reader"]["Value"] == "swordfish", "the thing itself has it"
    state = await world.stacks.state("app")
    assert state is not None
    rows = await world.stacks.events(state.stack_id, None, 100)
    shown = [text for row in rows if (text := world.stacks.event_properties(row))]
    assert "swordfish" not in json.dumps(shown)
    assert any('"Value":"****"' in text and "reads it" in text for text in shown)


async def test_events_show_nothing_derived_from_a_secret_that_is_handed_on(world: World) -> None:
    """Locks: the Base64 of a NoEcho value stood in the events of what reads it as an attribute."""
    keeper = thing()
    keeper["Properties"]["Value"] = {"Fn::Base64": {"Ref": "Password"}}
    reader = thing(how="reads it")
    reader["Properties"]["Value"] = {"Fn::Sub": "<${Keeper.Value}>"}
    further = thing()
    further["Properties"]["Value"] = {"Fn::GetAtt": ["Reader", "Value"]}
    open_ = thing(how="open")
    open_["Properties"]["Value"] = {"Fn::Join": ["", ["open ", {"Ref": "Keeper"}]]}
    resources = {"Keeper": keeper, "Reader": reader, "Further": further, "Open": open_}
    made = template(resources, Parameters=PASSWORD)
    assert await world.create(made, parameters=GIVEN) == "CREATE_COMPLETE"
    things = {logical: properties for logical, _, properties in world.store.things()}
    assert things["Further"]["Value"] == "<c3dvcmRmaXNo>", "the thing itself has it"
    state = await world.stacks.state("app")
    assert state is not None
    rows = await world.stacks.events(state.stack_id, None, 100)
    shown = [text for row in rows if (text := world.stacks.event_properties(row))]
    assert "c3dvcmRmaXNo" not in json.dumps(shown)
    assert any('"Value":"<****>"' in text for text in shown)
    assert any('"Value":"open Keeper-' in text for text in shown)


def turn_of(
    resources: Mapping[str, object],
    deployed: dict[str, DeployedResource],
    exports: dict[str, str] | None = None,
    secret: Collection[str] = (),
) -> Turn:
    body = json.dumps({"Resources": resources})
    before = StackState(STACK, "app", "us-east-1", ACCOUNT, "CREATE_IN_PROGRESS", 1)
    plan = Plan(STACK, 0, body, {}, {}, (), None, ())
    operation = Operation("op", STACK, "app", plan, before, StackDocument(), (), ROOT, None)
    return Turn(operation, plan, load_template(body), exports or {}, deployed, secret)


def answered(value: str, *, no_echo: bool = False) -> DeployedResource:
    return DeployedResource(
        "Keeper", "Custom::Keeper", "k", "", {}, {"Value": value}, "kept", no_echo=no_echo
    )


READER = {
    "Type": "AWS::SNS::Topic",
    "Properties": {"DisplayName": {"Fn::Sub": "<${Keeper.Value}>"}},
}
KEEPER = {"Type": "Custom::Keeper", "Properties": {"ServiceToken": "arn"}}


def test_properties_are_evaluated_again_when_what_they_refer_to_is_another() -> None:
    """Locks: an event shows what a resource was before what it reads from was there, or changed."""
    deployed: dict[str, DeployedResource] = {}
    turn = turn_of({"Keeper": KEEPER, "Reader": READER}, deployed)
    assert turn.shown("Reader") is None, "not known yet"
    deployed["Keeper"] = answered("one")
    first = turn.shown("Reader")
    assert first == {"DisplayName": "<one>"}
    assert turn.shown("Reader") is first, "the same for all events"
    deployed["Keeper"] = answered("two")
    assert turn.shown("Reader") == {"DisplayName": "<two>"}
    assert turn.properties("Reader") == {"DisplayName": "<two>"}


def test_what_was_evaluated_is_masked_once_its_source_turns_out_to_be_secret() -> None:
    """Locks: an event shows a secret since it was evaluated before it was known to be one."""
    there = {"Keeper": answered("one")}
    operation = turn_of({"Keeper": KEEPER}, {}).operation
    run = Run(operation, Phase.UPDATE, {}, there, None, False, SealedProperties(Mock()))
    turn = turn_of({"Keeper": KEEPER, "Reader": READER}, run.resources, secret=run.secret)
    assert turn.shown("Reader") == {"DisplayName": "<one>"}
    for secret in ("swordfish", "herring"):
        run.make(Changes(resources=[(answered(secret, no_echo=True), None)]))
        assert turn.shown("Reader") == {"DisplayName": "<****>"}
        assert turn.properties("Reader") == {"DisplayName": f"<{secret}>"}
    run.make(Changes(resources=[(answered("herring"), None)]))
    assert turn.shown("Reader") == {"DisplayName": "<herring>"}
    run.make(Changes(resources=[(answered("herring", no_echo=True), None)], gone=["Keeper"]))
    assert not run.secret


def test_imports_and_lengths_count_though_nothing_is_evaluated_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Locks: an export in use may be deleted, or values without end are made, since the resources
    were evaluated at their turns."""
    topics = {
        name: {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::ImportValue": "net"}}}
        for name in ("A", "B", "C")
    }
    turn = turn_of(topics, {}, {"net": "x" * 40})
    for name in topics:
        turn.properties(name)
    assert turn.results() == ([], frozenset({"net"}))
    assert turn.imports() == frozenset({"net"})
    monkeypatch.setattr(scope, "LONGEST_TOGETHER", 100)
    with pytest.raises(ServiceError, match="together longer than 100 characters"):
        turn.results()


def test_an_export_counts_where_it_is_read_and_must_be_there() -> None:
    """Locks: a template is not looked through for exports, since none of its resources reads one
    outside of a function's argument."""
    shared = {"Fn::Join": ["-", ["a", {"Fn::ImportValue": {"Fn::Sub": "net"}}]]}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": shared}}
    plain = {"Type": "AWS::SNS::Topic"}
    assert turn_of({"A": plain, "B": topic}, {}, {"net": "n"}).imports() == frozenset({"net"})
    assert turn_of({"A": plain}, {}, {"net": "n"}).imports() == frozenset()
    with pytest.raises(ServiceError, match="No export named net found"):
        turn_of({"A": plain, "B": topic}, {}).imports()


def test_what_a_parent_gives_its_nested_stack_is_looked_at_before_anything_is_made() -> None:
    """Its plan was made without: resources beside the one that cannot be evaluated were made."""
    body = {
        "Parameters": {"Env": {"Type": "String"}},
        "Mappings": {"M": {"dev": {"N": "x"}}},
        "Resources": {
            "Fine": {"Type": "AWS::SNS::Topic"},
            "Bad": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"DisplayName": {"Fn::FindInMap": ["M", {"Ref": "Env"}, "N"]}},
            },
        },
    }
    text = json.dumps(body)
    given = {"Env": ParameterValue("nope")}
    plan = Plan(STACK, 0, text, given, {}, (), None, ())
    before = StackState(STACK, "app", "us-east-1", ACCOUNT, "REVIEW_IN_PROGRESS", 1)
    parent = Parent("arn:parent", "arn:root", "operation")
    operation = Operation(
        "op", STACK, "app", plan, before, StackDocument(), (), ROOT, None, parent=parent
    )
    with pytest.raises(ServiceError, match="M::nope::N"):
        Turn(operation, plan, load_template(text), {}, {}, ()).imports()
