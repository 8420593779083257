"""The engine against a real database and a scripted provider."""

import asyncio
import json
from typing import Any

from tests.pipeline_world import World, build, document, fails, source

from penstock.errors import EngineError
from penstock.pipelines.actions.provider import ActionJob, ActionResult, Succeeded
from penstock.storage import pipeline_executions, pipelines

FIRST = "00000000-0000-0000-0000-000000000001"
SECOND = "00000000-0000-0000-0000-000000000002"
THIRD = "00000000-0000-0000-0000-000000000003"


def actions(world: World) -> dict[str, str]:
    rows = world.query(
        "SELECT execution_id, stage_name, action_name, status FROM action_executions "
        "ORDER BY sequence"
    )
    return {
        f"{execution[-1]}:{stage}/{action}": status for execution, stage, action, status in rows
    }


async def test_an_execution_runs_through_its_stages(world: World) -> None:
    pipeline = await world.create(document())
    await world.run(pipeline, FIRST)
    assert await world.until_ended() == {FIRST: "Succeeded"}
    assert actions(world) == {"1:Source/App": "Succeeded", "1:Build/Build": "Succeeded"}
    [(stored,)] = world.query("SELECT source_revisions FROM pipeline_executions")
    assert json.loads(stored) == [
        {"actionName": "App", "revisionId": "head", "revisionSummary": "a change"}
    ]


async def test_a_push_starts_one_execution_with_the_pushed_commit(world: World) -> None:
    await world.create(document())
    await world.push("c1")
    await world.until(lambda: bool(world.statuses()))
    await world.until_ended()
    assert world.provider.jobs["Source/App"].source_revision == "c1"
    assert world.provider.jobs["Build/Build"].upstream_revisions == {"AppSource": "c1"}
    assert world.query("SELECT trigger_type FROM pipeline_executions") == [("CloudWatchEvent",)]


async def test_a_push_to_another_branch_or_repository_starts_nothing(world: World) -> None:
    await world.create(document())
    await world.push("c1", branch="other")
    await world.push("c2", repository="other")
    await world.push("c3")
    await world.until_ended()
    assert len(world.statuses()) == 1


async def test_a_push_is_not_lost_and_not_doubled_by_a_restart(world: World) -> None:
    await world.create(document())
    await world.engine.close()
    await world.push("c1")
    await world.restart()
    await world.until_ended()
    await world.restart()
    await world.push("c2")
    await world.until(lambda: len(world.statuses()) == 2)
    await world.until_ended()
    assert len(world.statuses()) == 2


async def test_later_run_orders_wait_and_a_failure_lets_siblings_finish(world: World) -> None:
    world.provider.script["Build/Bad"] = fails
    world.provider.held.add("Build/Slow")
    pipeline = await world.create(
        document(
            {"name": "Source", "actions": [source()]},
            {
                "name": "Build",
                "actions": [build("Bad"), build("Slow"), build("Later", runOrder=2)],
            },
        )
    )
    await world.run(pipeline, FIRST)
    await world.until(lambda: actions(world).get("1:Build/Bad") == "Failed")
    await world.until(lambda: "Build/Slow" in world.provider.jobs)
    assert world.statuses() == {FIRST: "InProgress"}
    await world.finish("Build/Slow")
    assert await world.until_ended() == {FIRST: "Failed"}
    assert actions(world)["1:Build/Slow"] == "Succeeded"
    assert "1:Build/Later" not in actions(world)
    assert world.query("SELECT error_code, error_message FROM action_executions "
                       "WHERE status = 'Failed'") == [("JobFailed", "exit status 1")]  # fmt: skip


async def test_a_waiting_execution_is_superseded_by_a_newer_one(world: World) -> None:
    world.provider.held.add("Build/Build")
    pipeline = await world.create(document())
    await world.run(pipeline, FIRST)
    await world.until(lambda: "1:Build/Build" in actions(world))
    await world.run(pipeline, SECOND)
    await world.until(lambda: actions(world).get("2:Source/App") == "Succeeded")
    await world.run(pipeline, THIRD)
    await world.until_ended(SECOND)
    await world.until(lambda: world.provider.store.attempts["Build/Build"] == 1)
    await world.finish("Build/Build")
    statuses = await world.until_ended()
    assert statuses == {FIRST: "Succeeded", SECOND: "Superseded", THIRD: "Succeeded"}
    assert "2:Build/Build" not in actions(world)


async def test_queued_executions_run_in_order_and_none_is_superseded(world: World) -> None:
    world.provider.held.add("Build/Build")
    pipeline = await world.create(document(executionMode="QUEUED"))
    for execution_id in (FIRST, SECOND, THIRD):
        await world.run(pipeline, execution_id)
    await world.until(lambda: "1:Build/Build" in actions(world))
    await world.finish("Build/Build")
    assert set((await world.until_ended()).values()) == {"Succeeded"}
    order = world.query(
        "SELECT execution_id FROM action_executions WHERE stage_name = 'Build' ORDER BY sequence"
    )
    assert [row[0] for row in order] == [FIRST, SECOND, THIRD]


async def test_a_disabled_transition_holds_and_enabling_lets_the_newest_in(world: World) -> None:
    pipeline = await world.create(document())

    async def transition(reason: str | None) -> None:
        await world.database.write(
            lambda c: pipelines.set_transition(
                c, pipeline.id, "Build", "inbound", reason, "someone", world.clock()
            )
        )
        world.engine.wake(pipeline.id)

    await transition("not today")
    await world.run(pipeline, FIRST)
    await world.run(pipeline, SECOND)
    await world.until_ended(FIRST)
    await asyncio.sleep(0.05)
    assert world.statuses() == {FIRST: "Superseded", SECOND: "InProgress"}
    await transition(None)
    assert (await world.until_ended())[SECOND] == "Succeeded"


async def stop(world: World, pipeline_id: str, *, abandon: bool) -> None:
    await world.database.write(
        lambda c: pipeline_executions.request_stop(
            c, FIRST, reason="enough", abandon=abandon, now=world.clock()
        )
    )
    world.engine.wake(pipeline_id)


async def test_stop_and_wait_lets_running_actions_finish(world: World) -> None:
    world.provider.held.add("Build/Build")
    pipeline = await world.create(document())
    await world.run(pipeline, FIRST)
    await world.until(lambda: "1:Build/Build" in actions(world))
    await stop(world, pipeline.id, abandon=False)
    await world.until(lambda: world.query("SELECT 1 FROM stage_runs WHERE status='Stopping'") != [])
    assert world.statuses() == {FIRST: "Stopping"}
    await world.finish("Build/Build")
    assert await world.until_ended() == {FIRST: "Stopped"}
    assert actions(world)["1:Build/Build"] == "Succeeded"


async def test_stop_and_abandon_gives_up_running_actions_at_once(world: World) -> None:
    world.provider.held.add("Build/Build")
    pipeline = await world.create(document())
    await world.run(pipeline, FIRST)
    await world.until(lambda: world.query(
        "SELECT 1 FROM action_executions WHERE continuation_token IS NOT NULL "
        "AND status = 'InProgress'") != [])  # fmt: skip
    await stop(world, pipeline.id, abandon=True)
    assert await world.until_ended() == {FIRST: "Stopped"}
    assert actions(world)["1:Build/Build"] == "Abandoned"
    await world.until(lambda: len(world.store.finished) == 1)
    await world.finish("Build/Build")
    await asyncio.sleep(0.05)
    assert actions(world)["1:Build/Build"] == "Abandoned"


async def test_variables_are_resolved_just_before_the_action_starts(world: World) -> None:
    configuration = {
        "ProjectName": "project",
        "EnvironmentVariables": '[{"name":"C","value":"#{Src.CommitId} '
        '#{codepipeline.PipelineExecutionId} #{variables.WHERE}"}]',
    }
    pipeline = await world.create(
        document(
            {"name": "Source", "actions": [source(namespace="Src")]},
            {"name": "Build", "actions": [build(configuration=configuration)]},
            variables=[{"name": "WHERE", "defaultValue": "here"}],
            pipelineType="V2",
        )
    )
    await world.run(pipeline, FIRST, source_overrides={"App": "c9"})
    await world.until_ended()
    resolved = world.provider.jobs["Build/Build"].configuration["EnvironmentVariables"]
    assert resolved == f'[{{"name":"C","value":"c9 {FIRST} here"}}]'


async def test_a_variable_that_was_not_produced_fails_the_action(world: World) -> None:
    pipeline = await world.create(
        document(
            {"name": "Source", "actions": [source()]},
            {
                "name": "Build",
                "actions": [
                    build(namespace="Built"),
                    build("Use", configuration={"ProjectName": "#{Built.Missing}"}, runOrder=2),
                ],
            },
        )
    )
    await world.run(pipeline, FIRST)
    assert await world.until_ended() == {FIRST: "Failed"}
    [(message,)] = world.query(
        "SELECT error_message FROM action_executions WHERE action_name = 'Use'"
    )
    assert "#{Built.Missing}" in message
    assert "Build/Use" not in world.provider.jobs


async def test_environment_trouble_is_retried_under_the_same_id(world: World) -> None:
    calls: list[str] = []

    def unreachable_twice(job: ActionJob) -> ActionResult:
        calls.append(job.action_execution_id)
        if len(calls) < 3:
            raise EngineError("the engine cannot be reached", retryable=True)
        return Succeeded()

    world.provider.script["Build/Build"] = unreachable_twice
    pipeline = await world.create(document())
    await world.run(pipeline, FIRST)
    assert await world.until_ended() == {FIRST: "Succeeded"}
    assert len(calls) == 3
    assert len(set(calls)) == 1


async def test_environment_trouble_that_lasts_ends_the_action(world: World) -> None:
    def unreachable(job: ActionJob) -> ActionResult:
        raise EngineError("the engine cannot be reached", retryable=True)

    world.provider.script["Build/Build"] = unreachable
    await world.restart(most_failures=3)
    pipeline = await world.create(document())
    await world.run(pipeline, FIRST)
    assert await world.until_ended() == {FIRST: "Failed"}
    [(code,)] = world.query("SELECT error_code FROM action_executions WHERE stage_name = 'Build'")
    assert code == "SystemUnavailable"


async def test_work_that_ends_while_the_server_is_down_is_found_at_start(world: World) -> None:
    world.provider.held.add("Build/Build")
    pipeline = await world.create(document())
    await world.run(pipeline, FIRST)
    await world.until(lambda: world.query(
        "SELECT 1 FROM action_executions WHERE continuation_token = 'token' "
        "AND status = 'InProgress'") != [])  # fmt: skip
    await world.engine.close()
    await world.finish("Build/Build")
    await world.restart()
    assert await world.until_ended() == {FIRST: "Succeeded"}
    assert world.store.attempts["Build/Build"] == 1


async def test_parked_work_costs_rows_not_tasks(world: World) -> None:
    world.provider.held.add("Build/Build")
    rows: list[Any] = []
    for number in range(50):
        rows.append(await world.create(document(name=f"pipe-{number:02}")))
    for number, row in enumerate(rows):
        await world.run(row, f"00000000-0000-0000-0000-0000000001{number:02}")
    await world.until(lambda: len(world.query(
        "SELECT 1 FROM action_executions WHERE continuation_token = 'token' "
        "AND status = 'InProgress'")) == 50)  # fmt: skip
    await asyncio.sleep(0.1)
    mine = [task for task in asyncio.all_tasks() if "Engine" in repr(task)]
    assert len(mine) == 1, "only the follower is left"
