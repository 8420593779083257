"""The server dies while it asks for an approval, and around the answer; the next one asks no
second time, and carries the answer out once.

A crash is a BaseException out of the database or the topic, after which nothing more is written.
"""

from pathlib import Path

import pytest

from tests.approval_world import ADA, ApprovalWorld, gated
from tests.pipeline_world import Crash

EXECUTION = "00000000-0000-0000-0000-000000000001"


async def ready(path: Path) -> ApprovalWorld:
    """A world with an execution on its way to the approval, whose writes are counted from here."""
    world = ApprovalWorld(path)
    await world.start()
    return world


async def live_again(world: ApprovalWorld) -> None:
    world.crash = lambda _point: None
    await world.restart()


async def answered_and_ended(world: ApprovalWorld, tellings: set[int]) -> None:
    """See one request asked for, answer it, and see its answer carried out."""
    token = await world.asked()
    [request] = world.requests()
    assert request.token == request.action_execution_id == token
    assert len(world.told) in tellings
    assert len({one["Message"] for one in world.told}) == 1, "the same token, end and link"
    assert request.notified_at is not None
    await world.answer(token)
    assert await world.until_ended() == {EXECUTION: "Succeeded"}
    assert world.query(
        "SELECT status, summary FROM action_executions WHERE stage_name = 'Gate'"
    ) == [("Succeeded", "fine")]
    assert len(world.told) in tellings


async def writes_until_asked(path: Path) -> int:
    world = await ready(path)
    await world.prepare(gated(), EXECUTION)
    await world.asked()
    await world.stop()
    return world.database.writes


@pytest.mark.parametrize("when", ["before", "after"])
async def test_death_around_every_write_until_it_is_asked(when: str, tmp_path: Path) -> None:
    count = await writes_until_asked(tmp_path / "undisturbed.db")
    died = 0
    for number in range(1, count + 1):
        world = await ready(tmp_path / f"{when}-{number}.db")
        await world.prepare(gated(), EXECUTION)
        if world.database.writes >= number:  # of the world's own making
            await world.stop()
            continue
        world.database.die_at = (when, number)
        await world.until(lambda: world.database.dead.is_set() or bool(world.open_token()))  # noqa: B023
        died += world.database.dead.is_set()
        await live_again(world)
        await answered_and_ended(world, {1, 2})
        await world.stop()
    assert died >= 4, "the start, the row, the role's session, the note and the progress"


@pytest.mark.parametrize(
    ("point", "tellings"),
    [("before publish", 1), ("after publish", 2)],
)
async def test_death_around_the_telling(point: str, tellings: int, tmp_path: Path) -> None:
    world = await ready(tmp_path / "telling.db")

    def die(reached: str) -> None:
        if reached == point:
            world.database.die()

    world.crash = die
    await world.prepare(gated(), EXECUTION)
    await world.until(world.database.dead.is_set)
    [request] = world.requests()
    assert world.open_token() is None, "nobody answers what is not told for certain"
    await live_again(world)
    await answered_and_ended(world, {tellings})
    [after] = world.requests()
    assert (after.token, after.expires_at, after.review) == (
        request.token, request.expires_at, request.review,
    )  # fmt: skip
    assert world.reviewed == [request.token], "the approver is shown what was fixed first"
    await world.stop()


@pytest.mark.parametrize(("decision", "ended"), [("Approved", "Succeeded"), ("Rejected", "Failed")])
async def test_death_between_the_answer_and_the_look_at_it(
    decision: str, ended: str, tmp_path: Path
) -> None:
    world = await ready(tmp_path / "answer.db")
    await world.prepare(gated(), EXECUTION)
    token = await world.asked()
    world.database.die_at = ("after", world.database.writes + 1)
    with pytest.raises(Crash):
        await world.answer(token, decision)
    [request] = world.requests()
    assert (request.decision, request.decided_by) == (decision, ADA)
    await live_again(world)
    assert await world.until_ended() == {EXECUTION: ended}
    assert world.query("SELECT count(*) FROM events WHERE kind = 'pipeline.ApprovalDecided'") == [
        (1,)
    ]
    await world.stop()


async def test_an_answer_that_was_not_stored_leaves_the_request_open(tmp_path: Path) -> None:
    world = await ready(tmp_path / "lost.db")
    await world.prepare(gated(), EXECUTION)
    token = await world.asked()
    world.database.die_at = ("before", world.database.writes + 1)
    with pytest.raises(Crash):
        await world.answer(token)
    await live_again(world)
    await answered_and_ended(world, {1})
    await world.stop()
