"""Everything stored of load balancing at one moment, and what HAProxy is to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from penstock.storage import load_balancing_targets
from penstock.storage.load_balancing_targets import TargetRow
from penstock.workloads.load_balancing import store
from penstock.workloads.load_balancing.haproxy_config import Backend, Desired, Frontend, Server
from penstock.workloads.load_balancing.records import (
    Listener,
    LoadBalancer,
    Rule,
    TargetGroup,
    forwarded_to,
)
from penstock.workloads.load_balancing.targets import TargetState

_HERE = "127.0.0.1"
_IDLE_TIMEOUT = "idle_timeout.timeout_seconds"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All records."""

    load_balancers: Sequence[LoadBalancer]
    target_groups: Mapping[str, TargetGroup]
    listeners: Sequence[Listener]
    rules: Sequence[Rule]
    targets: Sequence[TargetRow]

    def users(self, target_group_arn: str) -> list[str]:
        """Return the ARNs of the load balancers that forward to a group."""
        found: dict[str, None] = {}
        for listener in self.listeners:
            actions = [listener.actions, *(rule.actions for rule in self.rules_of(listener.arn))]
            groups = {arn for each in actions for arn, _ in forwarded_to(each)}
            if target_group_arn in groups:
                found[listener.load_balancer_arn] = None
        return list(found)

    def rules_of(self, listener_arn: str) -> list[Rule]:
        """Return a listener's rules in order of priority, without the default one."""
        mine = [rule for rule in self.rules if rule.listener_arn == listener_arn]
        return sorted(mine, key=lambda rule: rule.priority)


def read(connection: sa.Connection) -> Snapshot:
    """Read all records in one unit of work."""
    groups = store.every(connection, TargetGroup)
    return Snapshot(
        store.every(connection, LoadBalancer),
        {group.arn: group for group in groups},
        store.every(connection, Listener),
        store.every(connection, Rule),
        load_balancing_targets.read(connection),
    )


def server_name(target: TargetRow) -> str:
    """Return a target's name in HAProxy."""
    return f"{target.target_id}:{target.port}"


def desired(snapshot: Snapshot, control_port: int, certificate_digest: str) -> Desired:
    """Return what HAProxy is to do."""
    balancers = {balancer.arn: balancer for balancer in snapshot.load_balancers}
    frontends = []
    for listener in snapshot.listeners:
        balancer = balancers[listener.load_balancer_arn]
        frontends.append(
            Frontend(
                listener,
                balancer.address,
                balancer.ports.get(listener.port, listener.port),
                snapshot.rules_of(listener.arn),
                int(balancer.attributes[_IDLE_TIMEOUT]),
            )
        )
    backends = []
    for arn, group in snapshot.target_groups.items():
        users = snapshot.users(arn)
        if users:
            idle = int(balancers[users[0]].attributes[_IDLE_TIMEOUT])
            servers = [_server(t) for t in snapshot.targets if _is_wanted(t, arn)]
            backends.append(Backend(group, servers, idle))
    return Desired(frontends, backends, control_port, certificate_digest)


def _is_wanted(target: TargetRow, target_group_arn: str) -> bool:
    return target.target_group_arn == target_group_arn and target.draining_since is None


def _server(target: TargetRow) -> Server:
    return Server(
        server_name(target),
        _HERE if target.target_id.startswith("i-") else target.target_id,
        target.port,
        healthy=target.state == TargetState.HEALTHY,
        open=target.state == TargetState.UNHEALTHY,
    )
