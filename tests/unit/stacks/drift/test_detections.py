"""Detections of drift: one at a time, begun again after a crash; what cannot be read is unknown."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.stack_world import ROOT, World, template, thing

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import Failed, HandlerErrorCode, Progress, ResourceRequest
from penstock.stacks.template.template import ParameterValue
from penstock.storage import stack_drifts
from penstock.storage.stack_drifts import DetectionRow
from penstock.storage.stacks import StackRow

BODY = template({"A": thing("v1"), "B": thing("v1")})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.start()
    await made.create(BODY)
    yield made
    await made.close()


async def stack(world: World) -> StackRow:
    row = await world.stacks.row("app")
    assert row is not None
    return row


async def finished(world: World, detection_id: str) -> DetectionRow:
    while True:
        found = await world.stacks.drift.detection(detection_id)
        assert found is not None
        if found.status != stack_drifts.IN_PROGRESS:
            return found
        await asyncio.sleep(0.001)


async def test_a_detection_that_a_crash_ended_begins_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: ResourceRequest) -> Mapping[str, Any] | None:
        await asyncio.Event().wait()
        return None

    with monkeypatch.context() as patch:
        patch.setattr(world.handler, "actual_properties", never)
        begun = await world.stacks.drift.begin(await stack(world), ROOT)
        with pytest.raises(ServiceError, match="already in progress"):
            await world.stacks.drift.begin(await stack(world), ROOT)
        await world.stop()
    await world.start()
    ended = await finished(world, begun)
    assert (ended.status, ended.drift_status) == ("DETECTION_COMPLETE", "IN_SYNC")
    assert await world.stacks.drift.begin(await stack(world), ROOT) != begun


async def test_what_cannot_be_read_is_unknown_and_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = world.handler.actual_properties

    async def denied(request: ResourceRequest) -> Mapping[str, Any] | None:
        if request.logical_resource_id == "A":
            raise ServiceError("AccessDeniedException", "may not look")
        return await read(request)

    monkeypatch.setattr(world.handler, "actual_properties", denied)
    ended = await finished(world, await world.stacks.drift.begin(await stack(world), ROOT))
    assert (ended.status, ended.drift_status) == ("DETECTION_FAILED", "UNKNOWN")
    assert ended.reason == "Failed to detect drift on resources [A]"
    found = await world.stacks.drift.resources((await stack(world)).id)
    assert [(each.logical_id, each.status) for each in found] == [
        ("A", "UNKNOWN"), ("B", "IN_SYNC"),
    ]  # fmt: skip
    assert "may not look" in (found[0].reason or "")


async def test_a_stack_that_changes_meanwhile_is_not_told_to_be_in_sync(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    read = world.handler.actual_properties

    async def slow(request: ResourceRequest) -> Mapping[str, Any] | None:
        await gate.wait()
        return await read(request)

    monkeypatch.setattr(world.handler, "actual_properties", slow)
    begun = await world.stacks.drift.begin(await stack(world), ROOT)
    await world.update(template({"A": thing("v2"), "B": thing("v1")}))
    gate.set()
    await finished(world, begun)
    assert await world.stacks.drift.newest([await stack(world)]) == {}


async def test_a_bug_in_one_type_ends_nothing_but_that(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A detection that nothing ended stood in progress for ever, and no other could begin."""
    secret = "swordfish is no JSON"
    read = world.handler.actual_properties

    async def broken(request: ResourceRequest) -> Mapping[str, Any] | None:
        if request.logical_resource_id == "A":
            raise ValueError(secret)
        return await read(request)

    monkeypatch.setattr(world.handler, "actual_properties", broken)
    ended = await finished(world, await world.stacks.drift.begin(await stack(world), ROOT))
    assert (ended.status, ended.drift_status) == ("DETECTION_FAILED", "UNKNOWN")
    found = await world.stacks.drift.resources((await stack(world)).id)
    assert [(each.logical_id, each.status) for each in found] == [
        ("A", "UNKNOWN"), ("B", "IN_SYNC"),
    ]  # fmt: skip
    assert "ValueError" in caplog.text
    assert secret not in caplog.text + (found[0].reason or "")


async def test_a_bug_elsewhere_ends_the_detection(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object, *__: object) -> bool:
        raise KeyError("A")

    with monkeypatch.context() as patch:
        patch.setattr(type(world.stacks.drift), "_comparable", broken)
        ended = await finished(world, await world.stacks.drift.begin(await stack(world), ROOT))
    assert ended.status == "DETECTION_FAILED"
    again = await finished(world, await world.stacks.drift.begin(await stack(world), ROOT))
    assert again.drift_status == "IN_SYNC"


async def test_what_was_found_before_an_update_is_not_kept_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drift of before was stored after the update, and looked as if it were of now."""
    read = world.handler.actual_properties
    last, gate = asyncio.Event(), asyncio.Event()

    async def slow(request: ResourceRequest) -> Mapping[str, Any] | None:
        if request.logical_resource_id == "B":
            last.set()
            await gate.wait()
            return await read(request)
        return {"Value": "meddled"}

    monkeypatch.setattr(world.handler, "actual_properties", slow)
    begun = await world.stacks.drift.begin(await stack(world), ROOT)
    await last.wait()
    await world.update(template({"A": thing("v2"), "B": thing("v1")}))
    gate.set()
    ended = await finished(world, begun)
    assert ended.reason == "The stack was changed while its drift was detected"
    assert await world.stacks.drift.resources((await stack(world)).id) == []


SECRET = "sword/fish"
GIVEN = {"Password": ParameterValue(SECRET, no_echo=True)}
PART = {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Password"}]}]}


def built(value: Any, other: dict[str, Any]) -> str:
    """A template whose resource A has a value."""
    declared = {"Password": {"Type": "String", "NoEcho": True}}
    resource = thing()
    resource["Properties"]["Value"] = value
    return template({"A": resource, "B": other}, Parameters=declared)


async def shown(world: World) -> str:
    """What a detection finds in the stack's resource A, and says of it."""
    await finished(world, await world.stacks.drift.begin(await stack(world), ROOT))
    row = next(
        each
        for each in await world.stacks.drift.resources((await stack(world)).id)
        if each.logical_id == "A"
    )
    return f"{row.status} {row.reason} {world.stacks.drift.drift(row)}"


async def test_what_is_built_from_a_secret_is_masked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.update(built(PART, thing()), parameters=GIVEN)
    assert "IN_SYNC" in await shown(world)
    world.store.meddle("A", {"Type": "String", "Value": "by hand"})
    found = await shown(world)
    assert "MODIFIED" in found
    assert "fish" not in found
    assert "by hand" not in found

    async def quoting(_: ResourceRequest) -> Mapping[str, Any] | None:
        raise ServiceError("ValidationException", f"{SECRET} is no name")

    monkeypatch.setattr(world.handler, "actual_properties", quoting)
    assert "**** is no name" in await shown(world)
    with pytest.raises(ServiceError, match=r"^ValidationException: \*\*\*\* is no name"):
        await world.stacks.drift.of_resource(await stack(world), "A", ROOT)


async def test_what_an_update_that_failed_built_from_a_secret_is_masked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = world.handler.update

    async def only_forth(request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        if request.properties["Value"] == "v1":
            return Failed(HandlerErrorCode.GENERAL_SERVICE_EXCEPTION, "not back")
        return await update(request, context)

    monkeypatch.setattr(world.handler, "update", only_forth)
    failing = thing("v2", after=["A"], how="fail-before")
    assert await world.update(built(PART, failing), parameters=GIVEN) == "UPDATE_ROLLBACK_FAILED"
    found = await shown(world)
    assert "MODIFIED" in found
    assert "fish" not in found
