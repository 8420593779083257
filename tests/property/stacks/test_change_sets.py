"""What DescribeChangeSet says before is what the execution does, told by the store outside.

Templates are edited at random: values, names (which replace), references, attributes, parameters,
conditions, policies, metadata, the stack's tags. Each change set is described, executed and held
against the things that exist before and after; the plan itself is never asked.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from tests.stack_world import ROOT, TYPE, World

from penstock.stacks.change_sets.change_set import NO_CHANGES, ChangeSet
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.change_sets.description import describe_changes
from penstock.stacks.planning.plan import decode, encode
from penstock.storage.encryption import Cipher

NAMES = "ABCDE"
UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"

Described = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Wish:
    """A template, its parameters and the stack's tags."""

    body: str
    parameters: Mapping[str, str]
    tag: str

    @property
    def members(self) -> dict[str, Any]:
        return {
            "TemplateBody": self.body,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in self.parameters.items()
            ],
            "Tags": [{"Key": "stage", "Value": self.tag}],
        }


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    names = sorted(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True)))
    resources: dict[str, Any] = {}
    referable: list[str] = []
    for name in names:
        resources[name] = draw(resource(name, tuple(referable)))
        if "Condition" not in resources[name]:
            referable.append(name)
    text = {"Type": "String"}
    body = {
        "Parameters": {"Text": text, "Switch": text},
        "Conditions": {"On": {"Fn::Equals": [{"Ref": "Switch"}, "on"]}},
        "Resources": resources,
        "Outputs": {"Text": {"Value": draw(st.sampled_from(["o", {"Ref": "Text"}]))}},
    }
    parameters = {
        "Text": draw(st.sampled_from(["p1", "p2"])),
        "Switch": draw(st.sampled_from(["on", "off"])),
    }
    return Wish(json.dumps(body), parameters, draw(st.sampled_from(["t1", "t1", "t1", "t2"])))


@st.composite
def resource(draw: st.DrawFn, name: str, earlier: tuple[str, ...]) -> dict[str, Any]:
    after = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
    value = draw(st.sampled_from(["v1", "v1", "v2", {"Ref": "Text"}]))
    joined = {"Fn::Join": ["|", [value, *({"Ref": one} for one in after)]]}
    properties: dict[str, Any] = {"Type": "String", "Value": joined if after else value}
    physical_names: list[Any] = [None, None, f"{name}1", f"{name}2"]
    physical_names += [{"Fn::Sub": f"{name}-${{{one}.Value}}"} for one in earlier]
    physical = draw(st.sampled_from(physical_names))
    if physical is not None:
        properties["Name"] = physical
    shown = [None, "d1", {"Fn::Sub": "about ${Text}"}]
    shown += [{"Fn::Sub": f"about ${{{one}.Value}}"} for one in earlier]
    described = draw(st.sampled_from(shown))
    if described is not None:
        properties["Description"] = described
    made: dict[str, Any] = {"Type": TYPE, "Properties": properties}
    if draw(st.integers(0, 4)) == 0:
        made["Condition"] = "On"
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if draw(st.integers(0, 4)) == 0:
            made[policy] = "Retain"
    if draw(st.integers(0, 4)) == 0:
        made["Metadata"] = {"note": draw(st.sampled_from(["m1", "m2"]))}
    return made


@dataclass(frozen=True)
class Seen:
    """What the store and the stack's resources told at one moment."""

    things: Mapping[str, Mapping[str, Any]]
    """Physical id → properties, of all that exist."""
    stack: Mapping[str, str]
    """Logical id → physical id."""
    effects: Mapping[tuple[str, str], int]
    """(action, logical id) → how often it was done so far."""


async def look(world: World) -> Seen:
    effects: dict[tuple[str, str], int] = {}
    for (_, action, logical), count in world.store.effects().items():
        effects[action, logical] = effects.get((action, logical), 0) + count
    row = await world.stacks.row("app")
    rows = [] if row is None else await world.stacks.resources(row.id)
    return Seen(
        {id_: properties for _, id_, properties in world.store.things()},
        {each.logical_id: each.physical_id for each in rows},
        effects,
    )


def by_id(made: ChangeSet, *, values: bool) -> dict[str, Mapping[str, Any]]:
    assert made.document.plan is not None
    changes = [each["ResourceChange"] for each in describe_changes(made.document.plan, values)]
    found = {each["LogicalResourceId"]: each for each in changes}
    assert len(found) == len(changes)
    return found


def held(plain: Described, valued: Described, before: Seen, after: Seen) -> None:
    """Hold what was said against what happened."""

    def done(logical: str) -> dict[str, int]:
        counts = {
            action: after.effects.get((action, logical), 0)
            - before.effects.get((action, logical), 0)
            for action in ("create", "update", "delete")
        }
        return {action: count for action, count in counts.items() if count}

    for logical in before.stack.keys() | after.stack.keys() | plain.keys():
        old, new = before.stack.get(logical), after.stack.get(logical)
        change = valued.get(logical)
        if change is None:
            of_others = plain.get(logical)
            if of_others is None:
                assert old == new, f"{logical} was in no list"
                assert done(logical) == {}, f"{logical} was in no list"
            else:  # only without values: what an attribute changed in place may reach
                assert of_others["Action"] == "Modify"
                assert {one["Evaluation"] for one in of_others["Details"]} == {"Dynamic"}
                assert of_others["Replacement"] == "Conditional" or old == new
            continue
        assert plain[logical]["Action"] == change["Action"]
        event(f"{change['Action']} {change.get('Replacement', '')}")
        match change["Action"]:
            case "Add":
                assert old is None
                assert new in after.things
                assert new not in before.things
                assert done(logical) == {"create": 1}
            case "Remove":
                assert change["PhysicalResourceId"] == old
                assert new is None
                kept = change["PolicyAction"] == "Retain"
                assert done(logical) == ({} if kept else {"delete": 1})
                assert (old in after.things) == kept
            case "Modify":
                assert change["PhysicalResourceId"] == old
                assert change["Replacement"] == plain[logical]["Replacement"]
                modified(change, old, new, done(logical), after)
        contexts(change, old, new, before, after)


def modified(
    change: Mapping[str, Any],
    old: str | None,
    new: str | None,
    done: Mapping[str, int],
    after: Seen,
) -> None:
    assert new in after.things
    recreating = [
        each["Target"].get("AfterValue") or ""
        for each in change["Details"]
        if each["Target"]["RequiresRecreation"] == "Always"
    ]
    if change["Replacement"] == "True":
        if new == old:  # its new name was not known before, and turned out to be the old one
            assert all(UNKNOWN in value for value in recreating)
            return
        kept = change["PolicyAction"] == "ReplaceAndRetain"
        assert new != old
        assert done == ({"create": 1} if kept else {"create": 1, "delete": 1})
        assert (old in after.things) == kept
    elif change["Replacement"] == "False":
        assert new == old
        assert "PolicyAction" not in change
        if certain(change):
            assert done == {"update": 1}
        else:
            assert done in ({}, {"update": 1}), "what it refers to may change it, or turn out alike"
    else:
        assert change["Replacement"] == "Conditional"


def certain(change: Mapping[str, Any]) -> bool:
    """Whether a property or tag changes to what was known before."""
    targets = [
        each["Target"]
        for each in change["Details"]
        if each["Target"]["Attribute"] in ("Properties", "Tags")
    ]
    unknown = {each.get("Path") for each in targets if UNKNOWN in (each.get("AfterValue") or "")}
    return any(each.get("Path") not in unknown for each in targets)


def contexts(
    change: Mapping[str, Any], old: str | None, new: str | None, before: Seen, after: Seen
) -> None:
    """Every value that was shown is the one that the thing had, or has."""
    for context, id_, seen in (("BeforeContext", old, before), ("AfterContext", new, after)):
        if context not in change:
            continue
        assert id_ is not None
        shown = json.loads(change[context])["Properties"]
        assert shown.keys() == seen.things[id_].keys()
        for name, value in shown.items():
            actual = seen.things[id_][name]
            parts = value.split(UNKNOWN)
            assert value == actual or (len(parts) > 1 and actual.startswith(parts[0]))
    for detail in change["Details"]:
        target = detail["Target"]
        if target["Attribute"] == "Properties" and target.get("AttributeChangeType") != "Add":
            assert old is not None
            assert target["BeforeValue"] == before.things[old][target["Name"]]


async def once(change_sets: ChangeSets, wish: Wish, name: str, kind: str) -> ChangeSet:
    request = {"StackName": "app", "ChangeSetName": name, "ChangeSetType": kind, **wish.members}
    made = await change_sets.create(ROOT, request)
    return await change_sets.find(made.row.arn)


SETTINGS = settings(
    max_examples=30,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example is two whole operations
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SETTINGS
@given(wishes(), wishes())
async def test_what_is_described_is_what_is_done(first: Wish, second: Wish) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        await world.start()
        cipher = Cipher.open(world.directory / "key")
        change_sets = ChangeSets(
            world.database, cipher, world.stacks, world.stacks.in_process, world.clock
        )
        for name, wish, kind in (("one", first, "CREATE"), ("two", second, "UPDATE")):
            made = await once(change_sets, wish, name, kind)
            if made.row.status_reason == NO_CHANGES:
                continue
            assert made.row.status == "CREATE_COMPLETE", made.row.status_reason
            assert made.document.plan is not None
            before = await look(world)
            await change_sets.execute(made.row.arn, None, ROOT)
            assert await world.ended("app") == f"{kind}_COMPLETE"
            plain, valued = by_id(made, values=False), by_id(made, values=True)
            held(plain, valued, before, await look(world))
            assert made.row.digest == made.document.plan.digest
            assert await world.stacks.executed_digest("app") == made.row.digest
        again = await once(change_sets, second, "again", "UPDATE")
        assert again.row.status_reason == NO_CHANGES
        assert by_id(again, values=False) == by_id(again, values=True) == {}
        await world.close()


@settings(SETTINGS, max_examples=10)
@given(wishes(), wishes())
async def test_a_digest_changes_exactly_if_its_plan_does(first: Wish, second: Wish) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        await world.start()
        cipher = Cipher.open(world.directory / "key")
        change_sets = ChangeSets(
            world.database, cipher, world.stacks, world.stacks.in_process, world.clock
        )
        made = [
            await once(change_sets, wish, name, "CREATE")
            for name, wish in (("one", first), ("two", second), ("three", first))
        ]
        plans = [each.document.plan for each in made]
        stored = {encode(plan) for plan in plans if plan is not None}
        assert len(stored) == 3
        assert len({plan.digest for plan in plans if plan is not None}) == 3
        assert {decode(text).digest for text in stored} == {each.row.digest for each in made}
        await world.close()
