"""What the pipeline tests share: documents, a scripted provider, and a world around an engine.

The scripted provider is a real ActionProvider. Its effects live in an external store that
survives an engine's death, as a build farm would, and counts what was done under which id.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import penstock.storage.tables  # noqa: F401 - registers every table
from penstock.ids import derived_uuid
from penstock.pipelines import triggers
from penstock.pipelines.action_types import CODEBUILD_BUILD, CODECOMMIT_SOURCE
from penstock.pipelines.actions.provider import (
    ActionJob,
    ActionProvider,
    ActionResult,
    Failed,
    InProgress,
    SourceRevision,
    Succeeded,
)
from penstock.pipelines.engine import Engine
from penstock.pipelines.structure import ActionTypeId, normalise
from penstock.storage import pipelines
from penstock.storage.database import Database, Work
from penstock.storage.outbox import Outbox, publish
from penstock.storage.pipelines import PipelineRow, SourceRow
from penstock.storage.schema import metadata
from penstock.storage.sqlite import sqlite_engine

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/pipeline"


def source(name: str = "App", artifact: str = "AppSource", **more: Any) -> dict[str, Any]:
    """A CodeCommit source action of repository `app`, branch `main`."""
    action: dict[str, Any] = {
        "name": name,
        "actionTypeId": {
            "category": "Source", "owner": "AWS", "provider": "CodeCommit", "version": "1",
        },
        "configuration": {"RepositoryName": "app", "BranchName": "main"},
        "outputArtifacts": [{"name": artifact}],
    }  # fmt: skip
    return {**action, **more}


def build(
    name: str = "Build", inputs: tuple[str, ...] = ("AppSource",), **more: Any
) -> dict[str, Any]:
    """A CodeBuild action of project `project`."""
    configuration = {"ProjectName": "project"}
    if len(inputs) > 1:
        configuration["PrimarySource"] = inputs[0]
    action: dict[str, Any] = {
        "name": name,
        "actionTypeId": {
            "category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1",
        },
        "configuration": configuration,
        "inputArtifacts": [{"name": artifact} for artifact in inputs],
    }  # fmt: skip
    return {**action, **more}


def document(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A PipelineDeclaration named `pipe`; by default Source and Build."""
    return {
        "name": "pipe",
        "roleArn": ROLE,
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": list(stages)
        or [
            {"name": "Source", "actions": [source()]},
            {"name": "Build", "actions": [build()]},
        ],
        **more,
    }


class Crash(BaseException):
    """The process dies here: nothing after it happens."""


class MortalDatabase(Database):
    """A database whose process dies before or after its n-th write."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine, reader_threads=2)
        self.writes = 0
        self.die_at: tuple[str, int] | None = None
        self.dead = asyncio.Event()

    async def until_death(self, going: Coroutine[Any, Any, Any]) -> None:
        """Have something go on until its end, or until the process is dead."""
        tasks = {asyncio.ensure_future(going), asyncio.ensure_future(self.dead.wait())}
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def die(self) -> None:
        """From now on nothing is written any more."""
        self.dead.set()
        raise Crash

    async def write(self, work: Work[Any]) -> Any:
        if self.dead.is_set():
            raise Crash
        self.writes += 1
        number = self.writes
        if self.die_at == ("before", number):
            self.die()
        result = await super().write(work)
        if self.die_at == ("after", number):
            self.die()
        if self.dead.is_set():
            raise Crash
        return result


@dataclass
class ExternalStore:
    """The world outside: what was done, by the id it was done under."""

    done: dict[str, str] = field(default_factory=dict)
    """Action execution id → stage/action: an effect exists once or not at all."""
    attempts: Counter[str] = field(default_factory=Counter)
    """stage/action → calls of `start`, also repeated ones."""
    finished: set[str] = field(default_factory=set)
    """Ids whose outside work has ended."""
    polls: Counter[str] = field(default_factory=Counter)


class ScriptedProvider:
    """Does what its script says; by default an action works outside until it is polled.

    `script` maps `stage/action` to a function of the job's attempt (counted from 1, by id)
    that gives the final result, or to `HOLD`: then it waits until `release`.
    """

    def __init__(self, store: ExternalStore) -> None:
        self.store = store
        self.script: dict[str, Callable[[ActionJob], ActionResult]] = {}
        self.held: set[str] = set()
        self.crash: Callable[[str], None] = lambda _point: None
        self.jobs: dict[str, ActionJob] = {}

    def _name(self, job: ActionJob) -> str:
        return f"{job.stage_name}/{job.action_name}"

    async def start(self, job: ActionJob) -> ActionResult:
        name = self._name(job)
        self.jobs[name] = job
        self.store.attempts[name] += 1
        self.crash(f"before {name}")
        if job.action_execution_id not in self.store.done:
            self.store.done[job.action_execution_id] = name
        self.crash(f"after {name}")
        if name in self.held:
            return InProgress("token", f"work:{job.action_execution_id}", poll_after_seconds=3600)
        if name in self.script:
            return self.script[name](job)
        if not job.input_artifacts:
            return self.success(job)
        return InProgress("token", f"work:{job.action_execution_id}", poll_after_seconds=3600)

    async def poll(self, job: ActionJob, continuation_token: str) -> ActionResult:
        assert continuation_token == "token"
        name = self._name(job)
        self.store.polls[name] += 1
        if name in self.held:
            return InProgress("token", f"work:{job.action_execution_id}", poll_after_seconds=3600)
        if name in self.script:
            return self.script[name](job)
        return self.success(job)

    async def abandon(self, job: ActionJob, continuation_token: str) -> None:
        self.store.finished.add(job.action_execution_id)

    def success(self, job: ActionJob) -> Succeeded:
        """A success with the revision and variables that a source or build would give."""
        if job.input_artifacts:
            return Succeeded({"Version": "1"}, f"work:{job.action_execution_id}")
        revision = job.source_revision or "head"
        return Succeeded(
            {"CommitId": revision},
            revision,
            source_revision=SourceRevision(job.action_name, revision, "a change", ""),
        )


class World:
    """A database file, the outside store, and an engine that can die and be born again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = ExternalStore()
        self.provider = ScriptedProvider(self.store)
        self.now = NOW
        engine = sqlite_engine(path)
        metadata.create_all(engine)
        engine.dispose()

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    async def start(self, **options: Any) -> None:
        """Start a server's worth: database, outbox, engine."""
        self.database = MortalDatabase(sqlite_engine(self.path))
        self.outbox = Outbox(self.database)
        self.engine = Engine(
            self.database,
            self.outbox,
            self.providers(),
            self.clock,
            "us-east-1",
            "123456789012",
            first_back_off_seconds=0.001,
            **options,
        )
        await self.engine.start()

    def providers(self) -> dict[ActionTypeId, ActionProvider]:
        """What runs the actions of an engine on `self.database`."""
        return {CODECOMMIT_SOURCE.id: self.provider, CODEBUILD_BUILD.id: self.provider}

    async def stop(self) -> None:
        """End without a goodbye: what is not committed is lost."""
        await self.engine.close()
        self.database.close()

    async def restart(self, **options: Any) -> None:
        await self.stop()
        await self.start(**options)

    async def create(self, declaration: Mapping[str, Any]) -> PipelineRow:
        """Store a pipeline without starting it."""
        row = PipelineRow(
            name=declaration["name"],
            id=derived_uuid(declaration["name"]),
            arn=f"arn:aws:codepipeline:us-east-1:123456789012:{declaration['name']}",
            version=1,
            document=normalise(declaration, 1),
            tags={},
            executions=0,
            created_at=NOW,
            updated_at=NOW,
        )
        sources = [
            SourceRow(
                row.id, action["name"], "CodeCommit", action["configuration"]["RepositoryName"],
                action["configuration"]["BranchName"], polls=False,
            )
            for action in declaration["stages"][0]["actions"]
        ]  # fmt: skip
        await self.database.write(lambda c: pipelines.insert(c, row, sources))
        return row

    async def run(self, pipeline: PipelineRow, execution_id: str, **options: Any) -> None:
        """Start an execution as StartPipelineExecution does."""

        def work(connection: sa.Connection) -> None:
            current = pipelines.get(connection, pipeline.name)
            assert current is not None
            triggers.start(
                connection, current, execution_id,
                triggers.TriggerType.START_PIPELINE_EXECUTION, self.clock(), **options,
            )  # fmt: skip

        await self.database.write(work)

    async def push(self, commit_id: str, repository: str = "app", branch: str = "main") -> None:
        """A push as the repositories publish it."""
        detail = {
            "repository": repository, "reference": f"refs/heads/{branch}",
            "old": None, "new": commit_id,
        }  # fmt: skip
        await self.database.write(
            lambda c: publish(c, "repository.ReferenceUpdated", repository, detail, self.clock())
        )

    async def finish(self, name: str) -> None:
        """The outside work of the held action `stage/action` ends, and says so."""
        await self.until(lambda: name in self.provider.jobs)
        self.provider.held.discard(name)
        job = self.provider.jobs[name]
        subject = f"work:{job.action_execution_id}"
        await self.database.write(
            lambda c: publish(c, "build.Completed", subject, {}, self.clock())
        )

    def query(self, text: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Read rows with SQL, as an operator with a shell would."""
        return self.database.read_now(
            lambda c: [tuple(row) for row in c.execute(sa.text(text), parameters)]
        )

    def statuses(self) -> dict[str, str]:
        """Execution id → status."""
        return {
            str(id_): str(status)
            for id_, status in self.query("SELECT id, status FROM pipeline_executions")
        }

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait until `condition` holds; fail with the rows when it never does."""
        async with asyncio.timeout(seconds) as limit:
            try:
                while not condition():  # noqa: ASYNC110 - rows have no event to wait for
                    await asyncio.sleep(0.002)
            except asyncio.CancelledError:
                if limit.expired():
                    raise AssertionError(
                        f"waited {seconds} s in vain: {self.statuses()}, "
                        f"{self.query('SELECT * FROM stage_runs')}"
                    ) from None
                raise

    async def until_ended(self, *execution_ids: str, seconds: float = 10.0) -> dict[str, str]:
        """Wait until these executions (or all) have ended; return every status."""

        def ended() -> bool:
            statuses = self.statuses()
            wanted = execution_ids or tuple(statuses)
            return bool(wanted) and all(
                statuses.get(one) not in (None, "InProgress", "Stopping") for one in wanted
            )

        await self.until(ended, seconds)
        return self.statuses()


def fails(_job: ActionJob) -> ActionResult:
    """A script for an action whose work fails."""
    return Failed("JobFailed", "exit status 1")
