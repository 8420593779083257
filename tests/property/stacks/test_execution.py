"""What executing a plan from A to B leaves, and in which order, told by the store outside.

Templates are random graphs of references, attributes and DependsOn, with AWS::NoValue in lists and
a NoEcho parameter, as it is or in Base64; an edit is any other template with another secret. Every
event, change set and line of the log, and every file of the data directory, is searched for them.
An executor that does nothing, and says that it did, fails every one of these properties and those
of the neighbours: `test_an_executor_that_does_nothing`.
"""

import base64
import importlib
import json
import logging
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from tests import stack_world
from tests.stack_world import TYPE, ThingHandler, World, template

from penstock.stacks.change_sets.description import describe_changes
from penstock.stacks.planning.plan import Plan
from penstock.stacks.template.template import ParameterValue
from penstock.storage.encryption import Cipher

NAMES = "ABCDEF"
FIRST, SECOND = "swordfish-1st", "swordfish-2nd"
NOTHING = {"Fn::If": ["Never", "gone", {"Ref": "AWS::NoValue"}]}
HIDDEN: Mapping[str, Any] = {
    "plain": {"Ref": "Secret"},
    "derived": {"Fn::Base64": {"Fn::Sub": "user:${Secret}"}},
}


@dataclass(frozen=True)
class Node:
    """One resource: what it refers to, reads from and merely follows; `name` replaces it.

    `secret` is one of HIDDEN, `left_out` counts the items of lists that are AWS::NoValue.
    """

    value: str = "v1"
    refers: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    name: str | None = None
    how: str | None = None
    secret: str | None = None
    left_out: int = 0

    @property
    def needs(self) -> set[str]:
        return {*self.refers, *self.reads, *self.follows}

    @property
    def declared(self) -> dict[str, Any]:
        nothing = [NOTHING] * self.left_out
        own: list[Any] = [*nothing, self.value]
        if self.secret is not None:
            own += [":", HIDDEN[self.secret]]
        parts: list[Any] = [{"Fn::Join": ["", own]}, *nothing]
        parts += [{"Ref": one} for one in self.refers]
        properties: dict[str, Any] = {"Type": "String", "Value": {"Fn::Join": ["|", parts]}}
        if self.reads:  # what another's Value holds is text here: no id that must be alive
            read = [{"Fn::Sub": f"read ${{{one}.Value}}"} for one in self.reads]
            properties["AllowedPattern"] = {"Fn::Join": [" ", read]}
        if self.name is not None:
            properties["Name"] = self.name
        if self.how is not None:
            properties["Description"] = self.how
        more: dict[str, Any] = {"DependsOn": list(self.follows)} if self.follows else {}
        if self.left_out:
            more["Metadata"] = {"list": [*nothing, *own, "last"]}
        return {"Type": TYPE, "Properties": properties, **more}


Graph = Mapping[str, Node]


def body(graph: Graph) -> str:
    return template(
        {name: node.declared for name, node in graph.items()},
        Outputs={f"O{name}": {"Value": {"Ref": name}} for name in graph},
        Parameters={"Secret": {"Type": "String", "NoEcho": True}},
        Conditions={"Never": {"Fn::Equals": ["a", "b"]}},
    )


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Node]:
    made: dict[str, Node] = {}
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    for name in sorted(names):
        some = st.lists(st.sampled_from(sorted(made)), unique=True, max_size=2).map(tuple)
        others = some if made else st.just(())
        made[name] = Node(
            draw(st.sampled_from(["v1", "v2"])),
            draw(others),
            draw(others),
            draw(others),
            draw(st.sampled_from([None, None, f"{name}1", f"{name}2"])),
            draw(st.sampled_from([None, None, None, "slow-1", "slow-3"])),
            draw(st.sampled_from([None, "plain", "derived"])),
            draw(st.sampled_from([0, 0, 1, 2])),
        )
    return made


@asynccontextmanager
async def new_world() -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        world.handler.quotes = True
        await world.start()
        with logged() as lines:
            yield world
            shown = [*await shown_events(world), *lines]
        await world.close()
        for secret in SECRETS:
            assert not [text for text in shown if secret in text]
            assert not [
                path.name
                for path in Path(directory).iterdir()
                if not path.name.startswith("outside") and secret.encode() in path.read_bytes()
            ]


def given_secret(secret: str) -> dict[str, ParameterValue]:
    return {"Secret": ParameterValue(secret, no_echo=True)}


SECRETS = [
    text
    for secret in (FIRST, SECOND)
    for text in (secret, base64.b64encode(f"user:{secret}".encode()).decode())
]


@contextmanager
def logged() -> Iterator[list[str]]:
    """What is logged meanwhile, with tracebacks."""
    lines: list[str] = []
    handler = logging.Handler()
    formatter = logging.Formatter()
    handler.emit = lambda record: lines.append(formatter.format(record))  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


async def shown_events(world: World) -> list[str]:
    """Every event of every stack, with the properties that it shows."""
    with sqlite3.connect(world.directory / "penstock.db") as connection:
        ids = [stack_id for (stack_id,) in connection.execute("SELECT id FROM stacks")]
    connection.close()
    found = [each for one in ids for each in await world.stacks.events(one, None, 10_000)]
    cipher = Cipher.open(world.directory / "key")
    shown = [cipher.decrypt(one.sealed_properties) for one in found if one.sealed_properties]
    return [str(each) for each in found] + shown


async def create(world: World, graph: Graph, secret: str = FIRST) -> str:
    return await world.create(body(graph), parameters=given_secret(secret))


async def update(world: World, graph: Graph, secret: str = SECOND, token: str = "update") -> str:
    return await world.update(body(graph), parameters=given_secret(secret), token=token)


async def planned(world: World, graph: Graph, secret: str) -> Plan:
    """The plan of an update; what is shown of it has no secret."""
    plan = await world.planned(body(graph), parameters=given_secret(secret))
    for values in (True, False):
        described = json.dumps(describe_changes(plan, values))
        assert not [text for text in SECRETS if text in described]
    return plan


def state(world: World) -> dict[str, Any]:
    """What there is, by logical id, each physical id written as the logical one that it is of."""
    things = world.store.things()
    text = json.dumps({logical: properties for logical, _, properties in things})
    assert len(json.loads(text)) == len(things), "one thing for each"
    for logical, id_, _ in things:
        text = text.replace(id_, f"<{logical}>")
    found: dict[str, Any] = json.loads(text)
    return found


def done(world: World) -> list[tuple[str, str]]:
    """(action, logical id) of every effect so far, in order."""
    rows = world.store.connection.execute("SELECT action, logical FROM effects ORDER BY rowid")
    return [(action, logical) for action, logical in rows]


async def from_a_to_a_there_is_nothing(graph: Graph) -> None:
    async with new_world() as world:
        assert await create(world, graph) == "CREATE_COMPLETE"
        assert sorted(state(world)) == sorted(graph)
        before, calls = world.store.things(), dict(world.handler.calls)
        plan = await planned(world, graph, FIRST)
        assert (plan.changes, plan.outputs_changed, plan.tags_changed) == ((), False, False)
        assert await update(world, graph, FIRST) == "UPDATE_COMPLETE"
        assert dict(world.handler.calls) == calls, "nobody was called"
        assert world.store.things() == before


async def an_update_leaves_what_a_creation_would(first: Graph, second: Graph) -> None:
    async with new_world() as updated, new_world() as created:
        assert await create(updated, first) == "CREATE_COMPLETE"
        await planned(updated, second, SECOND)
        assert await update(updated, second) == "UPDATE_COMPLETE"
        assert await create(created, second, SECOND) == "CREATE_COMPLETE"
        assert sorted(state(created)) == sorted(second)
        assert state(updated) == state(created)
        assert await outputs(updated) == await outputs(created)
        assert updated.store.violations() == created.store.violations() == []
        assert (await planned(updated, second, SECOND)).changes == ()


async def outputs(world: World) -> dict[str, str]:
    """The stack's outputs, ids as logical ones."""
    found = await world.stacks.state("app")
    assert found is not None
    names = {id_: f"<{logical}>" for logical, id_, _ in world.store.things()}
    return {key: names[each] for key, each in found.outputs.items()}


async def every_resource_follows_what_it_needs(first: Graph, second: Graph) -> None:
    async with new_world() as world:
        assert await create(world, first) == "CREATE_COMPLETE"
        created = done(world)
        assert sorted(created) == sorted(("create", name) for name in first)
        in_order(created, await world.events(), first, {})
        begun = len(await world.events())
        assert await update(world, second) == "UPDATE_COMPLETE"
        in_order(done(world)[len(created) :], (await world.events())[begun:], second, first)
        begun, count = len(await world.events()), len(done(world))
        row = await world.stacks.row("app")
        assert row is not None
        assert await world.delete() == "DELETE_COMPLETE"
        deleted = done(world)[count:]
        assert sorted(deleted) == sorted(("delete", name) for name in second)
        in_order(deleted, (await world.events(row.id))[begun:], {}, second)
        assert world.store.violations() == []


def in_order(
    effects: Sequence[tuple[str, str]],
    events: Sequence[tuple[str, str, str | None]],
    new: Graph,
    old: Graph,
) -> None:
    """Hold one operation's effects and events against what resources need, then and before."""
    made = {logical: at for at, (action, logical) in enumerate(effects) if action != "delete"}
    gone = {logical: at for at, (action, logical) in enumerate(effects) if action == "delete"}
    began: dict[str, int] = {}
    ended: dict[str, int] = {}
    for at, (logical, status, _) in enumerate(events):
        if status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
            began.setdefault(logical, at)
        elif status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            ended[logical] = at
    for name, node in new.items():
        for needed in node.needs & made.keys():
            if name in made:
                assert made[needed] < made[name]
                assert ended[needed] < began[name], "it was complete before"
            if needed in gone and name in made:
                assert gone[needed] > made[name], "what was replaced goes when nobody needs it"
    for name, node in old.items():
        for needed in node.needs & gone.keys():
            if name in gone:
                assert gone[name] < gone[needed]
    if new and gone:
        assert min(gone.values()) > max(made.values(), default=-1), "cleaned up at the end"


async def a_failure_anywhere_leaves_a(first: Graph, second: Graph, broken: str, how: str) -> None:
    async with new_world() as world:
        assert await create(world, first) == "CREATE_COMPLETE"
        assert sorted(state(world)) == sorted(first)
        before, told = world.store.things(), await outputs(world)
        failing = {**second, broken: replace(second[broken], how=how)}
        assert await update(world, failing) == "UPDATE_ROLLBACK_COMPLETE"
        assert world.store.things() == before
        assert world.store.violations() == []
        assert await outputs(world) == told
        assert (await planned(world, first, FIRST)).changes == ()
        reasons = [reason or "" for name, _, reason in await world.events() if name == broken]
        assert any(f"told to {how}" in reason for reason in reasons)
        assert await update(world, second, token="again") == "UPDATE_COMPLETE"
        assert sorted(state(world)) == sorted(second)


SETTINGS = settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example is several operations
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SETTINGS
@given(graphs())
async def test_from_a_to_a_there_is_nothing(graph: Graph) -> None:
    await from_a_to_a_there_is_nothing(graph)


@SETTINGS
@given(graphs(), graphs())
async def test_an_update_leaves_what_a_creation_would(first: Graph, second: Graph) -> None:
    await an_update_leaves_what_a_creation_would(first, second)


@SETTINGS
@given(graphs(), graphs())
async def test_every_resource_follows_what_it_needs(first: Graph, second: Graph) -> None:
    await every_resource_follows_what_it_needs(first, second)


@SETTINGS
@given(graphs(), graphs(), st.data())
async def test_a_failure_anywhere_leaves_a(first: Graph, second: Graph, data: Any) -> None:
    broken = data.draw(st.sampled_from(sorted(second)))
    how = data.draw(st.sampled_from(["fail-before", "fail-after"]))
    event(f"{how} {'update' if broken in first else 'create'}")
    await a_failure_anywhere_leaves_a(first, second, broken, how)


class DoesNothing(ThingHandler):
    """Says of everything that it is done; the store outside never hears of it."""

    def _make(self, request: Any, id_: str) -> None: ...

    def _change(self, request: Any, id_: str) -> None: ...

    def _remove(self, request: Any, id_: str) -> None: ...


ONE = {"A": Node(), "B": Node(refers=("A",), secret="derived", left_out=1)}
OTHER = {"A": Node("v2", secret="plain"), "C": Node(follows=("A",))}
CHECKS = {
    "nothing": lambda: from_a_to_a_there_is_nothing(ONE),
    "created": lambda: an_update_leaves_what_a_creation_would(ONE, OTHER),
    "ordered": lambda: every_resource_follows_what_it_needs(ONE, OTHER),
    "rolled back": lambda: a_failure_anywhere_leaves_a(ONE, OTHER, "A", "fail-after"),
}


def _of_neighbours() -> dict[str, Any]:
    """The same of the properties beside these; hypothesis keeps what a test runs itself."""
    there = importlib.import_module("tests.property.stacks.test_provisioner")
    described = importlib.import_module("tests.property.stacks.test_change_sets")
    shape = {"A": {"value": "v1", "after": [], "name": None, "how": None}}
    other = {"A": {**shape["A"], "value": "v2"}}
    thing = {"Type": TYPE, "Properties": {"Type": "String", "Value": "v"}}
    wish = described.Wish(template({"A": thing}, Parameters={}), {}, "t1")
    changed = {**thing, "Properties": {**thing["Properties"], "Value": "w"}}
    edited = described.Wish(template({"A": changed}, Parameters={}), {}, "t1")
    runs = {
        "create": (there.test_create_leaves_everything_or_nothing, (shape, None)),
        "update": (there.test_update_leaves_the_new_or_the_old, (shape, other, shape)),
        "described": (described.test_what_is_described_is_what_is_done, (wish, edited)),
    }
    return {
        name: lambda test=test, given=given: test.hypothesis.inner_test(*given)
        for name, (test, given) in runs.items()
    }


EVERY = {**CHECKS, **_of_neighbours()}


@pytest.mark.parametrize("check", EVERY)
async def test_an_executor_that_does_nothing(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    described = importlib.import_module("tests.property.stacks.test_change_sets")
    monkeypatch.setattr(described, "event", lambda _what: None)  # for hypothesis's own runs alone
    await EVERY[check]()
    monkeypatch.setattr(stack_world, "ThingHandler", DoesNothing)
    with pytest.raises(AssertionError):
        await EVERY[check]()
