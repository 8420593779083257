"""When a request for approval is open, and which answers are refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.approval_world import ApprovalWorld, gated
from tests.pipeline_world import NOW

from penstock.aws.errors import ServiceError
from penstock.pipelines.approvals import Standing, said, standing
from penstock.storage import approvals, pipelines
from penstock.storage.approvals import ApprovalRow

EXECUTION = "00000000-0000-0000-0000-000000000001"
ASKED = ApprovalRow(
    action_execution_id="a", pipeline_id="p", pipeline_name="pipe", execution_id="e",
    stage_name="Gate", action_name="Approve", token="a", review="{}", created_at=NOW,
    expires_at=NOW + timedelta(days=7),
)  # fmt: skip
TELLS = replace(ASKED, notification_arn="arn:topic")
ANSWERED = replace(ASKED, decision="Approved", decided_by="arn:ada", decided_at=NOW)
LATE = timedelta(days=7)


@pytest.mark.parametrize(
    ("request_", "status", "outdated", "after", "found"),
    [
        (ASKED, "InProgress", False, timedelta(), Standing.OPEN),
        (ASKED, "InProgress", False, LATE - timedelta(milliseconds=1), Standing.OPEN),
        (ASKED, "InProgress", False, LATE, Standing.OVER),
        (TELLS, "InProgress", False, timedelta(), Standing.UNTOLD),
        (replace(TELLS, notified_at=NOW), "InProgress", False, timedelta(), Standing.OPEN),
        (TELLS, "InProgress", False, LATE, Standing.OVER),
        (TELLS, "Failed", False, timedelta(), Standing.OVER),
        (ANSWERED, "InProgress", False, timedelta(), Standing.OVER),
        (ANSWERED, "InProgress", True, timedelta(), Standing.OVER),
        (ANSWERED, "Succeeded", True, timedelta(), Standing.OVER),
        (ASKED, "InProgress", True, timedelta(), Standing.OUTDATED),
        (ASKED, "Abandoned", True, timedelta(), Standing.OUTDATED),
        (ASKED, "Abandoned", False, timedelta(), Standing.OVER),
        (ASKED, "Failed", True, timedelta(), Standing.OVER),
    ],
)
def test_a_request_is_open_while_somebody_can_answer_it(
    request_: ApprovalRow, status: str, outdated: bool, after: timedelta, found: Standing
) -> None:
    assert standing(request_, status, outdated=outdated, now=NOW + after) is found


def test_an_answer_without_a_comment_says_who_gave_it() -> None:
    assert said("Approved", "arn:ada", "") == "Approved by arn:ada"
    assert said("Rejected", "arn:ada", "  ") == "Rejected by arn:ada"
    assert said("Rejected", "arn:ada", "no") == "no"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ApprovalWorld]:
    world = ApprovalWorld(tmp_path / "penstock.db")
    await world.start()
    yield world
    await world.stop()


async def test_only_the_first_of_two_answers_counts(world: ApprovalWorld) -> None:
    await world.prepare(gated(), EXECUTION)
    token = await world.asked()
    await world.engine.close()
    await world.answer(token, "Rejected", "no")
    with pytest.raises(ServiceError) as caught:
        await world.answer(token, "Approved", "yes")
    assert caught.value.code == "ApprovalAlreadyCompletedException"
    [request] = world.requests()
    assert (request.decision, request.comment) == ("Rejected", "no")


async def test_of_answers_at_one_moment_one_counts(world: ApprovalWorld) -> None:
    await world.prepare(gated(), EXECUTION)
    token = await world.asked()
    await world.engine.close()
    given = [world.answer(token, status, status) for status in ("Approved", "Rejected") * 4]
    ended = await asyncio.gather(*given, return_exceptions=True)
    refused = [each for each in ended if isinstance(each, ServiceError)]
    assert {each.code for each in refused} == {"ApprovalAlreadyCompletedException"}
    assert len(refused) == len(ended) - 1


async def test_an_answer_is_never_written_over(world: ApprovalWorld) -> None:
    await world.prepare(gated(), EXECUTION)
    token = await world.asked()

    def decide(decision: str) -> Callable[[sa.Connection], bool]:
        return lambda connection: approvals.decide(
            connection, token, decision=decision, decided_by="arn:ada", comment="", now=NOW
        )

    assert await world.database.write(decide("Rejected"))
    assert not await world.database.write(decide("Approved"))
    [request] = world.requests()
    assert request.decision == "Rejected"


async def test_the_token_of_a_deleted_pipeline_opens_nothing_in_its_namesake(
    world: ApprovalWorld,
) -> None:
    await world.prepare(gated(), EXECUTION)
    token = await world.asked()
    await world.engine.close()

    def replace_pipeline(connection: sa.Connection) -> None:
        old = pipelines.get(connection, "pipe")
        assert old is not None
        pipelines.delete(connection, old.id)
        pipelines.insert(connection, replace(old, id="another", arn=f"{old.arn}2"), [])

    await world.database.write(replace_pipeline)
    with pytest.raises(ServiceError) as caught:
        await world.answer(token)
    assert caught.value.code == "InvalidApprovalTokenException"
    [request] = world.requests()
    assert request.decision is None, "what was asked stays to be read"
