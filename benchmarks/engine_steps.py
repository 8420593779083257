"""Engine steps beside durable commits through the same storage layer, and long histories.

A step is one durable unit of work of the pipeline engine: a snapshot, the decisions on it, and
their rows. The provider answers at once, so what is measured is the engine. Run:

    python -m benchmarks.engine_steps
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import penstock.storage.tables  # noqa: F401 - registers every table
from penstock.clock import utc_now
from penstock.ids import derived_uuid, new_uuid
from penstock.pipelines import snapshot, state, triggers
from penstock.pipelines.action_types import CODEBUILD_BUILD, CODECOMMIT_SOURCE
from penstock.pipelines.actions.provider import ActionJob, ActionResult, Succeeded
from penstock.pipelines.engine import Engine
from penstock.pipelines.structure import normalise
from penstock.storage import action_executions, pipeline_executions, pipelines
from penstock.storage.database import Database
from penstock.storage.outbox import Outbox, last_position
from penstock.storage.pipelines import PipelineRow
from penstock.storage.schema import metadata
from penstock.storage.tables.pipelines import (
    action_executions as action_table,
)
from penstock.storage.tables.pipelines import (
    pipeline_executions as execution_table,
)
from penstock.storage.tables.pipelines import (
    stage_runs,
)

REGION, ACCOUNT = "us-east-1", "123456789012"
STAGES = 10
AT_ONCE = 64
LONG_HISTORY, SHORT_HISTORY = 100_000, 100


class CountingDatabase(Database):
    """Counts units of work."""

    writes = 0

    async def write(self, work: Callable[[sa.Connection], Any]) -> Any:
        """As Database.write, counted."""
        self.writes += 1
        return await super().write(work)


class Instant:
    """An action provider whose work takes no time."""

    async def start(self, job: ActionJob) -> ActionResult:
        """Succeed."""
        return Succeeded()

    async def poll(self, job: ActionJob, continuation_token: str) -> ActionResult:
        """Succeed."""
        return Succeeded()

    async def abandon(self, job: ActionJob, continuation_token: str) -> None:
        """Nothing runs."""


def declaration(name: str, stages: int) -> dict[str, Any]:
    """Return a pipeline of `stages` stages with one action each."""

    def action(category: str, provider: str, **more: Any) -> dict[str, Any]:
        type_id = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
        return {"name": "Act", "actionTypeId": type_id, **more}

    source = action(
        "Source", "CodeCommit",
        configuration={"RepositoryName": "app", "BranchName": "main"},
        outputArtifacts=[{"name": "App"}],
    )  # fmt: skip
    build = action(
        "Build", "CodeBuild",
        configuration={"ProjectName": "project"}, inputArtifacts=[{"name": "App"}],
    )  # fmt: skip
    return {
        "name": name,
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/pipeline",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [source]},
            *({"name": f"S{number}", "actions": [build]} for number in range(stages - 1)),
        ],
    }


async def create(database: Database, name: str, stages: int = STAGES) -> PipelineRow:
    """Store a pipeline without starting it."""
    now = utc_now()
    row = PipelineRow(
        name, derived_uuid(name), f"arn:{name}", 1, normalise(declaration(name, stages), 1),
        {}, 0, now, now,
    )  # fmt: skip
    await database.write(lambda c: pipelines.insert(c, row, []))
    return row


async def commits(database: Database, count: int, at_once: int) -> float:
    """Return durable commits of one small row a second, `at_once` callers at a time."""
    table = sa.Table("bench_rows", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
    with database.engine.begin() as connection:
        table.create(connection, checkfirst=True)

    async def caller() -> None:
        for _ in range(count // at_once):
            await database.write(lambda c: c.execute(table.insert().values()).rowcount)

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return count // at_once * at_once / (time.perf_counter() - started)


async def steps(
    database: CountingDatabase, rows: list[PipelineRow], rounds: int
) -> tuple[float, float, float]:
    """Run one execution of each pipeline in each round; return the medians of the engine's steps
    a second, of a round's seconds, and of a step's milliseconds of processor time."""
    outbox = Outbox(database)
    instant = Instant()
    engine = Engine(
        database, outbox, {CODECOMMIT_SOURCE.id: instant, CODEBUILD_BUILD.id: instant},
        utc_now, REGION, ACCOUNT,
    )  # fmt: skip
    await engine.start()
    measured = [await one_round(database, outbox, rows) for _ in range(rounds)]
    await engine.close()
    return (
        statistics.median(made / seconds for made, seconds, _ in measured),
        statistics.median(seconds for _, seconds, _ in measured),
        statistics.median(processor / made * 1000 for made, _, processor in measured),
    )


async def one_round(
    database: CountingDatabase, outbox: Outbox, rows: list[PipelineRow]
) -> tuple[int, float, float]:
    """Run one execution of each pipeline; return the engine's steps, the seconds, and the
    seconds of processor time."""

    def begin(connection: sa.Connection) -> int:
        for row in rows:
            current = pipelines.get_by_id(connection, row.id)
            assert current is not None
            trigger = triggers.TriggerType.START_PIPELINE_EXECUTION
            triggers.start(connection, current, new_uuid(), trigger, utc_now())
        return last_position(connection)

    before = database.writes + 1
    started, used = time.perf_counter(), time.process_time()
    position, ended = await database.write(begin), 0
    while ended < len(rows):
        for event in await outbox.next_after(position, kinds={"pipeline.ExecutionStateChanged"}):
            assert event.detail["state"] == "Succeeded", event
            position, ended = event.position, ended + 1
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    return database.writes - before, seconds, processor


def fill(connection: sa.Connection, row: PipelineRow, count: int) -> None:
    """Give the pipeline a history of `count` finished executions of two stages."""
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    times = {"started_at": moment, "updated_at": moment}
    for start in range(1, count + 1, 5000):
        numbers = range(start, min(start + 5000, count + 1))
        ids = {number: derived_uuid(row.id, str(number)) for number in numbers}
        connection.execute(
            execution_table.insert(),
            [
                {
                    "id": ids[number], "pipeline_id": row.id, "number": number,
                    "pipeline_version": 1, "execution_mode": "SUPERSEDED", "status": "Succeeded",
                    "status_summary": "", "trigger_type": "CloudWatchEvent", "trigger_detail": "",
                    "variables": {}, "source_overrides": {}, "source_revisions": [],
                    "artifact_revisions": [], "abandon": False, **times,
                }
                for number in numbers
            ],
        )  # fmt: skip
        connection.execute(
            stage_runs.insert(),
            [
                {
                    "execution_id": ids[number], "stage_name": stage, "pipeline_id": row.id,
                    "number": number, "status": "Succeeded", "attempt": 1, "arrived_at": moment,
                    "entered_at": moment, "updated_at": moment,
                }
                for number in numbers
                for stage in ("Source", "S0")
            ],
        )  # fmt: skip
        connection.execute(
            action_table.insert(),
            [
                {
                    "id": derived_uuid(ids[number], stage), "pipeline_id": row.id,
                    "pipeline_name": row.name, "execution_id": ids[number], "pipeline_version": 1,
                    "stage_name": stage, "action_name": "Act", "attempt": 1, "counts": True,
                    "status": "Succeeded", "input": {"namespace": None}, "output_variables": {},
                    "external_execution_id": "", "external_execution_url": "", "summary": "",
                    **times,
                }
                for number in numbers
                for stage in ("Source", "S0")
            ],
        )  # fmt: skip
    connection.execute(
        sa.text("UPDATE pipelines SET executions = :n WHERE id = :id"), {"n": count, "id": row.id}
    )
    for stage in ("Source", "S0"):
        pipelines.set_entered(connection, row.id, stage, count, derived_uuid(row.id, str(count)))


async def milliseconds(work: Callable[[], Awaitable[object]], repeat: int = 50) -> float:
    """Return the median time of `work`."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        await work()
        times.append(time.perf_counter() - started)
    return sorted(times)[repeat // 2] * 1000


async def history(database: Database, row: PipelineRow, count: int) -> dict[str, float]:
    """Return the milliseconds of each way to look at a pipeline with `count` executions."""

    def reading(work: Callable[[sa.Connection], object]) -> Callable[[], Awaitable[object]]:
        return lambda: database.read(work)

    return {
        "list newest 100 executions": await milliseconds(
            reading(lambda c: pipeline_executions.scan(c, row.id, None, 100))
        ),
        "list oldest 50 executions": await milliseconds(
            reading(lambda c: pipeline_executions.scan(c, row.id, 51, 50))
        ),
        "list 50 succeeded in a stage": await milliseconds(
            reading(lambda c: pipeline_executions.scan(c, row.id, 51, 50, "S0"))
        ),
        "list newest 100 action executions": await milliseconds(
            reading(lambda c: action_executions.scan(c, row.id, None, 100))
        ),
        "pipeline state": await milliseconds(reading(lambda c: state.read(c, row))),
        "snapshot for a decision": await milliseconds(reading(lambda c: snapshot.take(c, row.id))),
    }


async def main() -> None:
    """Measure everything on one new database."""
    with tempfile.TemporaryDirectory() as directory:
        database = CountingDatabase.open(Path(directory) / "penstock.db")
        assert isinstance(database, CountingDatabase)
        metadata.create_all(database.engine)
        one, many = await commits(database, 1000, 1), await commits(database, 6400, AT_ONCE)
        print(f"durable commits, one caller:    {one:8.0f}/s")
        print(f"durable commits, {AT_ONCE} callers:    {many:8.0f}/s")
        single = [await create(database, "single")]
        rate, seconds, processor = await steps(database, single, 9)
        print(
            f"engine, one execution:          {rate:8.0f} steps/s, {STAGES} stages in "
            f"{seconds * 1000:.0f} ms, {rate / one:.2f} of a bare commit, "
            f"{processor:.2f} ms of processor time a step"
        )
        rows = [await create(database, f"pipe-{number}") for number in range(AT_ONCE)]
        rate, seconds, processor = await steps(database, rows, 3)
        print(
            f"engine, {AT_ONCE} executions at once:  {rate:8.0f} steps/s, all in {seconds:.2f} s, "
            f"{rate / many:.2f} of a bare commit, {processor:.2f} ms of processor time a step"
        )
        results = []
        for count in (SHORT_HISTORY, LONG_HISTORY):
            row = await create(database, f"history-{count}", stages=2)
            await database.write(partial(fill, row=row, count=count))
            current = await database.read(partial(pipelines.get_by_id, pipeline_id=row.id))
            assert current is not None
            results.append(await history(database, current, count))
        short, long = results
        print(f"{'with a history of':40}{SHORT_HISTORY:>10}{LONG_HISTORY:>10}   ratio")
        for name, value in short.items():
            print(f"{name:40}{value:8.2f}ms{long[name]:8.2f}ms {long[name] / value:7.2f}")
        database.close()


if __name__ == "__main__":
    asyncio.run(main())
