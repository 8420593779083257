"""The loop that makes HAProxy do what is stored, and stores how its targets are.

Each round reads everything, so that nothing is lost by a kill: containers, listeners and targets
are compared with the database, and only differences are acted on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.storage import load_balancing_targets
from penstock.storage.database import Database
from penstock.storage.load_balancing_targets import TargetRow
from penstock.storage.outbox import publish
from penstock.workloads.load_balancing.control import Control
from penstock.workloads.load_balancing.haproxy_config import Desired
from penstock.workloads.load_balancing.haproxy_rules import backend_name, open_name
from penstock.workloads.load_balancing.health import NOT_IN_USE, Health, health
from penstock.workloads.load_balancing.proxy import Proxy
from penstock.workloads.load_balancing.runtime import (
    ObservedServer,
    commands,
    commands_for_former,
)
from penstock.workloads.load_balancing.snapshot import Snapshot, desired, read, server_name
from penstock.workloads.load_balancing.targets import TargetState

TARGET_HEALTH_CHANGED = "elasticloadbalancing.TargetHealthChanged"

_LOG = logging.getLogger(__name__)
_ROUND_SECONDS = 1.0
_AFTER_COMMANDS_SECONDS = 0.2
_AFTER_TROUBLE_SECONDS = 2.0

_Place = tuple[str, str]


class Reconciliation:
    """One loop per server; it rests until `attach`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._proxy: Proxy | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._round_ended = asyncio.Condition()
        self._changes = 0
        self._applied = -1
        self._trouble: str | None = None
        self._told_last: list[str] = []

    @property
    def applied(self) -> bool:
        """Whether HAProxy does what is stored."""
        return self._applied >= self._changes

    def attach(self, proxy: Proxy) -> None:
        """Begin; a proxy that was attached before is replaced."""
        self._proxy = proxy
        self._applied = -1
        if self._task is None:
            self._task = asyncio.create_task(self._keep())
        self._wake.set()

    async def close(self) -> None:
        """End the loop; the container serves on."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def changed(self) -> None:
        """Have the loop look at once."""
        self._changes += 1
        self._wake.set()

    async def settled(self, timeout_seconds: float) -> bool:
        """Wait until what is stored now is served; at once where nothing is attached."""
        if self._proxy is None:
            return False
        wanted = self._changes
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds), self._round_ended:
                await self._round_ended.wait_for(lambda: self._applied >= wanted)
        return self._applied >= wanted

    async def _keep(self) -> None:
        while True:
            self._wake.clear()
            pause: float | None = None
            try:
                pause = await self._round()
                self._told(None)
            except EngineError as error:
                self._told(str(error))
                pause = _AFTER_TROUBLE_SECONDS
            except Exception:  # noqa: BLE001 (a boundary: without this loop nothing is balanced)
                _LOG.exception("the load balancer could not be kept as it is stored")
                pause = _AFTER_TROUBLE_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    def _told(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self._trouble:
            _LOG.warning("the load balancer waits: %s", trouble)
        self._trouble = trouble

    async def _round(self) -> float | None:
        """Compare and act once; return for how long to rest, None until something changes."""
        assert self._proxy is not None
        changes, pause = self._changes, None
        snapshot = await self._database.read(read)
        if snapshot.load_balancers:
            wanted = desired(
                snapshot, await self._proxy.control_port(), self._proxy.certificate_digest()
            )
            control = await self._proxy.ensure(wanted)
            told = await self._exchange(snapshot, wanted, control)
            new = bool(told) and told != self._told_last
            pause = _AFTER_COMMANDS_SECONDS if new else _ROUND_SECONDS
            self._told_last = told
        else:
            await self._proxy.remove()
            await self._fold(snapshot, Desired((), (), 0, ""), [], [])
        async with self._round_ended:
            self._applied = changes
            self._round_ended.notify_all()
        return pause

    async def _exchange(self, snapshot: Snapshot, wanted: Desired, control: Control) -> list[str]:
        """Tell every process what is new, and store what the current one sees; return the
        commands."""
        overdue = self._overdue(snapshot)
        current: list[ObservedServer] = []
        elsewhere: list[ObservedServer] = []
        all_told: list[str] = []
        for worker in await control.workers():
            seen = await control.servers(worker)
            if worker.current:
                current = seen
                passes = _first_passes(snapshot, seen)
                told = commands(wanted, seen, overdue=overdue, first_passes=passes)
            else:
                elsewhere += seen
                told = commands_for_former(wanted, seen)
            all_told += told
            for command in told:
                answer = (await control.tell(worker, command)).strip()
                _LOG.debug("load balancer %d: %s: %s", worker.process_id, command, answer)
        await self._fold(snapshot, wanted, current, elsewhere)
        return all_told

    def _overdue(self, snapshot: Snapshot) -> set[_Place]:
        now, found = self._clock(), set[_Place]()
        for target in snapshot.targets:
            group = snapshot.target_groups.get(target.target_group_arn)
            if target.draining_since is None or group is None:
                continue
            delay = timedelta(seconds=group.deregistration_delay_seconds)
            if now - target.draining_since >= delay:
                found.update((name, server_name(target)) for name in _backends(group.arn))
        return found

    async def _fold(
        self,
        snapshot: Snapshot,
        wanted: Desired,
        current: Sequence[ObservedServer],
        elsewhere: Sequence[ObservedServer],
    ) -> None:
        """Store the targets' health where it changed, and forget those that are drained."""
        now = self._clock()
        in_use = {backend.group.arn for backend in wanted.backends}
        seen = {(each.backend, each.name): each for each in current}
        busy = {(each.backend, each.name) for each in elsewhere if each.sessions}
        changed: list[tuple[TargetRow, Health]] = []
        drained: list[TargetRow] = []
        for target in snapshot.targets:
            arn, name = target.target_group_arn, server_name(target)
            places = [(backend, name) for backend in _backends(arn)]
            if target.draining_since is not None:
                if not any(place in seen or place in busy for place in places):
                    drained.append(target)
                continue
            is_now = NOT_IN_USE
            if arn in in_use:
                check = snapshot.target_groups[arn].health_check
                before = TargetState(target.state)
                is_now = health(before, target.registered_at, check, seen.get(places[0]), now)
            if (is_now.state, is_now.reason, is_now.description) != (
                target.state, target.reason, target.description,
            ):  # fmt: skip
                changed.append((target, is_now))
        if changed or drained:
            await self._database.write(lambda c: self._store(c, changed, drained))
            self._wake.set()

    def _store(
        self,
        connection: sa.Connection,
        changed: Sequence[tuple[TargetRow, Health]],
        drained: Sequence[TargetRow],
    ) -> None:
        now = self._clock()
        for target, is_now in changed:
            stored = load_balancing_targets.set_health(
                connection,
                target,
                state=is_now.state,
                reason=is_now.reason,
                description=is_now.description,
            )
            if stored and is_now.state != target.state:
                _publish(connection, target, is_now.state, now)
        for target in drained:
            if load_balancing_targets.remove_drained(connection, target):
                _publish(connection, target, TargetState.UNUSED, now)


def _publish(
    connection: sa.Connection, target: TargetRow, state: TargetState, now: datetime
) -> None:
    detail = {"targetId": target.target_id, "port": target.port, "state": str(state)}
    publish(connection, TARGET_HEALTH_CHANGED, target.target_group_arn, detail, now)


def _backends(target_group_arn: str) -> tuple[str, str]:
    return backend_name(target_group_arn), open_name(target_group_arn)


def _first_passes(snapshot: Snapshot, seen: Sequence[ObservedServer]) -> set[_Place]:
    """Return new targets whose last check succeeded, and which HAProxy still holds back."""
    found = {(each.backend, each.name): each for each in seen}
    passes = set[_Place]()
    for target in snapshot.targets:
        place = (backend_name(target.target_group_arn), server_name(target))
        each = found.get(place)
        new = target.state == TargetState.INITIAL and target.draining_since is None
        if new and each is not None and each.passed and not each.up and not each.stopped:
            passes.add(place)
    return passes
