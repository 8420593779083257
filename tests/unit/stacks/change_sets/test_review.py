"""A change set as somebody reviews it: from the stored plan, without secrets."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.stack_world import ROOT, World, template, thing

from penstock.aws.errors import ServiceError
from penstock.pipelines.review_words import resource_words
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.change_sets.review import MASKED_AND_CHANGED, review
from penstock.storage.encryption import Cipher

PARAMETERS = {
    "Value": {"Type": "String"},
    "Password": {"Type": "String", "NoEcho": True},
}
SECRET, OTHER = "hunter2-secret", "swordfish-secret"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.start()
    yield world
    await world.close()


@pytest.fixture
def change_sets(world: World) -> ChangeSets:
    cipher = Cipher.open(world.directory / "key")
    return ChangeSets(world.database, cipher, world.stacks, world.stacks.in_process, world.clock)


def request(value: str, password: str, change_set_type: str = "UPDATE") -> dict[str, Any]:
    made = thing(name="a")
    made["Properties"]["Value"] = {"Fn::Sub": "${Value}:${Password}"}
    return {
        "StackName": "app",
        "ChangeSetName": "cs",
        "ChangeSetType": change_set_type,
        "TemplateBody": template({"A": made}, Parameters=PARAMETERS),
        "Parameters": [
            {"ParameterKey": "Value", "ParameterValue": value},
            {"ParameterKey": "Password", "ParameterValue": password},
        ],
    }


async def test_a_new_stack_has_nothing_before(change_sets: ChangeSets) -> None:
    made = await change_sets.create(ROOT, request("one", SECRET, "CREATE"))
    found = await review(change_sets, "cs", "app")
    assert (found.kind, found.empty, found.row.digest) == ("CREATE", False, made.row.digest)
    assert [(each.name, each.before, each.after) for each in found.parameters] == [
        ("Value", None, "one"),
        ("Password", None, "****"),
    ]
    [change] = found.changes
    assert change["ResourceChange"]["Action"] == "Add"
    assert SECRET not in repr(found.changes) + repr(found.parameters)


async def test_what_only_reads_an_attribute_of_what_changes_is_told_too(
    world: World, change_sets: ChangeSets
) -> None:
    """AWS tells of it without property values alone; an approver is to see it."""

    def asked(value: str, kind: str) -> dict[str, Any]:
        source, reader = thing(name="a"), thing(name="b")
        source["Properties"]["Value"] = value
        reader["Properties"]["Value"] = {"Fn::GetAtt": ["A", "Value"]}
        body = template({"A": source, "B": reader})
        names = {"StackName": "app", "ChangeSetName": "cs", "ChangeSetType": kind}
        return {**names, "TemplateBody": body}

    await change_sets.create(ROOT, asked("one", "CREATE"))
    await change_sets.execute("cs", "app", ROOT)
    assert await world.ended("app") == "CREATE_COMPLETE"
    await change_sets.create(ROOT, asked("two", "UPDATE"))
    found = await review(change_sets, "cs", "app")
    words = {each.logical_id: each for each in resource_words(found.changes)}
    assert words["A"].outcome == "in place"
    assert [(each.before, each.after) for each in words["A"].properties] == [("one", "two")]
    assert words["B"].outcome.startswith("may change")
    assert words["B"].why == ("reads A.Value, which may change",)


async def test_a_changed_secret_is_told_without_its_values(
    world: World, change_sets: ChangeSets
) -> None:
    await change_sets.create(ROOT, request("one", SECRET, "CREATE"))
    await change_sets.execute("cs", "app", ROOT)
    assert await world.ended("app") == "CREATE_COMPLETE"
    await change_sets.create(ROOT, request("two", OTHER))
    found = await review(change_sets, "cs", "app")
    assert found.kind == "UPDATE"
    assert [(each.name, each.before, each.after) for each in found.parameters] == [
        ("Value", "one", "two"),
        ("Password", "****", MASKED_AND_CHANGED),
    ]
    shown = repr(found.changes) + repr(found.parameters)
    assert SECRET not in shown
    assert OTHER not in shown


async def test_a_change_set_without_changes_is_empty(world: World, change_sets: ChangeSets) -> None:
    await change_sets.create(ROOT, request("one", SECRET, "CREATE"))
    await change_sets.execute("cs", "app", ROOT)
    assert await world.ended("app") == "CREATE_COMPLETE"
    await change_sets.create(ROOT, request("one", SECRET))
    found = await review(change_sets, "cs", "app")
    assert found.empty
    assert found.changes == []
    assert [(each.before, each.after) for each in found.parameters] == [
        ("one", "one"),
        ("****", "****"),
    ]


async def test_once_the_stack_moved_on_nothing_is_said_about_before(
    world: World, change_sets: ChangeSets
) -> None:
    await change_sets.create(ROOT, request("one", SECRET, "CREATE"))
    await change_sets.execute("cs", "app", ROOT)
    assert await world.ended("app") == "CREATE_COMPLETE"
    found = await review(change_sets, "cs", "app")
    assert found.row.execution_status == "EXECUTE_COMPLETE"
    assert found.parameters == ()
    assert len(found.changes) == 1


async def test_one_that_is_not_there_is_an_error(change_sets: ChangeSets) -> None:
    await change_sets.create(ROOT, request("one", SECRET, "CREATE"))
    with pytest.raises(ServiceError) as refused:
        await review(change_sets, "other", "app")
    assert refused.value.code == "ChangeSetNotFoundException"
