"""Create, update, rollback and delete leave what the template says, read from the outside store.

Templates are random graphs; some resources fail, some take several calls, and the environment is
in trouble at times. The store itself records what no order may do: a thing made from one that is
not there, a thing deleted while another refers to it, a thing deleted twice.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.stack_world import World, template, thing

NAMES = "ABCDEF"

Shape = Mapping[str, Mapping[str, Any]]


@st.composite
def shapes(draw: st.DrawFn, failing: bool = False) -> dict[str, dict[str, Any]]:
    """Logical id → arguments of `thing`; references only to earlier letters."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    made: dict[str, dict[str, Any]] = {}
    for name in sorted(names):
        hows = [None, None, None, "slow-1", "slow-3"]
        if failing:
            hows += ["fail-before", "fail-after"]
        earlier = sorted(made)
        after = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        made[name] = {
            "value": draw(st.sampled_from(["v1", "v2"])),
            "after": after,
            "name": draw(st.sampled_from([None, f"{name}1", f"{name}2"])),
            "how": draw(st.sampled_from(hows)),
        }
    return made


def body(shape: Shape) -> str:
    return template({name: thing(**arguments) for name, arguments in shape.items()})


def check(world: World, shape: Shape) -> None:
    """Hold the store against the template: one thing each, referring to the others that live."""
    things = world.store.things()
    assert [logical for logical, _, _ in things] == sorted(shape)
    ids = {logical: id_ for logical, id_, _ in things}
    for logical, _, properties in things:
        wanted = shape[logical]
        refers = [ids[one] for one in wanted["after"]]
        assert properties["Value"] == "|".join([wanted["value"], *refers])
        assert properties.get("Name") == wanted["name"]
        assert properties.get("Description") == wanted["how"]
    assert world.store.violations() == []
    assert all(count == 1 for count in world.store.effects().values())


def fails(shape: Shape) -> bool:
    return any(str(one["how"]).startswith("fail") for one in shape.values())


SETTINGS = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SETTINGS
@given(shapes(failing=True), st.sampled_from([*NAMES, None]))
async def test_create_leaves_everything_or_nothing(shape: Shape, troubled: str | None) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        await world.start()
        world.handler.trouble = {f"create {troubled}": 2}
        status = await world.create(body(shape))
        if fails(shape):
            assert status == "ROLLBACK_COMPLETE"
            check(world, {})
        else:
            assert status == "CREATE_COMPLETE"
            check(world, shape)
        assert await world.delete() == "DELETE_COMPLETE"
        check(world, {})
        await world.close()


@SETTINGS
@given(shapes(), shapes(failing=True), shapes())
async def test_update_leaves_the_new_or_the_old(first: Shape, second: Shape, third: Shape) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        await world.start()
        assert await world.create(body(first)) == "CREATE_COMPLETE"
        before = world.store.things()
        status = await world.update(body(second))
        if fails(second):
            assert status == "UPDATE_ROLLBACK_COMPLETE"
            assert world.store.things() == before, "the same things, as they were"
            check(world, first)
        else:
            assert status == "UPDATE_COMPLETE"
            check(world, second)
        assert await world.update(body(third), token="third") == "UPDATE_COMPLETE"
        check(world, third)
        assert await world.delete() == "DELETE_COMPLETE"
        check(world, {})
        await world.close()


@SETTINGS
@given(shapes(), st.data())
async def test_a_failure_at_any_node_leaves_the_state_before(shape: Shape, data: Any) -> None:
    """Every resource changes, and exactly one of them fails."""
    broken = data.draw(st.sampled_from(sorted(shape)))
    how = data.draw(st.sampled_from(["fail-before", "fail-after"]))
    changed = {
        name: {**one, "value": "v3", "how": how if name == broken else one["how"]}
        for name, one in shape.items()
    }
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        await world.start()
        assert await world.create(body(shape)) == "CREATE_COMPLETE"
        before = world.store.things()
        assert await world.update(body(changed)) == "UPDATE_ROLLBACK_COMPLETE"
        assert world.store.things() == before
        check(world, shape)
        events = await world.events()
        assert any(e[0] == broken and e[1] == "UPDATE_FAILED" for e in events)
        await world.close()


@SETTINGS
@given(shapes())
async def test_the_same_template_again_calls_nobody(shape: Shape) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        await world.start()
        assert await world.create(body(shape)) == "CREATE_COMPLETE"
        calls = dict(world.handler.calls)
        assert await world.update(body(shape)) == "UPDATE_COMPLETE"
        assert dict(world.handler.calls) == calls
        await world.close()
