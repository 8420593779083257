"""The approval action by itself: asked once, told once, over in time."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.approval_world import ADA, TOPIC, ApprovalWorld, gated

from penstock.aws.errors import ServiceError
from penstock.pipelines import review
from penstock.pipelines.actions.provider import ActionJob, Failed, InProgress, Succeeded
from penstock.pipelines.record import job_of
from penstock.storage import action_executions, approvals

EXECUTION = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ApprovalWorld]:
    world = ApprovalWorld(tmp_path / "penstock.db")
    await world.start()
    yield world
    await world.stop()


async def waiting(world: ApprovalWorld, **options: Any) -> ActionJob:
    """Let the engine ask; return the action's job, for calls beside the engine's."""
    await world.prepare(gated(**options), EXECUTION)
    token = await world.asked()
    row = world.database.read_now(lambda c: action_executions.get(c, token))
    assert row is not None
    return job_of(row, "123456789012")


async def test_a_repeated_start_asks_and_tells_nothing_again(world: ApprovalWorld) -> None:
    job = await waiting(world, CustomData="Well?", ExternalEntityLink="https://example.com/")
    [before] = world.requests()
    again = await world.approval.start(job)
    assert isinstance(again, InProgress)
    assert (again.continuation_token, again.external_execution_id) == (before.token, before.token)
    assert again.poll_after_seconds == 300
    assert world.requests() == [before]
    assert world.reviewed == [job.action_execution_id]
    assert review.decode(before.review).notes == ["compiled 1 times"]
    [told] = world.told
    assert told["TopicArn"] == TOPIC
    assert told["Subject"] == "APPROVAL NEEDED: AWS CodePipeline pipe for action Approve"
    approval = json.loads(json.loads(told["Message"])["default"])["approval"]
    assert (approval["customData"], approval["externalEntityLink"]) == (
        "Well?", "https://example.com/",
    )  # fmt: skip


async def test_without_a_topic_nobody_is_told(world: ApprovalWorld) -> None:
    declaration = gated()
    del declaration["stages"][1]["actions"][0]["configuration"]
    await world.run(await world.create(declaration), EXECUTION)
    await world.asked()
    assert world.told == []


async def test_the_answer_becomes_the_result(world: ApprovalWorld) -> None:
    job = await waiting(world)
    await world.engine.close()
    await world.answer(job.action_execution_id, comment="")
    assert await world.approval.poll(job, job.action_execution_id) == Succeeded(
        external_execution_id=job.action_execution_id, summary=f"Approved by {ADA}"
    )
    assert await world.approval.start(job) == await world.approval.poll(job, "")


async def test_a_rejection_is_a_failure_with_the_reason(world: ApprovalWorld) -> None:
    job = await waiting(world)
    await world.engine.close()
    await world.answer(job.action_execution_id, "Rejected", "not on a Friday")
    assert await world.approval.poll(job, job.action_execution_id) == Failed(
        "ApprovalRejected", f"Rejected by {ADA}: not on a Friday", job.action_execution_id,
        summary="not on a Friday",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("minutes", "wait", "words"),
    [(None, timedelta(days=7), "7 days"), (90, timedelta(minutes=90), "90 minutes")],
)
async def test_its_time_ends_exactly(
    world: ApprovalWorld, minutes: int | None, wait: timedelta, words: str
) -> None:
    job = await waiting(world, stage_timeout=minutes)
    await world.engine.close()
    [request] = world.requests()
    assert request.expires_at - request.created_at == wait
    world.now = request.expires_at - timedelta(seconds=2)
    nearly = await world.approval.poll(job, request.token)
    assert isinstance(nearly, InProgress)
    assert 1.9 < nearly.poll_after_seconds < 2
    world.now = request.expires_at - timedelta(milliseconds=1)
    over = await world.approval.poll(job, request.token)
    assert over == Failed(
        "JobFailed", f"The approval request expired: nobody responded within {words}.",
        request.token,
    )  # fmt: skip
    with pytest.raises(ServiceError, match="is already complete or has expired"):
        await world.answer(request.token)


async def test_an_answer_in_the_last_moment_counts_although_it_is_stored_after_it(
    world: ApprovalWorld,
) -> None:
    job = await waiting(world)
    await world.engine.close()
    [request] = world.requests()
    in_time = request.expires_at - timedelta(milliseconds=1)
    committing = threading.Event()

    def store_slowly(connection: sa.Connection) -> None:
        approvals.decide(
            connection, job.action_execution_id, decision="Approved", decided_by=ADA,
            comment="just", now=in_time,
        )  # fmt: skip
        assert committing.wait(30)

    answering = asyncio.create_task(world.database.write(store_slowly))
    await asyncio.sleep(0)
    world.now, before = request.expires_at, world.database.writes
    polling = asyncio.create_task(world.approval.poll(job, request.token))
    await world.until(lambda: world.database.writes > before or polling.done())
    committing.set()
    assert await polling == Succeeded(external_execution_id=request.token, summary="just")
    await answering


@pytest.mark.parametrize(
    ("refusal", "code", "words"),
    [
        (ServiceError("AuthorizationErrorException", "no"), "PermissionError", "sns:Publish"),
        (ServiceError("NotFoundException", "no"), "ConfigurationError", f"ARN {TOPIC} was found"),
        (ServiceError("InvalidParameterException", "no"), "ConfigurationError", f"({TOPIC})"),
        (ServiceError("ThrottledException", "later"), "ConfigurationError", f"{TOPIC}: later"),
    ],
)
async def test_a_topic_that_cannot_be_told_fails_the_action_and_leaves_nothing_open(
    world: ApprovalWorld, refusal: ServiceError, code: str, words: str
) -> None:
    world.refusal = refusal
    await world.prepare(gated(), EXECUTION)
    assert await world.until_ended() == {EXECUTION: "Failed"}
    [[found, message]] = world.query(
        "SELECT error_code, error_message FROM action_executions WHERE stage_name = 'Gate'"
    )
    assert found == code
    assert words in message
    [request] = world.requests()
    assert (request.notified_at, request.decision) == (None, None)
    with pytest.raises(ServiceError) as caught:
        await world.answer(request.token)
    assert caught.value.code == "ApprovalAlreadyCompletedException"


async def test_while_the_topic_is_not_told_yet_nobody_can_answer(world: ApprovalWorld) -> None:
    seen: list[str] = []

    def look(point: str) -> None:
        [request] = world.requests()
        seen.append(f"{point}: {request.token == world.open_token()}")

    world.crash = look
    await waiting(world)
    assert seen == ["before publish: False", "after publish: False"]


async def test_a_request_that_expired_before_its_topic_was_told_is_not_told(
    world: ApprovalWorld,
) -> None:
    def die(point: str) -> None:
        if point == "before publish":
            world.database.die()

    world.crash = die
    await world.prepare(gated(), EXECUTION)
    await world.until(world.database.dead.is_set)
    world.now += timedelta(days=8)
    world.crash = lambda _point: None
    await world.restart()
    assert await world.until_ended() == {EXECUTION: "Failed"}
    assert world.told == []


async def test_an_action_that_ended_meanwhile_asks_nobody(world: ApprovalWorld) -> None:
    job = await waiting(world)
    await world.engine.close()
    await world.database.write(
        lambda c: action_executions.finish(c, job.action_execution_id, "Abandoned", world.now)
    )
    other = "00000000-0000-0000-0000-00000000000f"
    gone = ActionJob(**{name: getattr(job, name) for name in ActionJob.__slots__} | {
        "action_execution_id": other})  # fmt: skip
    result = await world.approval.start(gone)
    assert isinstance(result, Failed)
    assert len(world.requests()) == 1
    assert isinstance(await world.approval.poll(gone, other), Failed)
    await world.approval.abandon(job, job.action_execution_id)
    assert len(world.told) == 1
