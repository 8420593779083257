"""The loop that carries a service's decisions out. It has no judgement: `decide` has.

A look at a service is: read it, its tasks and its targets; decide; store the decisions; do what is
outstanding. Whatever it is about to do stands in the database first and is repeated until the world
shows it, so at start it simply looks at every service. Events of tasks, targets and callers wake
it.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from penstock.arns import resource_of
from penstock.aws.errors import ServiceError
from penstock.background_work import BackgroundWork
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.storage import outbox
from penstock.storage.database import Database
from penstock.storage.outbox import Event, Outbox
from penstock.workloads.ecs import stored_services
from penstock.workloads.ecs.outstanding import (
    STOP_CODE,
    Deregister,
    Effect,
    Register,
    Start,
    Stop,
    outstanding,
)
from penstock.workloads.ecs.scheduler import decide
from penstock.workloads.ecs.service_decisions import (
    Decision,
    ReportTrouble,
    TaskEnded,
    TaskFailed,
)
from penstock.workloads.ecs.service_health import next_look
from penstock.workloads.ecs.service_state import ServiceState, ServiceStatus
from penstock.workloads.ecs.service_world import ServiceWorld
from penstock.workloads.ecs.stored_services import StoredService
from penstock.workloads.ecs.stored_tasks import STATE_CHANGED
from penstock.workloads.task_records import TaskRecord

_log = logging.getLogger(__name__)

TARGET_HEALTH_CHANGED = "elasticloadbalancing.TargetHealthChanged"
_FOLLOWED = frozenset({stored_services.CHANGED, STATE_CHANGED, TARGET_HEALTH_CHANGED})
_FIRST_BACK_OFF_SECONDS = 0.5
_LONGEST_BACK_OFF_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 2.0
"""Until the next look at a service that is not steady, should no event come."""


class ServiceLoop:
    """Looks after every service of one server. A service is known by its key, `CLUSTER/NAME`."""

    def __init__(
        self, database: Database, events: Outbox, world: ServiceWorld, clock: Clock
    ) -> None:
        self._database = database
        self._outbox = events
        self._world = world
        self._clock = clock
        self._background = BackgroundWork(_log, "the service scheduler lost a task")
        self._dirty: set[str] = set()
        self._looking: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._failures: dict[str, int] = {}
        self._groups: dict[str, frozenset[str]] = {}
        """A service's key → its target groups."""
        self._position = 0
        self._closed = False

    async def start(self) -> None:
        """Look at every service that is not INACTIVE, then follow the outbox."""
        self._position = await self._database.read(outbox.last_position)
        for stored in await self._database.read(stored_services.scan):
            if stored.state.status is not ServiceStatus.INACTIVE:
                key = _key(stored.state.arn)
                self._groups[key] = _groups_of(stored.state)
                self.wake(key)
        self._background.spawn(self._follow())

    async def close(self) -> None:
        """End every task; a later `start` goes on from the rows."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        await self._background.close()

    def wake(self, key: str) -> None:
        """Look at a service soon. Calling it once too often is harmless."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._dirty.add(key)
        if key not in self._looking and not self._closed:
            self._looking.add(key)
            self._background.spawn(self._look_while_dirty(key))

    def _back_off_seconds(self, key: str) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        return min(_FIRST_BACK_OFF_SECONDS * 2.0 ** (failures - 1), _LONGEST_BACK_OFF_SECONDS)

    async def _follow(self) -> None:
        while True:
            try:
                events = await self._outbox.next_after(self._position, kinds=_FOLLOWED)
                for event in events:
                    for key in self._concerned(event):
                        self.wake(key)
                self._position = events[-1].position
                self._failures.pop("", None)
            except Exception:  # noqa: BLE001 - the loop's boundary: log, take the events again
                _log.exception("the service scheduler could not take an event; it tries again")
                await asyncio.sleep(self._back_off_seconds(""))

    def _concerned(self, event: Event) -> list[str]:
        """The keys of the services to which an event matters."""
        if event.kind == stored_services.CHANGED:
            return [_key(event.subject)]
        if event.kind == TARGET_HEALTH_CHANGED:
            return [key for key, groups in self._groups.items() if event.subject in groups]
        name = str(event.detail["group"])
        if not name.startswith("service:"):
            return []
        cluster = resource_of(event.detail["clusterArn"], "cluster/") or ""
        return [stored_services.key_of(cluster, name.removeprefix("service:"))]

    async def _look_while_dirty(self, key: str) -> None:
        delay: float | None = None
        try:
            while key in self._dirty:
                self._dirty.discard(key)
                delay = await self._look(key)
                self._failures.pop(key, None)
                if delay == 0.0:
                    self._dirty.add(key)
        except EngineError as error:
            delay = self._back_off_seconds(key)
            _log.warning("service %s: %s; tried again in %.1f s", key, error, delay)
        except Exception:  # noqa: BLE001 - the task's boundary: a bug is logged, the look repeated
            delay = self._back_off_seconds(key)
            _log.exception("service %s could not go on; tried again in %.1f s", key, delay)
        finally:
            self._looking.discard(key)
        if delay is not None and not self._closed:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(delay, self.wake, key)

    async def _look(self, key: str) -> float | None:
        """Look once; return the seconds until the next look, None when only an event matters."""
        stored = await self._database.read(lambda c: stored_services.get(c, key))
        if stored is None or stored.state.status is ServiceStatus.INACTIVE:
            self._groups.pop(key, None)
            return None
        self._groups[key] = _groups_of(stored.state)
        tasks = await self._world.tasks(stored.state)
        targets = await self._world.targets(stored.state)
        now = self._clock()
        decisions = decide(stored.state, tasks, targets, now)
        if decisions:
            taken = await self._take(key, stored, decisions)
            if taken is None:
                return 0.0  # somebody changed the service meanwhile: look again
            stored = taken
        effects = outstanding(stored.state, tasks, targets)
        for effect in effects:
            await self._act(key, stored.state, effect)
        return 0.0 if decisions else self._delay(stored.state, tasks, acted=bool(effects))

    def _delay(
        self, state: ServiceState, tasks: Sequence[TaskRecord], *, acted: bool
    ) -> float | None:
        now = self._clock()
        moment = next_look(state, tasks, now)
        waits = [] if moment is None else [max((moment - now).total_seconds(), 0.05)]
        if acted or not state.steady:
            waits.append(_LOOK_AGAIN_SECONDS)
        return min(waits, default=None)

    async def _take(
        self, key: str, stored: StoredService, decisions: Sequence[Decision]
    ) -> StoredService | None:
        return await self._database.write(
            partial(
                stored_services.take,
                key=key,
                serial=stored.serial,
                decisions=decisions,
                now=self._clock(),
            )
        )

    async def _act(self, key: str, state: ServiceState, effect: Effect) -> None:
        try:
            match effect:
                case Start(task):
                    await self._world.start(task)
                case Stop(task_id, reason):
                    await self._world.stop(task_id, reason, STOP_CODE)
                case Register(registered):
                    await self._world.register(registered)
                case Deregister(registered):
                    await self._world.deregister(registered)
        except ServiceError as error:
            _log.warning("service %s: %s failed: %s", key, type(effect).__name__, error)
            await self._tell(key, _consequences(state, effect, error))

    async def _tell(self, key: str, decisions: Sequence[Decision]) -> None:
        stored = await self._database.read(lambda c: stored_services.get(c, key))
        if stored is not None and decisions:
            await self._take(key, stored, decisions)


def _consequences(state: ServiceState, effect: Effect, error: ServiceError) -> list[Decision]:
    """What follows when an effect is refused: a task that cannot start has failed."""
    if isinstance(effect, Start):
        task = effect.task
        cause = f"(service {state.name}) was unable to place a task. Reason: {error.message}"
        return [
            TaskFailed(task.task_id, task.started_by or "", cause),
            TaskEnded(task.task_id, cause),
        ]
    if isinstance(effect, Register):
        group = effect.registered.target_group_arn
        cause = (
            f"(service {state.name}) failed to register targets in (target-group {group}) with "
            f"(error {error.message})"
        )
        return [] if state.reported == cause else [ReportTrouble(cause)]
    return []


def _groups_of(state: ServiceState) -> frozenset[str]:
    return frozenset(each.target_group_arn for each in state.load_balancers)


def _key(service_arn: str) -> str:
    return resource_of(service_arn, "service/") or service_arn
