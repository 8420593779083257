"""Load balancing as the rest of the server sees it: records, targets, and the loop behind them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from penstock.clock import Clock
from penstock.storage import load_balancing_targets
from penstock.storage.database import Database
from penstock.storage.outbox import publish
from penstock.workloads.load_balancing import snapshot, store
from penstock.workloads.load_balancing.health import DRAINING, NOT_IN_USE, REGISTERING
from penstock.workloads.load_balancing.proxy import Proxy
from penstock.workloads.load_balancing.reconciliation import TARGET_HEALTH_CHANGED, Reconciliation
from penstock.workloads.load_balancing.records import TargetGroup
from penstock.workloads.load_balancing.snapshot import Snapshot
from penstock.workloads.load_balancing.targets import Target, TargetHealth, TargetState

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Whose load balancers these are, and where: `address` None gives each one of its own."""

    account_id: str
    region: str
    instance_id: str
    address: str | None
    own_ports: Collection[int] = ()
    """Of this host's loopback; nobody may have them as targets."""


class LoadBalancing:
    """The load balancers of one server instance.

    `address` is one of this host's, on which all listen; None gives each one of 127.0.0.0/8.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        account_id: str,
        region: str,
        instance_id: str,
        address: str | None = None,
        own_ports: Collection[int] = (),
    ) -> None:
        self.place = Place(account_id, region, instance_id, address, own_ports)
        self._database = database
        self._clock = clock
        self._reconciliation = Reconciliation(database, clock)

    def attach(self, proxy: Proxy) -> None:
        """Bring to life what is stored, and keep it so; the engine is ready. May be repeated."""
        self._reconciliation.attach(proxy)

    async def close(self) -> None:
        """End the loop; the load balancer's container serves on."""
        await self._reconciliation.close()

    @property
    def applied(self) -> bool:
        """Whether all that is stored is served."""
        return self._reconciliation.applied

    async def settled(self, timeout_seconds: float = 10.0) -> bool:
        """Wait until what is stored is served; return whether it is."""
        return await self._reconciliation.settled(timeout_seconds)

    async def look(self, work: Callable[[sa.Connection], T]) -> T:
        """Read in one unit of work."""
        return await self._database.read(work)

    async def change(self, work: Callable[[sa.Connection], T]) -> T:
        """Write in one unit of work, and have it served."""
        result = await self._database.write(work)
        self._reconciliation.changed()
        return result

    async def snapshot(self) -> Snapshot:
        """Return everything that is stored."""
        return await self.look(snapshot.read)

    async def target_group(self, arn: str) -> TargetGroup | None:
        """Return a target group."""
        return await self.look(lambda c: store.find(c, TargetGroup, arn))

    async def register_targets(self, target_group_arn: str, targets: Sequence[Target]) -> None:
        """Register targets; those that are registered already stay as they are.

        Raises ServiceError TargetGroupNotFoundException.
        """
        now = self._clock()

        def register(connection: sa.Connection) -> None:
            store.target_group(connection, target_group_arn)
            used = bool(snapshot.read(connection).users(target_group_arn))
            first = REGISTERING if used else NOT_IN_USE
            for target in targets:
                load_balancing_targets.register(
                    connection,
                    target_group_arn,
                    target.id,
                    target.port,
                    state=first.state,
                    reason=first.reason,
                    description=first.description,
                    now=now,
                )
                _publish(connection, target_group_arn, target, first.state, now)

        await self.change(register)

    async def deregister_targets(self, target_group_arn: str, targets: Sequence[Target]) -> None:
        """Begin draining: no new requests; gone from `target_health` when none is under way, or
        after the group's deregistration delay. Those that are not registered are no error."""
        now = self._clock()

        def deregister(connection: sa.Connection) -> None:
            store.target_group(connection, target_group_arn)
            for target in targets:
                began = load_balancing_targets.drain(
                    connection,
                    target_group_arn,
                    target.id,
                    target.port,
                    state=TargetState.DRAINING,
                    reason=DRAINING.reason or "",
                    description=DRAINING.description or "",
                    now=now,
                )
                if began:
                    _publish(connection, target_group_arn, target, TargetState.DRAINING, now)
            _forget_undrainable(connection, target_group_arn)

        await self.change(deregister)

    async def target_health(self, target_group_arn: str) -> list[TargetHealth]:
        """Return a group's registered and draining targets."""
        rows = await self.look(lambda c: load_balancing_targets.read(c, target_group_arn))
        return [
            TargetHealth(
                Target(row.target_id, row.port),
                TargetState(row.state),
                row.reason,
                row.description,
            )
            for row in rows
        ]


def _forget_undrainable(connection: sa.Connection, target_group_arn: str) -> None:
    """Remove the draining targets of a group that takes no requests: nothing is under way."""
    if snapshot.read(connection).users(target_group_arn):
        return
    for row in load_balancing_targets.read(connection, target_group_arn):
        if row.draining_since is not None:
            load_balancing_targets.remove_drained(connection, row)


def _publish(
    connection: sa.Connection,
    target_group_arn: str,
    target: Target,
    state: TargetState,
    now: datetime,
) -> None:
    detail = {"targetId": target.id, "port": target.port, "state": str(state)}
    publish(connection, TARGET_HEALTH_CHANGED, target_group_arn, detail, now)
