"""ECS clusters: names that tasks and services stand under. All run on this one host.

A deleted cluster stays as INACTIVE, as on AWS, and can be created again.
Texts: as moto's ecs/models.py has them, whose wording AWS's users print too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from penstock.arns import arn, resource_of
from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.storage import ecs_tasks, resources
from penstock.storage.database import Database
from penstock.storage.resources import Resource

SERVICE, TYPE = "ecs", "cluster"
SERVICE_TYPE = "service"
"""Services are stored as resources of this type, named `CLUSTER/NAME`."""
ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster. `settings` is the API's list (`containerInsights`)."""

    name: str
    arn: str
    status: str = ACTIVE
    settings: Sequence[Mapping[str, str]] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """What DescribeClusters counts."""

    running_tasks: int
    pending_tasks: int
    active_services: int


class Clusters:
    """The account's clusters."""

    def __init__(self, database: Database, clock: Clock, *, account_id: str, region: str) -> None:
        self._database = database
        self._clock = clock
        self._account_id = account_id
        self._region = region

    def arn(self, name: str) -> str:
        """Return the ARN that a cluster of this name has."""
        return arn(SERVICE, self._region, self._account_id, f"cluster/{name}")

    async def get(self, name_or_arn: str) -> Cluster | None:
        """Return the cluster, an INACTIVE one too, or None."""
        name = _name(name_or_arn)
        found = await self._database.read(lambda c: resources.get(c, SERVICE, TYPE, name))
        return None if found is None else _cluster(found)

    async def active(self, name_or_arn: str | None) -> Cluster:
        """Return an ACTIVE cluster (`default` for None); raise ClusterNotFoundException."""
        found = await self.get(name_or_arn or DEFAULT)
        if found is None or found.status != ACTIVE:
            raise ServiceError("ClusterNotFoundException", "Cluster not found.")
        return found

    async def all(self) -> list[Cluster]:
        """Return the ACTIVE clusters in order of name."""
        found = await self._database.read(lambda c: resources.scan(c, SERVICE, TYPE))
        return [cluster for cluster in map(_cluster, found) if cluster.status == ACTIVE]

    async def create(
        self, name: str, settings: Sequence[Mapping[str, str]], tags: Mapping[str, str]
    ) -> Cluster:
        """Make a cluster; one that is there already is returned as it is."""
        now = self._clock()
        made = Cluster(name, self.arn(name), ACTIVE, settings, tags)

        def create(connection: sa.Connection) -> Cluster:
            found = resources.get(connection, SERVICE, TYPE, name)
            if found is not None and found.document["status"] == ACTIVE:
                return _cluster(found)
            resources.delete(connection, SERVICE, TYPE, name)
            document = _document(made)
            row = Resource(SERVICE, TYPE, name, made.arn, document, made.tags, now, now)
            resources.insert(connection, row)
            return made

        return await self._database.write(create)

    async def update(self, name_or_arn: str, settings: Sequence[Mapping[str, str]]) -> Cluster:
        """Replace settings by name; raise ClusterNotFoundException."""
        merged = {setting["name"]: setting for setting in settings}
        return await self._change(
            name_or_arn,
            lambda cluster: Cluster(
                cluster.name,
                cluster.arn,
                cluster.status,
                [*(s for s in cluster.settings if s["name"] not in merged), *merged.values()],
                cluster.tags,
            ),
        )

    async def set_tags(
        self, name_or_arn: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> Cluster:
        """Replace the tags by what `change` makes of them; raise ClusterNotFoundException."""
        return await self._change(
            name_or_arn,
            lambda cluster: Cluster(
                cluster.name, cluster.arn, cluster.status, cluster.settings, change(cluster.tags)
            ),
        )

    async def delete(self, name_or_arn: str) -> Cluster:
        """Make a cluster INACTIVE; raise ClusterNotFoundException, ClusterContainsServicesException
        or ClusterContainsTasksException."""
        now = self._clock()
        name = _name(name_or_arn)

        def delete(connection: sa.Connection) -> Cluster:
            cluster = _active(connection, name)
            if _active_services(connection, name):
                raise ServiceError(
                    "ClusterContainsServicesException",
                    "The Cluster cannot be deleted while Services are active.",
                )
            if ecs_tasks.of_cluster(connection, cluster.arn):
                raise ServiceError(
                    "ClusterContainsTasksException",
                    "The Cluster cannot be deleted while Tasks are active.",
                )
            gone = Cluster(name, cluster.arn, INACTIVE, cluster.settings)
            resources.update(
                connection, SERVICE, TYPE, name, now=now, document=_document(gone), tags={}
            )
            return gone

        return await self._database.write(delete)

    async def counts(self, cluster: Cluster) -> Counts:
        """Count a cluster's tasks and services as they are now."""

        def count(connection: sa.Connection) -> Counts:
            statuses = [row.last_status for row in ecs_tasks.of_cluster(connection, cluster.arn)]
            pending = sum(s in {"PROVISIONING", "PENDING", "ACTIVATING"} for s in statuses)
            return Counts(
                statuses.count("RUNNING"), pending, _active_services(connection, cluster.name)
            )

        return await self._database.read(count)

    async def _change(self, name_or_arn: str, change: Callable[[Cluster], Cluster]) -> Cluster:
        now = self._clock()
        name = _name(name_or_arn)

        def update(connection: sa.Connection) -> Cluster:
            changed = change(_active(connection, name))
            resources.update(
                connection, SERVICE, TYPE, name, now=now,
                document=_document(changed), tags=changed.tags,
            )  # fmt: skip
            return changed

        return await self._database.write(update)


def _name(name_or_arn: str) -> str:
    return resource_of(name_or_arn, "cluster/") or name_or_arn


def _active(connection: sa.Connection, name: str) -> Cluster:
    found = resources.get(connection, SERVICE, TYPE, name)
    if found is None or found.document["status"] != ACTIVE:
        raise ServiceError("ClusterNotFoundException", "Cluster not found.")
    return _cluster(found)


def _active_services(connection: sa.Connection, cluster_name: str) -> int:
    found = resources.scan(connection, SERVICE, SERVICE_TYPE, prefix=f"{cluster_name}/")
    return sum(service.document.get("status") != INACTIVE for service in found)


def _document(cluster: Cluster) -> dict[str, Any]:
    return {"status": cluster.status, "settings": [dict(s) for s in cluster.settings]}


def _cluster(found: Resource) -> Cluster:
    document = found.document
    return Cluster(found.name, found.arn, document["status"], document["settings"], found.tags)
