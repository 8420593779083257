"""What events may show of a resource's properties."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.stack_world import World, template, thing

from penstock.stacks.template.template import ParameterValue

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
