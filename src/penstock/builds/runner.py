"""Carries builds from QUEUED to COMPLETED: the loop that acts, one coroutine per build.

What a build is about to do is stored before it is done (`Step`), and everything done has a
fixed name, so the way after a restart is the way without one: read the step, carry on. A
build whose container may have run is only followed; one whose container has vanished ends
as FAULT. Trouble of the environment is retried for a while, then ends the build as FAULT.
"""

import asyncio
import contextlib
import logging
from datetime import datetime, timedelta

import sqlalchemy as sa

from penstock.builds import project as projects
from penstock.builds.build import (
    BuildPhase,
    BuildStatus,
    PhaseContext,
    PhaseType,
    Step,
    phase_from_json,
)
from penstock.builds.builds import Builds, build_from_row
from penstock.builds.completion import complete
from penstock.builds.execution import Execution
from penstock.builds.interruption import Interrupted, Interruption
from penstock.builds.phases import close
from penstock.builds.task import KIND
from penstock.clock import Clock
from penstock.containers.docker_runner import DockerRunner
from penstock.errors import EngineError
from penstock.services.sts.task_credentials import TaskCredentials
from penstock.storage import builds as storage
from penstock.storage import resources
from penstock.storage.builds import BuildRow
from penstock.storage.database import Database

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_TIMED_OUT = PhaseContext("BUILD_TIMED_OUT", "Build has timed out. ")


class BuildRunner:
    """Runs the stored builds of one server; `start` begins, `close` leaves them as they are."""

    def __init__(
        self,
        builds: Builds,
        runner: DockerRunner,
        credentials: TaskCredentials,
        execution: Execution,
    ) -> None:
        self._builds = builds
        self._database: Database = builds.database
        self._clock: Clock = builds.clock
        self._runner = runner
        self._credentials = credentials
        self._execution = execution
        self._carried: dict[str, asyncio.Task[None]] = {}
        self._interruptions: dict[str, Interruption] = {}
        self._woken = asyncio.Event()
        self._admitting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Reap what no build owns, resume unfinished builds, and take up queued ones."""
        unfinished = await self._database.read(storage.unfinished)
        with contextlib.suppress(EngineError):  # without an engine: its builds will say so
            known = {row.uuid for row in unfinished}
            for task_id in await self._runner.list_tasks(KIND):
                if task_id not in known:
                    await self._runner.remove(task_id)
        for row in unfinished:
            if row.step != Step.QUEUED:
                self._carry(row)
        self._builds.attach(self.wake, self.stop_requested)
        self._woken.set()
        self._admitting = asyncio.create_task(self._admit(), name="penstock-builds")

    async def close(self) -> None:
        """Stop following builds; they go on in their containers until the next start."""
        tasks = [task for task in (self._admitting, *self._carried.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Look at the queue."""
        self._woken.set()

    def stop_requested(self, build_id: str) -> None:
        """Act on a stored stop."""
        interruption = self._interruptions.get(build_id)
        if interruption is not None:
            interruption.request(BuildStatus.STOPPED)
        self.wake()

    async def _admit(self) -> None:
        """Start queued builds in their order, as far as each project's limit allows."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5.0):  # queued time-outs are looked at this often
                    await self._woken.wait()
            self._woken.clear()
            try:
                unfinished, limits = await self._database.read(_queue)
            except Exception:  # noqa: BLE001 (the loop's boundary: it must outlive a bad row)
                _LOG.exception("the queue of builds could not be read")
                continue
            for row in due(unfinished, limits, self._clock()):
                if row.id not in self._carried:
                    self._carry(row)

    def _carry(self, row: BuildRow) -> None:
        self._interruptions[row.id] = Interruption()
        task = asyncio.create_task(self._carry_on(row.id), name=f"penstock-build-{row.uuid}")
        self._carried[row.id] = task
        task.add_done_callback(lambda _: self._carried.pop(row.id, None))
        task.add_done_callback(lambda _: self._interruptions.pop(row.id).forget())
        task.add_done_callback(lambda _: self.wake())

    async def _carry_on(self, build_id: str) -> None:
        """The boundary of one build: whatever goes wrong ends it, and it alone."""
        failures = 0
        while True:
            try:
                row = await self._database.read(lambda c: storage.get(c, build_id))
                if row is None or row.step == Step.DONE:
                    return
                failures = await self._try(row, failures)
            except Exception:  # noqa: BLE001 (not even the end could be stored: it is not given up)
                _LOG.exception("build %s cannot go on; trying again", build_id)
                await asyncio.sleep(_RETRY_SECONDS[-1])

    async def _try(self, row: BuildRow, failures: int) -> int:
        """Do the stored step; return how many times in a row the environment has failed."""
        try:
            await self._advance(row)
        except EngineError as error:
            if error.retryable and failures < len(_RETRY_SECONDS):
                _LOG.warning("build %s: %s; trying again", row.id, error)
                await asyncio.sleep(_RETRY_SECONDS[failures])
                return failures + 1
            await self._fault(row, str(error))
        except Exception:  # noqa: BLE001 (the boundary of a build)
            _LOG.exception("build %s met a bug", row.id)
            await self._fault(row, "Internal error: see the server's log")
        return 0

    async def _advance(self, row: BuildRow) -> None:
        """Do the stored step of a build, up to where the next one is stored."""
        interruption = self._interruption(row)
        build = build_from_row(row)
        match Step(row.step):
            case Step.QUEUED:
                await self._leave_queue(row)
            case Step.PREPARING | Step.LAUNCHED | Step.UPLOADING:
                try:
                    await self._execution.advance(row, build, interruption)
                except Interrupted as reason:
                    await self._interrupt(build_id=row.id, status=reason.status)
            case Step.CLEANING:
                await self._clean(row)
            case Step.DONE:
                return

    def _interruption(self, row: BuildRow) -> Interruption:
        interruption = self._interruptions[row.id]
        if row.stop_requested_at is not None:
            interruption.request(BuildStatus.STOPPED)
        if row.provisioned_at is not None:
            minutes = row.configuration["timeoutInMinutes"]
            deadline = row.provisioned_at + timedelta(minutes=minutes)
            interruption.at((deadline - self._clock()).total_seconds())
        return interruption

    async def _leave_queue(self, row: BuildRow) -> None:
        now = self._clock()
        *before, queued = [phase_from_json(phase) for phase in row.phases]
        status = BuildStatus.SUCCEEDED
        context = PhaseContext()
        if row.stop_requested_at is not None:
            status = BuildStatus.STOPPED
        elif _queued_too_long(row, now):
            status, context = BuildStatus.TIMED_OUT, _TIMED_OUT
        ended = close(queued, status, now, context)
        if status is BuildStatus.SUCCEEDED:
            opened = BuildPhase(PhaseType.PROVISIONING, now)
            await self._execution.begin(row, [*before, ended, opened], now)
        else:
            await self._complete(row, [*before, ended], now)

    async def _interrupt(self, build_id: str, status: BuildStatus) -> None:
        """End the build where it is: STOPPED or TIMED_OUT."""
        row = await self._database.read(lambda c: storage.get(c, build_id))
        if row is None or row.step in (Step.CLEANING, Step.DONE):
            return
        context = _TIMED_OUT if status is BuildStatus.TIMED_OUT else PhaseContext()
        await self._end_open_phase(row, status, context)

    async def _fault(self, row: BuildRow, message: str) -> None:
        """End the build as FAULT, with what the environment said."""
        current = await self._database.read(lambda c: storage.get(c, row.id))
        if current is None or current.step == Step.DONE:
            return
        now = self._clock()
        if current.step == Step.CLEANING:  # the outcome is known; what is left is reaped later
            phases = [phase_from_json(phase) for phase in current.phases]
            _LOG.error("build %s could not be cleaned up: %s", row.id, message)
            await self._complete(current, phases, now)
            return
        _LOG.error("build %s ends as FAULT: %s", row.id, message)
        await self._end_open_phase(
            current, BuildStatus.FAULT, PhaseContext("INTERNAL_ERROR", message)
        )

    async def _end_open_phase(
        self, row: BuildRow, status: BuildStatus, context: PhaseContext
    ) -> None:
        now = self._clock()
        *before, last = [phase_from_json(phase) for phase in row.phases]
        if last.end_time is not None:  # between two phases: the next one takes it
            before, last = [*before, last], BuildPhase(_next_phase(last.phase_type), now)
        ended = close(last, status, now, context)
        await self._execution.say_end(row, ended)
        await self._execution.finish(row, [*before, ended], now)

    async def _clean(self, row: BuildRow) -> None:
        """Remove all that the build had outside the database, then complete it.

        Its credentials end first: also where the engine cannot be reached for the rest.
        """
        await self._credentials.end(row.uuid)
        await self._runner.remove(row.uuid)
        phases = [phase_from_json(phase) for phase in row.phases]
        await self._complete(row, phases, self._clock())

    async def _complete(self, row: BuildRow, phases: list[BuildPhase], now: datetime) -> None:
        await self._database.write(lambda c: complete(c, row, phases, now))


def _next_phase(phase: PhaseType) -> PhaseType:
    order = list(PhaseType)
    return order[min(order.index(phase) + 1, order.index(PhaseType.FINALIZING))]


def _queue(connection: sa.Connection) -> tuple[list[BuildRow], dict[str, int]]:
    """Return unfinished builds, and the concurrentBuildLimit of the projects that have one."""
    unfinished = storage.unfinished(connection)
    limits = {}
    for name in {row.project_name for row in unfinished}:
        found = resources.get(connection, projects.SERVICE, projects.RESOURCE_TYPE, name)
        if found is not None and found.document.get("concurrentBuildLimit"):
            limits[name] = int(found.document["concurrentBuildLimit"])
    return unfinished, limits


def _queued_too_long(row: BuildRow, now: datetime) -> bool:
    return now - row.created_at > timedelta(minutes=row.configuration["queuedTimeoutInMinutes"])


def due(unfinished: list[BuildRow], limits: dict[str, int], now: datetime) -> list[BuildRow]:
    """Return the queued builds to take up, first come first served within each project.

    A build that was stopped or has waited too long is taken up at once, to end.
    """
    running: dict[str, int] = {}
    for row in unfinished:
        if row.step != Step.QUEUED:
            running[row.project_name] = running.get(row.project_name, 0) + 1
    found = []
    for row in unfinished:
        if row.step != Step.QUEUED:
            continue
        name = row.project_name
        if row.stop_requested_at is not None or _queued_too_long(row, now):
            found.append(row)
        elif name not in limits or running.get(name, 0) < limits[name]:
            running[name] = running.get(name, 0) + 1
            found.append(row)
    return found
