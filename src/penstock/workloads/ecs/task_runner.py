"""Carries tasks from PROVISIONING to STOPPED: the loop that acts, one coroutine per task.

`task_life.decide` says what happens next; every step of it looks before it acts, so the way after
a restart is the way without one: look at the engine, decide, carry on. The engine's events say
when to look; now and then it is looked at without one.
"""

import asyncio
import contextlib
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from penstock.clock import Clock
from penstock.containers.docker_runner import DockerRunner
from penstock.containers.engine import EngineRefusal
from penstock.containers.task import SandboxState
from penstock.errors import EngineError
from penstock.services.logs import Logs
from penstock.storage import ecs_tasks
from penstock.storage.database import Database
from penstock.workloads.ecs import stored_tasks
from penstock.workloads.ecs.cannot_start import CannotStart
from penstock.workloads.ecs.followed_logs import FollowedLogs
from penstock.workloads.ecs.task_definitions import TaskDefinition, TaskDefinitions
from penstock.workloads.ecs.task_life import (
    FAILED_TO_START,
    RUNNING,
    Decision,
    GiveUp,
    Move,
    Observed,
    Prepare,
    Remove,
    Signal,
    StartContainer,
    decide,
    given_up,
    moved,
    seen,
    with_container,
)
from penstock.workloads.ecs.task_preparation import TaskPreparation, engines_words
from penstock.workloads.ecs.task_spec import KIND, plan
from penstock.workloads.task_records import NetworkBinding, TaskRecord, TaskStatus

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_LOOK_SECONDS = 15.0
"""How often a running task is looked at when no event says to."""
_LOOK_CLOSELY_SECONDS = 1.0
_FORGET_SECONDS = 600.0
_SETTLE_SECONDS = 1.0
_REMEMBERED = timedelta(hours=1)
_LOOKED_AT = frozenset({
    TaskStatus.ACTIVATING, TaskStatus.RUNNING, TaskStatus.DEACTIVATING, TaskStatus.STOPPING,
})  # fmt: skip


class TaskRunner:
    """Runs the stored tasks of one server; `start` begins, `close` leaves them as they are."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        docker: DockerRunner,
        task_definitions: TaskDefinitions,
        preparation: TaskPreparation,
        logs: Logs,
    ) -> None:
        self._database = database
        self._clock = clock
        self._docker = docker
        self._task_definitions = task_definitions
        self._preparation = preparation
        self._logs = FollowedLogs(database, docker, logs)
        self._carried: dict[str, asyncio.Task[None]] = {}
        self._woken: dict[str, asyncio.Event] = {}
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Reap what no task owns, take up every unfinished task, and watch. Raises EngineError."""
        found = await self._docker.list_tasks(KIND)
        unfinished = await self._database.read(ecs_tasks.unfinished)
        known = {row.id for row in unfinished}
        for task_id in found:
            if task_id not in known:
                await self._docker.remove(task_id)
        self._loops = [
            asyncio.create_task(self._watch(), name="penstock-ecs-events"),
            asyncio.create_task(self._forget(), name="penstock-ecs-stopped-tasks"),
        ]
        for row in unfinished:
            self.wake(row.id)

    async def close(self) -> None:
        """Stop watching; the tasks' containers go on. Repeating is safe."""
        running = [*self._loops, *self._carried.values()]
        for each in running:
            each.cancel()
        if running:
            await asyncio.wait(running)
        await self._logs.close()

    def wake(self, task_id: str) -> None:
        """Look at a task now: it is new, was asked to stop, or its containers changed."""
        if task_id in self._woken:
            self._woken[task_id].set()
            return
        self._woken[task_id] = asyncio.Event()
        carried = asyncio.create_task(self._carry_on(task_id), name=f"penstock-task-{task_id}")
        self._carried[task_id] = carried
        carried.add_done_callback(lambda _: self._forget_carried(task_id))

    def _forget_carried(self, task_id: str) -> None:
        self._carried.pop(task_id, None)
        self._woken.pop(task_id, None)

    async def _carry_on(self, task_id: str) -> None:
        """The boundary of one task: whatever goes wrong, the others go on, and this is retried."""
        woken = self._woken[task_id]
        failures = 0
        while True:
            woken.clear()
            try:
                row = await self._database.read(lambda c: ecs_tasks.get(c, task_id))
                if row is None or row.last_status == TaskStatus.STOPPED:
                    return
                acted = await self._advance(stored_tasks.record(row))
                failures = 0
            except EngineError as error:
                _LOG.warning("task %s: %s; trying again", task_id, error)
                await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1
                continue
            except Exception:  # noqa: BLE001 (the boundary of a task)
                _LOG.exception("task %s cannot go on; trying again", task_id)
                await asyncio.sleep(_RETRY_SECONDS[-1])
                continue
            if not acted:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_pause(TaskStatus(row.last_status))):
                        await woken.wait()

    async def _advance(self, task: TaskRecord) -> bool:
        """Look, decide, act; return whether anything was done."""
        definition = await self._task_definitions.get(task.task_definition_arn)
        if definition is None:
            raise LookupError(f"the task definition {task.task_definition_arn} is gone")
        planned = plan(definition)
        sandbox: SandboxState | None = None
        if task.last_status in _LOOKED_AT:
            sandbox = await self._docker.sandbox(task.task_id)
            containers = await self._docker.state(task.task_id) or {}
            there = sandbox is not None and sandbox.running
            looked_at = seen(task, planned, Observed(containers, there), self._clock())
            if looked_at != task:
                if not await self._store(task, looked_at):
                    return True
                task = replace(looked_at, version=task.version + 1)
        self._logs.ensure(task, definition)
        alive = sandbox is not None and sandbox.running
        decisions = decide(task, planned, sandbox=alive, now=self._clock())
        for decision in decisions:
            if not await self._act(task, definition, decision):
                return True  # somebody else moved first: look again
            task = await self._current(task)
        return bool(decisions)

    async def _act(self, task: TaskRecord, definition: TaskDefinition, decision: Decision) -> bool:
        """Carry one decision out; False when the task has moved on meanwhile."""
        _LOG.debug("task %s: %s", task.task_id, decision)
        match decision:
            case Prepare():
                return await self._prepare(task, definition)
            case StartContainer(name):
                return await self._start(task, name)
            case GiveUp(name, reason):
                return await self._store(task, given_up(task, name, reason))
            case Signal(name, kill):
                return await self._signal(task, name, kill=kill)
            case Move():
                return await self._store(task, moved(task, decision, self._clock()))
            case Remove(cause):
                return await self._remove(task, cause)

    async def _prepare(self, task: TaskRecord, definition: TaskDefinition) -> bool:
        """Have the containers made, unless the task is stopped meanwhile."""
        now = self._clock()
        if task.pull_started_at is not None:  # an attempt that a crash or the engine ended
            await self._preparation.end(task)
            await self._docker.remove(task.task_id)
        begun = replace(task, pull_started_at=now)
        if not await self._store(task, begun):
            return False
        task = replace(begun, version=task.version + 1)
        preparing = asyncio.create_task(self._preparation.prepare(self._docker, task, definition))
        try:
            await self._until_stopped(preparing, task.task_id)
            if not preparing.done():
                return False
            await preparing
        except CannotStart as error:
            return await self._store(task, _failed(task, error, self._clock()))
        finally:
            preparing.cancel()
            await asyncio.wait([preparing])
        sandbox = await self._docker.sandbox(task.task_id)
        prepared = replace(_with_network(task, definition, sandbox), pull_stopped_at=self._clock())
        move = Move(TaskStatus.ACTIVATING, "its containers are made")
        return await self._store(task, moved(prepared, move, self._clock()))

    async def _until_stopped(self, preparing: "asyncio.Task[None]", task_id: str) -> None:
        """Wait until preparation is over, or the task is to stop."""
        while not preparing.done():
            woken = asyncio.create_task(self._woken[task_id].wait())
            try:
                await asyncio.wait([preparing, woken], return_when=asyncio.FIRST_COMPLETED)
            finally:
                woken.cancel()
            self._woken[task_id].clear()
            row = await self._database.read(lambda c: ecs_tasks.get(c, task_id))
            if row is None or row.desired_status == TaskStatus.STOPPED:
                return

    async def _start(self, task: TaskRecord, name: str) -> bool:
        try:
            await self._docker.start_container(task.task_id, name)
        except EngineRefusal as error:
            if error.status >= 500 and error.retryable and "OCI runtime" not in error.message:
                raise
            reason = f"CannotStartContainerError: {engines_words(error)}"
            return await self._store(task, given_up(task, name, reason))
        now = self._clock()
        started = with_container(
            task, name, lambda each: replace(each, last_status=RUNNING, started_at=now)
        )
        return await self._store(task, started)

    async def _signal(self, task: TaskRecord, name: str, *, kill: bool) -> bool:
        states = await self._docker.state(task.task_id) or {}
        if name in states:
            signal = "SIGKILL" if kill else states[name].stop_signal
            await self._docker.kill(task.task_id, name, signal)
        if kill:
            await asyncio.sleep(_RETRY_SECONDS[0])
            return True
        now = self._clock()
        return await self._store(
            task, with_container(task, name, lambda each: replace(each, signalled_at=now))
        )

    async def _remove(self, task: TaskRecord, cause: str) -> bool:
        """Remove all that the task has outside the database; its credentials end first."""
        await self._preparation.end(task)
        await self._logs.finish(task.task_id)
        await self._docker.remove(task.task_id)
        if task.pull_started_at is not None and task.pull_stopped_at is None:
            # Preparation was given up: the engine may have been making a container just then.
            await asyncio.sleep(_SETTLE_SECONDS)
            await self._docker.remove(task.task_id)
        stopped = moved(task, Move(TaskStatus.STOPPED, cause), self._clock())
        if not await self._store(task, stopped):
            return False
        await self._database.write(lambda c: ecs_tasks.delete_log_positions(c, task.task_id))
        return True

    async def _store(self, before: TaskRecord, after: TaskRecord) -> bool:
        now = self._clock()
        return await self._database.write(lambda c: stored_tasks.change(c, before, after, now))

    async def _current(self, task: TaskRecord) -> TaskRecord:
        row = await self._database.read(lambda c: ecs_tasks.get(c, task.task_id))
        return task if row is None else stored_tasks.record(row)

    async def _watch(self) -> None:
        """Wake the tasks that the engine tells of; all of them whenever it may have been missed."""
        while True:
            try:
                for task_id in list(self._woken):
                    self.wake(task_id)
                async for task_id in self._docker.changes(KIND):
                    if task_id in self._woken:
                        self.wake(task_id)
            except EngineError as error:
                _LOG.warning("the engine's events are missed: %s; trying again", error)
            except Exception:  # noqa: BLE001 (the loop's boundary)
                _LOG.exception("the engine's events could not be followed")
            await asyncio.sleep(_RETRY_SECONDS[1])

    async def _forget(self) -> None:
        """Forget what stopped long ago."""
        while True:
            forget = partial(ecs_tasks.delete_stopped, before=self._clock() - _REMEMBERED)
            try:
                await self._database.write(forget)
            except EngineError as error:
                _LOG.warning("stopped tasks could not be forgotten: %s", error)
            await asyncio.sleep(_FORGET_SECONDS)


def _pause(status: TaskStatus) -> float:
    return _LOOK_SECONDS if status is TaskStatus.RUNNING else _LOOK_CLOSELY_SECONDS


def _failed(task: TaskRecord, error: CannotStart, now: datetime) -> TaskRecord:
    """Return the task on its way out, and the container at fault with the reason."""
    task = replace(task, pull_stopped_at=now)
    if error.container is not None:
        task = with_container(
            task, error.container, lambda each: replace(each, reason=error.reason)
        )
    return moved(
        task, Move(TaskStatus.DEPROVISIONING, error.reason, FAILED_TO_START, error.reason), now
    )


def _with_network(
    task: TaskRecord, definition: TaskDefinition, sandbox: SandboxState | None
) -> TaskRecord:
    """Return the task with its address and each container's published ports."""
    if sandbox is None:
        return task
    containers = []
    for record, container in zip(task.containers, definition.containers, strict=True):
        mapped = {(port["containerPort"], port["protocol"]) for port in container["portMappings"]}
        bindings = tuple(
            NetworkBinding(each.container_port, each.host_port, each.protocol)
            for each in sandbox.ports
            if (each.container_port, each.protocol) in mapped
        )
        containers.append(replace(record, network_bindings=bindings))
    return replace(task, private_ipv4=sandbox.ipv4, containers=tuple(containers))
