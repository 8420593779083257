"""The steps of one build: make its Task, follow its commands, store its artifacts.

Each method reads the stored step, does its work, and stores the next step last. Doing it again
after a crash in between finds the same objects, the same log offsets and the same keys.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.builds.build import (
    Build,
    BuildPhase,
    BuildStatus,
    PhaseContext,
    PhaseType,
    PipelineSource,
    Step,
    log_place,
    phase_from_json,
    phase_to_json,
)
from penstock.builds.build_log import BuildLog
from penstock.builds.interruption import Interrupted, Interruption
from penstock.builds.masking import mask_text
from penstock.builds.output import Output, container_line
from penstock.builds.phases import Progress, close, ending_lines, uploads
from penstock.builds.plan import Plan
from penstock.builds.preparation import Preparation
from penstock.builds.results import ArtifactStore, specs_from_json, specs_to_json, uploads_of
from penstock.builds.role import Refused
from penstock.builds.sealed import Sealed
from penstock.builds.task import CONTAINER
from penstock.clock import Clock
from penstock.containers.docker_runner import DockerRunner
from penstock.errors import EngineError
from penstock.ids import new_token
from penstock.services.logs import Logs
from penstock.storage import builds as storage
from penstock.storage.builds import BuildRow
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import publish

_GRACE_SECONDS = 10.0


class Execution:
    """Does the steps of builds. Raises Interrupted and EngineError, besides bugs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        cipher: Cipher,
        runner: DockerRunner,
        logs: Logs,
        preparation: Preparation,
        artifacts: ArtifactStore,
    ) -> None:
        self._database = database
        self._clock = clock
        self._cipher = cipher
        self._runner = runner
        self._logs = logs
        self._preparation = preparation
        self._artifacts = artifacts

    async def begin(self, row: BuildRow, phases: Sequence[BuildPhase], now: datetime) -> None:
        """Take a build out of its queue: from now on it may have objects outside."""
        sealed = Sealed(new_token(), new_token()).seal(self._cipher)
        await self._store(
            row, phases, now, step=Step.PREPARING.value, sealed=sealed, provisioned_at=now
        )

    async def finish(self, row: BuildRow, phases: Sequence[BuildPhase], now: datetime) -> None:
        """Leave only the cleaning to do; `phases` decide the outcome."""
        finalizing = BuildPhase(PhaseType.FINALIZING, now)
        await self._store(row, [*phases, finalizing], now, step=Step.CLEANING.value)

    async def say_end(self, row: BuildRow, phase: BuildPhase) -> None:
        """Write the end of a phase into the build's log, if it has one."""
        if row.log_created:
            log = self._log(row, None)
            await log.write(
                container_line(phase.end_time or self._clock(), text)
                for text in ending_lines(phase)
            )
            await log.store()

    async def advance(self, row: BuildRow, build: Build, interruption: Interruption) -> None:
        """Do the stored step of a build that is out of its queue."""
        match row.step:
            case Step.PREPARING:
                await interruption.race(self._prepare(row, build))
            case Step.LAUNCHED:
                await self._run(row, interruption)
            case Step.UPLOADING:
                await interruption.race(self._upload(row, build))

    async def _prepare(self, row: BuildRow, build: Build) -> None:
        sealed = self._sealed(row)
        log = self._log(row, None)
        phases = [phase_from_json(phase) for phase in row.phases]
        try:
            role = await self._preparation.role(build, sealed.token)
            if build.log_group is not None and build.log_stream is not None:
                await role.write_logs(
                    build.arn,
                    build.configuration["serviceRole"],
                    build.log_group,
                    build.log_stream,
                )
                await log.create()
                row = replace(row, log_created=True)
                await self._database.write(
                    lambda c: storage.update(c, row.id, row.step, log_created=True)
                )
            async with log.storing():
                await self._say(log, "Running on Penstock", "Waiting for agent ping")
                await self._preparation.provision(build, role, sealed.token)
                await self._say(log, "Waiting for DOWNLOAD_SOURCE")
                phases = await self._downloading(row, phases)
                prepared = await self._preparation.fill(build, _pipeline(row), role, sealed, log)
                now = self._clock()
                ended = close(phases[-1], BuildStatus.SUCCEEDED, now, PhaseContext())
                await self._say(log, *ending_lines(ended))
        except Refused as refused:
            await self._refuse(row, phases, refused)
            return
        plan = {
            "plan": prepared.plan.to_json(),
            "artifacts": specs_to_json(prepared.buildspec),
            "secret_names": sorted(prepared.secret_names),
        }
        await self._store(
            row,
            [*phases[:-1], ended],
            now,
            step=Step.LAUNCHED.value,
            plan=plan,
            sealed=replace(sealed, secrets=prepared.secrets).seal(self._cipher),
            log_base=log.offset or 0,
            resolved_source_version=prepared.resolved_version,
        )

    async def _downloading(self, row: BuildRow, phases: list[BuildPhase]) -> list[BuildPhase]:
        """Store that PROVISIONING is over, unless a former attempt has."""
        if phases[-1].phase_type is not PhaseType.PROVISIONING:
            return phases
        now = self._clock()
        ended = close(phases[-1], BuildStatus.SUCCEEDED, now, PhaseContext())
        phases = [*phases[:-1], ended, BuildPhase(PhaseType.DOWNLOAD_SOURCE, now)]
        await self._store(row, phases, now)
        return phases

    async def _refuse(self, row: BuildRow, phases: Sequence[BuildPhase], refused: Refused) -> None:
        now = self._clock()
        ended = close(phases[-1], BuildStatus.FAILED, now, refused.context)
        await self.say_end(row, ended)
        await self.finish(row, [*phases[:-1], ended], now)

    async def _run(self, row: BuildRow, interruption: Interruption) -> None:
        """Start the container unless it was, follow it to its end, and store what it told."""
        await self._require_container(row)
        await self._runner.launch(row.uuid)
        sealed = self._sealed(row)
        output = Output(sealed.nonce, _plan(row), sealed.secrets)
        log = self._log(row, row.log_base)
        following = asyncio.create_task(self._follow(row, output, log))
        try:
            if await interruption.comes_before(following):
                await self._end_container(row, following)
                assert interruption.status is not None
                raise Interrupted(interruption.status)
            await following
        finally:
            following.cancel()
            await asyncio.wait([following])
        await self._require_ended(row, output.progress)
        await self._ran(row, output, sealed, log.offset or 0)

    async def _require_container(self, row: BuildRow) -> None:
        state = await self._runner.state(row.uuid)
        if state is None or CONTAINER not in state:
            raise EngineError(
                "the build's container has vanished from the container engine; what it did is "
                "unknown, and it is not run again",
                retryable=False,
            )

    async def _require_ended(self, row: BuildRow, progress: Progress) -> None:
        if progress.ended:
            return
        state = await self._runner.state(row.uuid)
        container = state.get(CONTAINER) if state else None
        if container is not None and container.running:
            raise EngineError("the build's output ended before its container", retryable=True)
        status = container.exit_code if container else None
        memory = ": it ran out of memory" if container and container.oom_killed else ""
        raise EngineError(
            f"the build's container ended before its commands did, with exit status {status}"
            f"{memory}",
            retryable=False,
        )

    async def _follow(self, row: BuildRow, output: Output, log: BuildLog) -> None:
        base = [phase_from_json(phase) for phase in row.phases]
        base = [phase for phase in base if phase.phase_type in _BEFORE_COMMANDS]
        stored = [phase_from_json(phase) for phase in row.phases]
        async with log.storing():
            async for chunk in self._runner.logs(row.uuid, CONTAINER):
                await log.write(output.feed(chunk, self._clock()))
                phases = [*base, *output.phases()]
                if _is_later(phases, stored):
                    stored = phases
                    await self._store(row, phases, self._clock())
            await log.write(output.flush(self._clock()))

    async def _end_container(self, row: BuildRow, following: "asyncio.Task[None]") -> None:
        """Ask the agent to end its commands; end the container when it does not."""
        for signal in ("TERM", "KILL"):
            await self._runner.kill(row.uuid, CONTAINER, signal)
            done, _ = await asyncio.wait([following], timeout=_GRACE_SECONDS)
            if done:
                return

    async def _ran(self, row: BuildRow, output: Output, sealed: Sealed, offset: int) -> None:
        """Store the commands' outcome, and whether artifacts are to be stored next."""
        assert row.plan is not None
        now, progress = self._clock(), output.progress
        hidden = set(row.plan["secret_names"])
        exported = {
            name: mask_text(value, sealed.secrets)
            for name, value in progress.exported.items()
            if name not in hidden and not name.startswith("AWS_")
        }
        base = [phase_from_json(phase) for phase in row.phases]
        phases = [p for p in base if p.phase_type in _BEFORE_COMMANDS] + output.phases()
        values: dict[str, Any] = {
            "exported_variables": exported,
            "plan": {**row.plan, "evaluated": dict(progress.evaluated)},
            "log_base": offset,
        }
        if uploads(progress.phases, _plan(row)):
            phases.append(BuildPhase(PhaseType.UPLOAD_ARTIFACTS, now))
            values["step"] = Step.UPLOADING.value
        else:
            phases.append(BuildPhase(PhaseType.FINALIZING, now))
            values["step"] = Step.CLEANING.value
        await self._store(row, phases, now, **values)

    async def _upload(self, row: BuildRow, build: Build) -> None:
        assert row.plan is not None
        plan, phases = _plan(row), [phase_from_json(phase) for phase in row.phases]
        specs = specs_from_json(row.plan["artifacts"], row.plan["evaluated"])
        log = self._log(row, row.log_base)
        records: list[Mapping[str, Any]] = []
        context, status = PhaseContext(), BuildStatus.SUCCEEDED
        try:
            role = await self._preparation.role(build, self._sealed(row).token)
            for upload in uploads_of(build, _pipeline(row), specs):
                record, lines = await self._artifacts.store(
                    upload, lambda path: self._read(row.uuid, path), plan.source_directory, role
                )
                records.append(record)
                await self._say(log, *lines)
        except Refused as refused:
            context, status = refused.context, BuildStatus.FAILED
        now = self._clock()
        ended = close(phases[-1], status, now, context)
        await self._say(log, *ending_lines(ended))
        await log.store()
        finalizing = BuildPhase(PhaseType.FINALIZING, now)
        await self._store(
            row,
            [*phases[:-1], ended, finalizing],
            now,
            step=Step.CLEANING.value,
            artifacts=records,
        )

    def _read(self, task_id: str, path: str) -> AsyncGenerator[bytes, None]:
        return self._runner.get_archive(task_id, CONTAINER, path)

    async def _say(self, log: BuildLog, *texts: str) -> None:
        await log.write(container_line(self._clock(), text) for text in texts)

    def _log(self, row: BuildRow, offset: int | None) -> BuildLog:
        group, stream = log_place(row.configuration, row.project_name, row.uuid)
        return BuildLog(self._logs, group, stream, offset)

    def _sealed(self, row: BuildRow) -> Sealed:
        if row.sealed is None:
            raise ValueError(f"build {row.id} has lost what was sealed with it")
        return Sealed.open(row.sealed, self._cipher)

    async def _store(
        self, row: BuildRow, phases: Sequence[BuildPhase], now: datetime, **values: Any
    ) -> None:
        """Store phases, and what else is given, if the build is still in its step."""
        stored = [phase_to_json(phase) for phase in phases]
        last = phases[-1]
        detail = {
            "project": row.project_name,
            "uuid": row.uuid,
            "phase": last.phase_type.value,
            "phase_status": last.phase_status.value if last.phase_status else "IN_PROGRESS",
        }

        def work(connection: sa.Connection) -> None:
            if storage.update(connection, row.id, row.step, phases=stored, **values):
                publish(connection, "build.PhaseChanged", row.id, detail, now)

        await self._database.write(work)


_BEFORE_COMMANDS = (
    PhaseType.SUBMITTED,
    PhaseType.QUEUED,
    PhaseType.PROVISIONING,
    PhaseType.DOWNLOAD_SOURCE,
)


def _pipeline(row: BuildRow) -> PipelineSource | None:
    return PipelineSource.from_json(row.pipeline) if row.pipeline is not None else None


def _plan(row: BuildRow) -> Plan:
    assert row.plan is not None
    return Plan.from_json(row.plan["plan"])


def _is_later(phases: Sequence[BuildPhase], stored: Sequence[BuildPhase]) -> bool:
    """Whether `phases` tell more than what is stored: a replay begins with less."""
    if len(phases) != len(stored):
        return len(phases) > len(stored)
    return phases[-1].end_time is not None and stored[-1].end_time is None
