"""The domain of pipelines: what the API, the command line and the console call."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.pipelines import (
    approvals,
    definitions,
    executions,
    secret_configuration,
    state,
    structure_rules,
)
from penstock.pipelines.actions.table import Places, heads, providers
from penstock.pipelines.approvals import Answer
from penstock.pipelines.definitions import load
from penstock.pipelines.engine import Engine
from penstock.pipelines.executions import StartRequest
from penstock.pipelines.roles import Roles
from penstock.pipelines.source_watch import SourceWatch
from penstock.pipelines.state import PipelineState
from penstock.pipelines.structure import parse
from penstock.services.iam import Iam
from penstock.services.sts import Sts
from penstock.storage import action_executions, pipeline_executions, pipelines
from penstock.storage import approvals as stored_approvals
from penstock.storage.action_executions import ActionRow
from penstock.storage.approvals import ApprovalRow
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import Outbox
from penstock.storage.pipeline_executions import ExecutionRow
from penstock.storage.pipelines import PipelineRow

T = TypeVar("T")


class Pipelines:
    """Every pipeline of one server. `start` resumes unfinished executions; `close` parks them.

    Methods raise ServiceError with CodePipeline's codes. Safe to call from any coroutine of
    the event loop that called `start`.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        places: Places,
        iam: Iam,
        sts: Sts,
        cipher: Cipher,
        clock: Clock,
        region: str,
        account_id: str,
    ) -> None:
        self.region = region
        self.account_id = account_id
        self._database = database
        self._clock = clock
        self._roles = Roles(iam, sts)
        self._cipher = cipher
        running = providers(places, self._roles, database, clock)
        self._engine = Engine(database, outbox, running, clock, region, account_id)
        self._watch = SourceWatch(database, heads(running), clock, places.source_seconds)

    async def start(self) -> None:
        """Go on with what was unfinished when the server last ended."""
        await self._engine.start()
        await self._watch.start()

    async def close(self) -> None:
        """End the engine; running builds go on, and are found again by `start`."""
        await self._watch.close()
        await self._engine.close()

    # definitions

    async def create(self, declaration: Mapping[str, Any], tags: Mapping[str, str]) -> PipelineRow:
        """Check and store a new pipeline and start its first execution."""
        await self._check(declaration)
        sealed = secret_configuration.sealed(declaration, None, self._cipher.encrypt)
        return await self._database.write(
            lambda c: definitions.create(
                c, sealed, tags, self.region, self.account_id, self._clock()
            )
        )

    async def update(self, declaration: Mapping[str, Any]) -> PipelineRow:
        """Check and store the next version of a pipeline; it does not start an execution."""
        await self._check(declaration)

        def work(connection: sa.Connection) -> PipelineRow:
            stored = pipelines.get(connection, declaration["name"])
            document = stored.document if stored else None
            sealed = secret_configuration.sealed(declaration, document, self._cipher.encrypt)
            return definitions.update(connection, sealed, self.account_id, self._clock())

        return await self._database.write(work)

    async def _check(self, declaration: Mapping[str, Any]) -> None:
        structure = parse(declaration)
        structure_rules.check(structure, declaration, self.region)
        await self._roles.check_trust(structure)

    async def get(self, name: str) -> PipelineRow:
        """Return the pipeline with its current declaration."""
        return await self._database.read(lambda c: load(c, self.account_id, name))

    async def get_version(self, name: str, version: int) -> tuple[PipelineRow, Mapping[str, Any]]:
        """Return the pipeline and the declaration of one of its versions."""

        def work(connection: sa.Connection) -> tuple[PipelineRow, Mapping[str, Any]]:
            pipeline = load(connection, self.account_id, name)
            document = pipelines.version_document(connection, pipeline.id, version)
            if document is None:
                raise ServiceError(
                    "PipelineVersionNotFoundException",
                    f"Account '{self.account_id}' does not have a pipeline with name '{name}' and "
                    f"version '{version}'",
                )
            return pipeline, document

        return await self._database.read(work)

    async def scan(self, after: str, limit: int) -> list[PipelineRow]:
        """Return at most `limit` pipelines whose names follow `after`."""
        return await self._database.read(lambda c: pipelines.scan(c, after, limit))

    async def delete(self, name: str) -> None:
        """Remove the pipeline with its history. Repeating it, or an unknown name, is no error."""

        def work(connection: sa.Connection) -> None:
            if (pipeline := pipelines.get(connection, name)) is not None:
                pipelines.delete(connection, pipeline.id)

        await self._database.write(work)

    async def change_tags(
        self, arn: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> None:
        """Replace the pipeline's tags by what `change` makes of them, in one unit of work."""

        def work(connection: sa.Connection) -> None:
            pipeline = self._by_arn(connection, arn)
            tags = change(pipeline.tags)
            definitions.check_tag_count(tags)
            pipelines.set_tags(connection, pipeline.id, tags)

        await self._database.write(work)

    async def tags(self, arn: str) -> Mapping[str, str]:
        """Return the pipeline's tags."""
        return (await self._database.read(lambda c: self._by_arn(c, arn))).tags

    def _by_arn(self, connection: sa.Connection, arn: str) -> PipelineRow:
        pipeline = pipelines.get_by_arn(connection, arn)
        if pipeline is None:
            raise ServiceError(
                "ResourceNotFoundException", f"The resource with ARN {arn} does not exist"
            )
        return pipeline

    # executions

    async def start_execution(self, name: str, request: StartRequest) -> str:
        """Start an execution and return its id; an equal request token finds the first."""
        return await self._write(
            name, lambda c, pipeline, now: executions.start(c, pipeline, request, now)
        )

    async def stop_execution(
        self, name: str, execution_id: str, *, reason: str, abandon: bool
    ) -> None:
        """Ask an execution to stop: once running actions are done, or (`abandon`) at once."""
        await self._write(
            name,
            lambda c, pipeline, now: executions.stop(
                c, pipeline, execution_id, reason=reason, abandon=abandon, now=now
            ),
        )

    async def retry_stage(
        self, name: str, execution_id: str, stage: str, *, all_actions: bool
    ) -> None:
        """Let a stage that failed or was stopped run again."""
        await self._write(
            name,
            lambda c, pipeline, now: executions.retry(
                c, pipeline, execution_id, stage, all_actions=all_actions, now=now
            ),
        )

    async def set_transition(
        self, name: str, stage: str, direction: str, *, disabled_reason: str | None, changed_by: str
    ) -> None:
        """Disable (with a reason) or enable (None) a stage's `Inbound` or `Outbound` transition."""
        await self._write(
            name,
            lambda c, pipeline, now: executions.set_transition(
                c, pipeline, stage, direction,
                disabled_reason=disabled_reason, changed_by=changed_by, now=now,
            ),
        )  # fmt: skip

    async def answer_approval(self, name: str, answer: Answer) -> datetime:
        """Store somebody's answer to an open request for approval; return when it was given."""
        return await self._write(
            name, lambda c, pipeline, now: approvals.answer(c, pipeline, answer, now)
        )

    async def _write(
        self, name: str, work: Callable[[sa.Connection, PipelineRow, datetime], T]
    ) -> T:
        def with_pipeline(connection: sa.Connection) -> T:
            return work(connection, load(connection, self.account_id, name), self._clock())

        return await self._database.write(with_pipeline)

    # history

    async def approvals_of(self, rows: Sequence[ActionRow]) -> Mapping[str, ApprovalRow]:
        """Return what was asked and answered, without reviews, by the action execution's id."""
        category = approvals.CATEGORY
        ids = [row.id for row in rows if row.input["actionTypeId"]["category"] == category]
        if not ids:
            return {}
        return await self._database.read(lambda c: stored_approvals.of_actions(c, ids))

    async def state(self, name: str) -> PipelineState:
        """Return how the pipeline stands."""
        return await self._database.read(lambda c: state.read(c, load(c, self.account_id, name)))

    async def execution(self, name: str, execution_id: str) -> ExecutionRow:
        """Return one execution of the pipeline."""

        def work(connection: sa.Connection) -> ExecutionRow:
            pipeline = load(connection, self.account_id, name)
            return self._execution(connection, pipeline, execution_id)

        return await self._database.read(work)

    def _execution(
        self, connection: sa.Connection, pipeline: PipelineRow, execution_id: str
    ) -> ExecutionRow:
        execution = pipeline_executions.get(connection, execution_id)
        if execution is None or execution.pipeline_id != pipeline.id:
            raise ServiceError(
                "PipelineExecutionNotFoundException",
                f"Pipeline '{pipeline.name}' does not have an execution with id '{execution_id}'",
            )
        return execution

    async def executions(
        self, name: str, before: int | None, limit: int, succeeded_in_stage: str | None = None
    ) -> Sequence[ExecutionRow]:
        """Return at most `limit` executions, newest first, with numbers below `before`."""

        def work(connection: sa.Connection) -> list[ExecutionRow]:
            pipeline = load(connection, self.account_id, name)
            return pipeline_executions.scan(
                connection, pipeline.id, before, limit, succeeded_in_stage
            )

        return await self._database.read(work)

    async def actions(
        self, name: str, before: int | None, limit: int, execution_id: str | None = None
    ) -> Sequence[ActionRow]:
        """Return at most `limit` action executions, newest first, with sequences below `before`."""

        def work(connection: sa.Connection) -> list[ActionRow]:
            pipeline = load(connection, self.account_id, name)
            if execution_id is not None:
                self._execution(connection, pipeline, execution_id)
            return action_executions.scan(connection, pipeline.id, before, limit, execution_id)

        return await self._database.read(work)
