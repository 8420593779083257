"""What a step's handler is told, and under which token."""

import dataclasses
from typing import Any

import msgspec
import pytest
from tests.stack_world import ACCOUNT, NOW, ROOT, TYPE

from penstock.stacks.handlers.handler import ResourceRequest
from penstock.stacks.operations.operation import Operation, StackDocument, Step, Work
from penstock.stacks.operations.step_requests import request, token
from penstock.stacks.operations.walk import Phase
from penstock.stacks.planning.plan import Plan
from penstock.stacks.state import Attempt, DeployedResource, StackState

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/app/1"
BEFORE = StackState(
    STACK, "app", "us-east-1", ACCOUNT, "UPDATE_IN_PROGRESS", 4, tags={"team": "blue"}
)
PLAN = Plan(STACK, 3, "{}", {}, {"team": "red"}, (), None, ())
OPERATION = Operation("op", STACK, "app", PLAN, BEFORE, StackDocument(), (), ROOT, None)
OWN = {
    "aws:cloudformation:stack-name": "app",
    "aws:cloudformation:stack-id": STACK,
    "aws:cloudformation:logical-id": "A",
}


def resource(value: str, **attributes: str) -> DeployedResource:
    return DeployedResource("A", TYPE, "a-1", "", {"Value": value}, attributes, "kept")


OLD, NEW = resource("old", Value="old"), resource("new", Value="new")


def step(phase: Phase, work: Work, **more: Any) -> Step:
    return Step(phase, "A", "A", work, physical_id="a-1", old=OLD, new=NEW, **more)


def asked(one: Step, operation: Operation = OPERATION) -> ResourceRequest:
    return request(operation, one, ROOT, NOW, resumed=False)


@pytest.mark.parametrize(
    ("phase", "work", "wanted", "previous", "tags", "previous_tags"),
    [
        (Phase.CREATE, Work.CREATE, "new", None, "red", None),
        (Phase.UPDATE, Work.REPLACE, "new", None, "red", None),
        (Phase.UPDATE, Work.UPDATE, "new", "old", "red", "blue"),
        (Phase.REVERT, Work.UPDATE, "old", "new", "blue", "red"),
        (Phase.CLEANUP, Work.DELETE, "old", None, "red", None),
    ],
)
def test_what_is_asked_for(
    phase: Phase,
    work: Work,
    wanted: str,
    previous: str | None,
    tags: str,
    previous_tags: str | None,
) -> None:
    made = asked(step(phase, work))
    assert made.properties == {"Value": wanted}
    assert made.previous_properties == ({"Value": previous} if previous else {})
    assert made.tags == {"team": tags, **OWN}
    assert made.previous_tags == ({"team": previous_tags, **OWN} if previous_tags else {})
    assert made.attributes == ({} if work is Work.CREATE else {"Value": wanted})


def test_a_deletions_tags_are_those_of_the_stack() -> None:
    deletion = dataclasses.replace(OPERATION, plan=None)
    assert asked(step(Phase.DELETE, Work.DELETE), deletion).tags == {"team": "blue", **OWN}


@pytest.mark.parametrize(("phase", "previous"), [(Phase.UPDATE, "old"), (Phase.REVERT, "tried")])
def test_what_failed_before_is_to_be_changed_too(phase: Phase, previous: str) -> None:
    """Whatever may be there differs from what is asked for, or is brought again."""
    attempt = Attempt({"Value": "tried"}, (), {"team": "blue", "gone": "1"})
    old, new = msgspec.structs.replace(OLD, attempts=(attempt,)), NEW
    if phase is Phase.REVERT:
        old, new = OLD, msgspec.structs.replace(OLD, attempts=(attempt,))
    made = asked(msgspec.structs.replace(step(phase, Work.UPDATE), old=old, new=new))
    assert made.previous_properties == {"Value": previous}
    removed = made.previous_tags.keys() - made.tags.keys()
    added = {key for key, value in made.tags.items() if made.previous_tags.get(key) != value}
    assert (removed, added) == ({"gone"}, {"team"})


def test_a_token_names_the_step_and_stays_the_same() -> None:
    """A repeated call finds by its token what the first one made; every other step has its own."""
    first = step(Phase.UPDATE, Work.UPDATE)
    assert token(OPERATION, first) == token(
        OPERATION, msgspec.structs.replace(first, context={"a": 1})
    )
    assert token(OPERATION, first) == asked(first).client_request_token
    others = [
        (OPERATION, msgspec.structs.replace(first, key="A#2")),
        (OPERATION, msgspec.structs.replace(first, phase=Phase.REVERT)),
        (OPERATION, msgspec.structs.replace(first, work=Work.REPLACE)),
        (OPERATION, msgspec.structs.replace(first, attempt=1)),
        (dataclasses.replace(OPERATION, id="another"), first),
        (dataclasses.replace(OPERATION, stack_id="another"), first),
    ]
    tokens = {token(OPERATION, first), *(token(*each) for each in others)}
    assert len(tokens) == 1 + len(others)
