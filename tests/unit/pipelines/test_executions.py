"""What callers ask of executions: starts, stops, retries, transitions, and their refusals."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from tests.pipeline_world import World, build, document, fails, source

from penstock.aws.errors import ServiceError
from penstock.pipelines import definitions, executions, state
from penstock.pipelines.executions import StartRequest
from penstock.storage import pipelines
from penstock.storage.pipelines import PipelineRow

ACCOUNT = "123456789012"


async def ask(world: World, work: Callable[[sa.Connection, PipelineRow], Any]) -> Any:
    def with_pipeline(connection: sa.Connection) -> Any:
        pipeline = pipelines.get(connection, "pipe")
        assert pipeline is not None
        return work(connection, pipeline)

    return await world.database.write(with_pipeline)


async def refused(world: World, work: Callable[[sa.Connection, PipelineRow], Any]) -> str:
    with pytest.raises(ServiceError) as caught:
        await ask(world, work)
    return caught.value.code


def request(**values: Any) -> StartRequest:
    return StartRequest(
        values.get("variables", {}),
        values.get("source_revisions", ()),
        values.get("request_token"),
        "arn:aws:iam::123456789012:root",
    )


def starting(world: World, **values: Any) -> Callable[[sa.Connection, PipelineRow], str]:
    return lambda c, p: executions.start(c, p, request(**values), world.clock())


async def begin(world: World, **values: Any) -> str:
    started = await ask(world, starting(world, **values))
    assert isinstance(started, str)
    return started


async def retry(world: World, execution_id: str, stage: str, *, all_actions: bool = False) -> None:
    await ask(
        world,
        lambda c, p: executions.retry(
            c, p, execution_id, stage, all_actions=all_actions, now=world.clock()
        ),
    )


async def stop(world: World, execution_id: str, *, abandon: bool) -> None:
    await ask(
        world,
        lambda c, p: executions.stop(
            c, p, execution_id, reason="enough", abandon=abandon, now=world.clock()
        ),
    )


async def test_a_request_token_starts_one_execution(world: World) -> None:
    await world.create(document())
    first = await begin(world, request_token="token-1")
    assert await begin(world, request_token="token-1") == first
    assert await begin(world, request_token="token-2") != first


async def test_variables_are_checked_and_defaults_filled_in(world: World) -> None:
    await world.create(document(variables=[{"name": "A"}, {"name": "B", "defaultValue": "b"}]))
    for given in ({}, {"A": "1", "C": "2"}):
        code = await refused(
            world,
            starting(world, variables=given),
        )
        assert code == "ValidationException"
    await begin(world, variables={"A": "1"})
    [(stored,)] = world.query("SELECT variables FROM pipeline_executions")
    assert json.loads(stored) == {"B": "b", "A": "1"}


async def test_a_source_revision_is_what_the_source_takes(world: World) -> None:
    await world.create(document())
    revision = {"actionName": "App", "revisionType": "COMMIT_ID", "revisionValue": "c7"}
    await begin(world, source_revisions=[revision])
    await world.until_ended()
    assert world.provider.jobs["Source/App"].source_revision == "c7"
    for change in ({"actionName": "Build"}, {"revisionType": "IMAGE_DIGEST"}):
        code = await refused(
            world,
            starting(world, source_revisions=[{**revision, **change}]),
        )
        assert code == "ValidationException"


async def test_queued_mode_takes_fifty(world: World) -> None:
    world.provider.held.add("Source/App")
    await world.create(document(executionMode="QUEUED"))
    for _ in range(50):
        await begin(world)
    code = await refused(world, lambda c, p: executions.start(c, p, request(), world.clock()))
    assert code == "ConcurrentPipelineExecutionsLimitExceededException"


async def test_retry_of_failed_actions_keeps_what_succeeded(world: World) -> None:
    world.provider.script["Build/Bad"] = fails
    await world.create(
        document(
            {"name": "Source", "actions": [source()]},
            {"name": "Build", "actions": [build("Good"), build("Bad"), build("L", runOrder=2)]},
        )
    )
    execution_id = await begin(world)
    assert await world.until_ended() == {execution_id: "Failed"}
    del world.provider.script["Build/Bad"]
    await retry(world, execution_id, "Build")
    assert await world.until_ended() == {execution_id: "Succeeded"}
    assert world.store.attempts == {
        "Source/App": 1, "Build/Good": 1, "Build/Bad": 2, "Build/L": 1,
    }  # fmt: skip
    ids = world.query("SELECT id FROM action_executions WHERE action_name = 'Bad'")
    assert len(set(ids)) == 2, "a retried action has a new id, the old record stays"
    assert world.query("SELECT attempt FROM stage_runs WHERE stage_name = 'Build'") == [(2,)]


async def test_retry_of_all_actions_runs_all_again(world: World) -> None:
    world.provider.script["Build/Bad"] = fails
    await world.create(
        document(
            {"name": "Source", "actions": [source()]},
            {"name": "Build", "actions": [build("Good"), build("Bad")]},
        )
    )
    execution_id = await begin(world)
    await world.until_ended()
    del world.provider.script["Build/Bad"]
    await retry(world, execution_id, "Build", all_actions=True)
    assert await world.until_ended() == {execution_id: "Succeeded"}
    assert world.store.attempts["Build/Good"] == 2


async def test_failed_actions_can_be_retried_while_a_sibling_runs(world: World) -> None:
    world.provider.script["Build/Bad"] = fails
    world.provider.held.add("Build/Slow")
    await world.create(
        document(
            {"name": "Source", "actions": [source()]},
            {"name": "Build", "actions": [build("Slow"), build("Bad")]},
        )
    )
    execution_id = await begin(world)
    await world.until(
        lambda: world.query("SELECT 1 FROM action_executions WHERE status = 'Failed'") != []
    )
    code = await refused(
        world,
        lambda c, p: executions.retry(
            c, p, execution_id, "Build", all_actions=True, now=world.clock()
        ),
    )
    assert code == "StageNotRetryableException"
    del world.provider.script["Build/Bad"]
    await retry(world, execution_id, "Build")
    await world.until(lambda: world.store.attempts["Build/Bad"] == 2)
    await world.finish("Build/Slow")
    assert await world.until_ended() == {execution_id: "Succeeded"}
    assert world.store.attempts["Build/Slow"] == 1


async def test_a_stopped_stage_can_be_retried(world: World) -> None:
    world.provider.held.add("Build/Build")
    await world.create(document())
    execution_id = await begin(world)
    await world.until(lambda: world.store.attempts["Build/Build"] == 1)
    await stop(world, execution_id, abandon=True)
    assert await world.until_ended() == {execution_id: "Stopped"}
    world.provider.held.clear()
    await retry(world, execution_id, "Build")
    assert await world.until_ended() == {execution_id: "Succeeded"}


async def test_what_cannot_be_retried(world: World) -> None:
    world.provider.script["Build/Build"] = fails
    await world.create(document())
    first = await begin(world)
    await world.until_ended()

    async def code(execution_id: str, stage: str) -> str:
        return await refused(
            world,
            lambda c, p: executions.retry(
                c, p, execution_id, stage, all_actions=False, now=world.clock()
            ),
        )

    assert await code(first, "Nowhere") == "StageNotFoundException"
    assert await code(first, "Source") == "StageNotRetryableException"
    assert await code("unknown", "Build") == "NotLatestPipelineExecutionException"
    second = await begin(world)
    await world.until_ended(second)
    assert await code(first, "Build") == "NotLatestPipelineExecutionException"
    await world.database.write(lambda c: definitions.update(c, document(), ACCOUNT, world.clock()))
    assert await code(second, "Build") == "StageNotRetryableException"


async def test_stop_requests_that_are_refused(world: World) -> None:
    world.provider.held.add("Build/Build")
    await world.create(document())
    execution_id = await begin(world)
    await world.until(lambda: world.store.attempts["Build/Build"] == 1)

    async def code(*, abandon: bool) -> str:
        return await refused(
            world,
            lambda c, p: executions.stop(
                c, p, execution_id, reason="", abandon=abandon, now=world.clock()
            ),
        )

    await stop(world, execution_id, abandon=False)
    assert await code(abandon=False) == "DuplicatedStopRequestException"
    await stop(world, execution_id, abandon=True)
    await world.until_ended()
    assert await code(abandon=True) == "PipelineExecutionNotStoppableException"
    assert world.query("SELECT stop_reason FROM pipeline_executions") == [("enough",)]


async def test_an_update_cancels_what_is_unfinished(world: World) -> None:
    world.provider.held.add("Build/Build")
    await world.create(
        document(
            {"name": "Source", "actions": [source()]},
            {"name": "Build", "actions": [build(), build("Later", runOrder=2)]},
        )
    )
    first = await begin(world)
    await world.until(lambda: world.store.attempts["Build/Build"] == 1)
    second = await begin(world)
    await world.until(lambda: world.store.attempts["Source/App"] == 2)
    await world.database.write(lambda c: definitions.update(c, document(), ACCOUNT, world.clock()))
    await world.until_ended(second)
    assert world.statuses() == {first: "InProgress", second: "Cancelled"}
    await world.finish("Build/Build")
    assert (await world.until_ended())[first] == "Cancelled"
    assert "Build/Later" not in world.store.attempts


async def test_a_deleted_pipeline_leaves_nothing_that_runs(world: World) -> None:
    world.provider.held.add("Build/Build")
    pipeline = await world.create(document())
    await begin(world)
    await world.until(lambda: world.store.attempts["Build/Build"] == 1)
    await world.database.write(lambda c: pipelines.delete(c, pipeline.id))
    await world.finish("Build/Build")
    await world.push("c1")
    await world.restart()
    for table in ("pipelines", "pipeline_executions", "stage_runs", "action_executions"):
        assert world.query(f"SELECT 1 FROM {table}") == []


async def test_transitions_are_kept_per_side_and_shown_as_one(world: World) -> None:
    await world.create(document())

    async def change(stage: str, direction: str, reason: str | None) -> None:
        await ask(
            world,
            lambda c, p: executions.set_transition(
                c, p, stage, direction, disabled_reason=reason, changed_by="me", now=world.clock()
            ),
        )

    async def shown() -> list[str | None]:
        found = await ask(world, state.read)
        return [stage.transition.disabled_reason for stage in found.stages]

    await change("Source", "Outbound", "from the source")
    assert await shown() == [None, "from the source"]
    await change("Build", "Inbound", "into the build")
    assert await shown() == [None, "into the build"]
    await change("Build", "Inbound", None)
    assert await shown() == [None, "from the source"]
    execution_id = await begin(world)
    await world.until(lambda: world.query("SELECT 1 FROM stage_runs WHERE status='Inbound' "
                                          "AND stage_name='Build'") != [])  # fmt: skip
    await change("Source", "Outbound", None)
    assert await world.until_ended() == {execution_id: "Succeeded"}
    with pytest.raises(ServiceError, match="StageNotFoundException"):
        await change("Nowhere", "Inbound", None)
