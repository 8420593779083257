"""What the contract tests do not show of stacks: concurrency, trouble, stale plans, restarts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.stack_world import ROOT, World, template, thing

from penstock.aws.errors import ServiceError
from penstock.stacks.operations import phases
from penstock.stacks.operations.past_properties import PastProperties
from penstock.stacks.operations.turn import Turn
from penstock.stacks.planning import planner
from penstock.stacks.planning.desired import Desired
from penstock.stacks.template.load import load_template
from penstock.stacks.template.template import ParameterValue
from penstock.storage.outbox import read_after


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.start()
    yield made
    await made.close()


async def test_independent_resources_are_made_at_once(world: World) -> None:
    gate = asyncio.Event()
    world.handler.held = dict.fromkeys("ABC", gate)
    state = await world.begin_create(template({name: thing() for name in "ABC"}))
    while world.handler.most_at_once < 3:  # noqa: ASYNC110 - a call has no event to wait for
        await asyncio.sleep(0.001)
    gate.set()
    assert await world.ended(state.stack_id) == "CREATE_COMPLETE"


async def test_many_stacks_at_once(world: World) -> None:
    names = [f"s{number}" for number in range(12)]
    body = template({"A": thing(how="slow-3"), "B": thing("v", ["A"])})
    await asyncio.gather(*(world.begin_create(body, name) for name in names))
    assert {await world.ended(name) for name in names} == {"CREATE_COMPLETE"}
    assert len(world.store.things()) == 24


async def test_trouble_of_the_environment_is_waited_out(world: World) -> None:
    world.handler.trouble = {"create A": 3, "update A": 2, "delete A": 2}
    assert await world.create(template({"A": thing("v1")})) == "CREATE_COMPLETE"
    assert await world.update(template({"A": thing("v2")})) == "UPDATE_COMPLETE"
    assert await world.delete() == "DELETE_COMPLETE"
    assert world.handler.calls == {"create A": 4, "update A": 3, "delete A": 3}
    assert world.store.things() == []


async def test_a_handlers_bug_fails_its_resource_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> Any:
        raise KeyError("oops")

    monkeypatch.setattr(world.handler, "update", broken)
    await world.create(template({"A": thing("v1"), "B": thing("v1")}))
    monkeypatch.undo()
    monkeypatch.setattr(world.handler, "create", lambda *_: broken())
    state = await world.begin_create(template({"A": thing("v1")}), "second")
    assert await world.ended(state.stack_id) == "ROLLBACK_COMPLETE"
    reasons = [reason for _, _, reason in await world.events("second")]
    assert any("HandlerErrorCode: InternalFailure" in str(reason) for reason in reasons)
    assert "oops" in caplog.text


async def test_a_stale_plan_is_refused(world: World) -> None:
    await world.create(template({"A": thing("v1")}))
    state = await world.stacks.state("app")
    assert state is not None
    plan = planner.plan(state, Desired(load_template(template({"A": thing("v2")}))))
    assert await world.update(template({"A": thing("v3")})) == "UPDATE_COMPLETE"
    with pytest.raises(ServiceError, match="has changed since the plan was made"):
        await world.stacks.beginnings.execute(plan, create=False, principal=ROOT)
    [(_, _, properties)] = world.store.things()
    assert properties["Value"] == "v3"


async def test_recorded_types_can_be_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.start(refuse_recorded=True)
    body = template({"A": thing(), "T": {"Type": "AWS::SNS::Topic"}})
    with pytest.raises(ServiceError, match=r"\[AWS::SNS::Topic\] are only recorded here"):
        await world.create(body)
    assert await world.stacks.rows(deleted=True) == []
    assert world.store.things() == []
    await world.close()


async def test_a_change_set_creates_from_review(world: World) -> None:
    state = world.stacks.new_state("app")

    def begin(c: sa.Connection) -> None:
        world.stacks.begin_review(c, state, {"Tags": [{"Key": "a", "Value": "b"}]}, None)

    await world.database.write(begin)
    with pytest.raises(ServiceError, match=r"Stack \[app\] already exists"):
        await world.database.write(begin)
    plan = planner.plan(state, Desired(load_template(template({"A": thing()}))))
    await world.stacks.beginnings.execute(plan, create=True, principal=ROOT)
    assert await world.ended("app") == "CREATE_COMPLETE"
    events = [(status, reason) for name, status, reason in await world.events() if name == "app"]
    assert events[:2] == [
        ("REVIEW_IN_PROGRESS", "User Initiated"),
        ("CREATE_IN_PROGRESS", "User Initiated"),
    ]


async def test_followers_hear_of_everything(world: World) -> None:
    await world.create(template({"A": thing()}))
    found = await world.database.read(lambda c: read_after(c, 0))
    kinds = [event.kind for event in found]
    assert kinds.count("stack.EventRecorded") == 5
    assert kinds[-1] == "stack.Completed"
    state = await world.stacks.state("app")
    assert state is not None
    assert found[-1].subject == state.stack_id
    assert found[-1].detail["status"] == "CREATE_COMPLETE"
    assert found[1].detail == {
        "stackName": "app", "logicalResourceId": "A", "resourceType": "AWS::SSM::Parameter",
        "status": "CREATE_IN_PROGRESS", "reason": None,
    }  # fmt: skip


async def test_a_failed_update_that_is_kept_is_mended_by_the_next(world: World) -> None:
    first = {"A": thing("v1", name="one"), "B": thing("v1", ["A"])}
    await world.create(template(first))
    broken = {"A": thing("v1", name="two"), "B": thing("v2", ["A"], how="fail-after")}
    assert await world.update(template(broken), disable_rollback=True) == "UPDATE_FAILED"
    assert len(world.store.things()) == 3, "the replaced one is still there"
    mended = {"A": thing("v1", name="two"), "B": thing("v2", ["A"])}
    ended = await world.update(template(mended), token="again", disable_rollback=True)
    assert ended == "UPDATE_COMPLETE"
    things = world.store.things()
    assert [(logical, properties.get("Name")) for logical, _, properties in things] == [
        ("A", "two"), ("B", None),
    ]  # fmt: skip
    assert world.store.violations() == []
    assert await world.delete() == "DELETE_COMPLETE"
    assert world.store.things() == []


async def test_a_deletion_takes_what_a_kept_failure_left(world: World) -> None:
    await world.create(template({"A": thing("v1", name="one"), "B": thing("v1", ["A"])}))
    broken = {"A": thing("v1", name="two"), "B": thing("v2", ["A"], how="fail-after")}
    assert await world.update(template(broken), disable_rollback=True) == "UPDATE_FAILED"
    assert await world.delete() == "DELETE_COMPLETE"
    assert world.store.things() == []


async def test_a_condition_that_turns_off_removes(world: World) -> None:
    def body(on: str) -> str:
        return template(
            {"A": thing(), "B": {**thing("v", ["A"]), "Condition": "On"}},
            Conditions={"On": {"Fn::Equals": [on, "yes"]}},
        )

    await world.create(body("yes"))
    assert await world.update(body("no")) == "UPDATE_COMPLETE"
    assert [name for name, _, _ in world.store.things()] == ["A"]
    assert await world.update(body("yes"), token="back") == "UPDATE_COMPLETE"
    assert [name for name, _, _ in world.store.things()] == ["A", "B"]


async def test_depends_on_orders_what_refers_to_nothing(world: World) -> None:
    body = template({"A": {**thing(), "DependsOn": "Z"}, "Z": thing(how="slow-2")})
    await world.create(body)
    events = [(name, status) for name, status, _ in await world.events()]
    assert events.index(("Z", "CREATE_COMPLETE")) < events.index(("A", "CREATE_IN_PROGRESS"))


async def test_a_failed_cleanup_leaves_the_stack_complete(world: World) -> None:
    await world.create(template({"A": thing(), "B": thing()}))
    world.handler.undeletable = {"B"}
    assert await world.update(template({"A": thing()})) == "UPDATE_COMPLETE"
    row = await world.stacks.row("app")
    assert row is not None
    assert row.reason == "Update successful. One or more resources could not be deleted."


async def test_stack_tags_reach_resources(world: World) -> None:
    await world.create(template({"A": thing()}), tags={"team": "x"})
    assert await world.update(template({"A": thing()}), tags={"team": "y"}) == "UPDATE_COMPLETE"
    assert world.store.tags("A")["team"] == "y"


async def test_invalid_properties_fail_at_their_turn(world: World) -> None:
    bad = thing()
    bad["Properties"]["Tier"] = "Gold"
    assert await world.create(template({"A": bad, "B": thing()})) == "ROLLBACK_COMPLETE"
    reasons = [reason for name, status, reason in await world.events() if status == "CREATE_FAILED"]
    assert any("Properties validation failed for resource A" in str(one) for one in reasons)
    assert world.store.things() == []


async def told(world: World, name: str = "app") -> list[tuple[str, str, str]]:
    """(logical id, physical id, status) of a stack's events, oldest first."""
    row = await world.stacks.row(name)
    assert row is not None
    found = await world.stacks.events(row.id, None, 10_000)
    return [(one.logical_id, one.physical_id, one.status) for one in reversed(found)]


def reader(**more: Any) -> dict[str, Any]:
    """A resource whose Type is A's value, known only when A has been made or replaced."""
    made = thing("v1", **more)
    made["Properties"]["Type"] = {"Fn::GetAtt": ["A", "Value"]}
    return made


async def test_what_fails_before_its_update_begins_is_never_told_to_be_deleted(
    world: World,
) -> None:
    first = {"A": thing("String", name="one"), "B": reader()}
    assert await world.create(template(first)) == "CREATE_COMPLETE"
    before = world.store.things()
    broken = {"A": thing("Strange", name="two"), "B": reader()}
    assert await world.update(template(broken)) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.store.things() == before
    events = [event for event in await told(world) if event[0] == "B"]
    assert events[-1] == ("B", before[1][1], "UPDATE_FAILED")
    state = await world.stacks.state("app")
    assert state is not None
    assert state.resources["B"].physical_resource_id == before[1][1]
    assert state.resources["B"].status == "CREATE_COMPLETE"


async def test_a_replacement_that_was_never_made_is_told_to_be_deleted(world: World) -> None:
    """Recorded: radkawar/stackd, eventbridge_rule_migration.json."""
    assert await world.create(template({"A": thing("v1", name="one")})) == "CREATE_COMPLETE"
    before = world.store.things()
    broken = {"A": thing("v1", name="two", how="fail-before")}
    assert await world.update(template(broken)) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.store.things() == before
    id_ = before[0][1]
    assert [event for event in await told(world) if event[0] == "A"][3:] == [
        ("A", id_, "UPDATE_IN_PROGRESS"),
        ("A", id_, "UPDATE_FAILED"),
        ("A", id_, "UPDATE_COMPLETE"),
        ("A", "", "DELETE_COMPLETE"),
    ]


async def test_what_a_kept_failure_left_stays_when_the_next_update_fails(world: World) -> None:
    await world.create(template({"A": thing("v1")}))
    added = {"A": thing("v1"), "B": thing("v1", how="fail-after")}
    assert await world.update(template(added), disable_rollback=True) == "UPDATE_FAILED"
    before = world.store.things()
    again = {"A": thing("v1"), "B": thing("v2", how="fail-before")}
    ended = await world.update(template(again), token="2", disable_rollback=True)
    assert ended == "UPDATE_FAILED"
    assert world.store.things() == before
    assert not [event for event in await told(world) if event[2].startswith("DELETE")]


async def test_an_added_resource_that_was_never_made_leaves_without_an_id(world: World) -> None:
    await world.create(template({"A": thing("v1")}))
    added = {"A": thing("v1"), "B": thing("v1", how="fail-before")}
    assert await world.update(template(added)) == "UPDATE_ROLLBACK_COMPLETE"
    assert [event for event in await told(world) if event[0] == "B"] == [
        ("B", "", "CREATE_IN_PROGRESS"),
        ("B", "", "CREATE_FAILED"),
        ("B", "", "DELETE_COMPLETE"),
    ]
    state = await world.stacks.state("app")
    assert state is not None
    assert list(state.resources) == ["A"]


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ({}, {"UpdateReplacePolicy": "Retain"}, ["a1", "a2"]),
        ({"UpdateReplacePolicy": "Retain"}, {}, ["a2"]),
    ],
)
async def test_the_new_templates_policy_decides_what_becomes_of_the_replaced(
    world: World, before: dict[str, str], after: dict[str, str], left: list[str]
) -> None:
    """A change set said ReplaceAndRetain of what the execution then deleted."""
    await world.create(template({"A": thing(name="a1", **before)}))
    assert await world.update(template({"A": thing(name="a2", **after)})) == "UPDATE_COMPLETE"
    assert sorted(properties["Name"] for _, _, properties in world.store.things()) == left


SECRET = {"Password": {"Type": "String", "NoEcho": True}}
GIVEN = {"Password": ParameterValue("swordfish", no_echo=True)}


def breaking(after: int = 0) -> Callable[..., Any]:
    """A function that breaks, quoting a secret, once it was called so often with nothing in it."""
    calls = count()

    def broken(*_: Any) -> None:
        if next(calls) >= after:
            raise RecursionError("about swordfish")

    return broken


@pytest.mark.parametrize("after", [0, 1])
async def test_a_bug_of_what_events_show_has_a_creation_go_back(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, after: int
) -> None:
    """Locks: such a bug held the operation until the next start, which met it again."""
    monkeypatch.setattr(Turn, "shown", breaking(after))
    state = await world.begin_create(
        template({"A": thing("v1")}, Parameters=SECRET), parameters=GIVEN
    )
    assert await world.ended(state.stack_id) == "ROLLBACK_COMPLETE"
    reasons = str(await world.events(state.stack_id))
    assert "Internal Failure" in reasons
    assert "swordfish" not in reasons
    assert world.store.things() == [], "what was made is known, and taken back"
    assert "RecursionError: about ****" in caplog.text
    assert "swordfish" not in caplog.text


async def test_a_bug_of_what_events_show_fails_a_deletion_which_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await world.create(template({"A": thing("v1")})) == "CREATE_COMPLETE"
    monkeypatch.setattr(PastProperties, "of", breaking())
    assert await world.delete() == "DELETE_FAILED"
    monkeypatch.setattr(PastProperties, "of", breaking(1))
    assert await world.delete() == "DELETE_FAILED"
    assert "Internal Failure" in str(await world.events())
    monkeypatch.undo()
    row = await world.stacks.row("app")
    assert row is not None
    await world.begin_delete()
    assert await world.ended(row.id) == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("began", "goes_back", "ends"),
    [
        ("create", True, "ROLLBACK_COMPLETE"),
        ("update", True, "UPDATE_ROLLBACK_COMPLETE"),
        ("create", False, "CREATE_FAILED"),
        ("update", False, "UPDATE_FAILED"),
    ],
)
async def test_a_bug_of_what_follows_a_phase_holds_no_operation(
    world: World, monkeypatch: pytest.MonkeyPatch, began: str, goes_back: bool, ends: str
) -> None:
    """Where it is in the way of going back too, the operation ends, and the stack is free."""
    if began == "update":
        await world.create(template({"A": thing("v1")}))
    if not goes_back:
        monkeypatch.setattr(phases, "begin", breaking())
    monkeypatch.setattr(Turn, "results", breaking())
    if began == "create":
        state = await world.begin_create(template({"A": thing("v2")}))
        assert await world.ended(state.stack_id) == ends
    else:
        assert await world.update(template({"A": thing("v2")})) == ends
    monkeypatch.undo()
    assert "Internal Failure" in str(await world.events())
    assert await world.delete() == "DELETE_COMPLETE"
    assert world.store.things() == []
