"""The account's ECS services: made, changed and deleted here; carried out by the service loop.

Texts: as AWS's users print them (spinnaker#5476, alchemy#1581); the others are unverified.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.storage import ecs_service_events
from penstock.storage.database import Database
from penstock.storage.ecs_service_events import ServiceEvent
from penstock.storage.outbox import Outbox
from penstock.workloads.container_instance import ec2_instance_id
from penstock.workloads.ecs import stored_services
from penstock.workloads.ecs.clusters import Cluster
from penstock.workloads.ecs.service_loop import ServiceLoop
from penstock.workloads.ecs.service_state import (
    Deployment,
    ServiceLoadBalancer,
    ServiceState,
    ServiceStatus,
    new_deployment_id,
)
from penstock.workloads.ecs.service_world import BalancesLoad, RunsTasks, ServiceWorld
from penstock.workloads.ecs.stored_services import StoredService
from penstock.workloads.ecs.task_definitions import TaskDefinition
from penstock.workloads.task_records import TaskRecord


@dataclass(frozen=True, slots=True)
class DescribedService:
    """A service with its tasks as they are, and its events, the newest first."""

    state: ServiceState
    tags: Mapping[str, str]
    tasks: Sequence[TaskRecord]
    events: Sequence[ServiceEvent]


class Services:
    """The services of one account and region, and the loop that looks after them."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        tasks: RunsTasks,
        load_balancing: BalancesLoad,
        clock: Clock,
        *,
        account_id: str,
        region: str,
        instance_id: str,
    ) -> None:
        self._database = database
        self._world = ServiceWorld(tasks, load_balancing)
        self._loop = ServiceLoop(database, outbox, self._world, clock)
        self._load_balancing = load_balancing
        self._clock = clock
        self._account_id = account_id
        self._region = region
        self._ec2_instance_id = ec2_instance_id(instance_id)

    async def start(self) -> None:
        """Go on with every service."""
        await self._loop.start()

    async def close(self) -> None:
        """Stop looking after services; their tasks go on."""
        await self._loop.close()

    def arn(self, cluster: Cluster, name: str) -> str:
        """Return the ARN of a service of a cluster."""
        return arn("ecs", self._region, self._account_id, f"service/{cluster.name}/{name}")

    async def target_type(self, target_group_arn: str) -> str:
        """Return `ip` or `instance`; raise InvalidParameterException for a target group that does
        not exist or that no load balancer uses."""
        found = await self._load_balancing.target_group(target_group_arn)
        if found is None:
            raise ServiceError(
                "InvalidParameterException",
                f"The target group {target_group_arn} does not exist.",
            )
        if not (await self._load_balancing.snapshot()).users(target_group_arn):
            raise ServiceError(
                "InvalidParameterException",
                f"The target group with targetGroupArn {target_group_arn} does not have an "
                "associated load balancer.",
            )
        return found.target_type

    async def get(self, cluster: Cluster, name: str) -> StoredService | None:
        """Return a service by its name, an INACTIVE one too, or None."""
        key = stored_services.key_of(cluster.name, name)
        return await self._database.read(lambda c: stored_services.get(c, key))

    async def all(self, cluster: Cluster) -> list[StoredService]:
        """Return a cluster's services in order of name, without INACTIVE ones."""
        found = await self._database.read(lambda c: stored_services.scan(c, cluster.name))
        return [each for each in found if each.state.status is not ServiceStatus.INACTIVE]

    async def described(self, stored: StoredService) -> DescribedService:
        """Return a service with what goes with it."""
        state = stored.state
        tasks = await self._world.tasks(state)
        events = await self._database.read(lambda c: ecs_service_events.newest(c, state.arn))
        return DescribedService(state, stored.tags, tasks, events)

    def new_deployment(self, definition: TaskDefinition) -> Deployment:
        """Return a deployment that begins now."""
        checked = any(
            each.get("healthCheck") and each.get("essential", True)
            for each in definition.containers
        )
        now = self._clock()
        new_id = new_deployment_id()
        reason = f"ECS deployment {new_id} in progress."
        return Deployment(new_id, definition.arn, checked, now, now, rollout_state_reason=reason)

    def new_state(
        self,
        cluster: Cluster,
        name: str,
        desired_count: int,
        deployment: Deployment,
        load_balancers: tuple[ServiceLoadBalancer, ...],
    ) -> ServiceState:
        """Return a service that does not exist yet."""
        return ServiceState(
            arn=self.arn(cluster, name),
            name=name,
            cluster_arn=cluster.arn,
            ec2_instance_id=self._ec2_instance_id,
            desired_count=desired_count,
            deployments=(deployment,),
            created_at=deployment.created_at,
            load_balancers=load_balancers,
        )

    async def create(
        self,
        cluster: Cluster,
        state: ServiceState,
        tags: Mapping[str, str],
        is_same: Callable[[ServiceState], bool],
    ) -> StoredService:
        """Store a new service; return the one of its name for which `is_same` is true.

        Raises InvalidParameterException when another service has the name.
        """
        key = stored_services.key_of(cluster.name, state.name)

        def create(connection: sa.Connection) -> StoredService:
            found = stored_services.get(connection, key)
            if found is None or found.state.status is ServiceStatus.INACTIVE:
                stored_services.insert(connection, key, state, tags, state.created_at)
                return StoredService(state, 1, tags)
            if found.state.status is ServiceStatus.DRAINING:
                raise ServiceError(
                    "InvalidParameterException",
                    "Unable to Start a service that is still Draining.",
                )
            if not is_same(found.state):
                raise ServiceError(
                    "InvalidParameterException", "Creation of service was not idempotent."
                )
            return found

        return await self._database.write(create)

    async def change(
        self, cluster: Cluster, name: str, make: Callable[[ServiceState], ServiceState]
    ) -> StoredService:
        """Replace a service by what `make` makes of it; raise ServiceNotFoundException or
        ServiceNotActiveException."""

        def changed(stored: StoredService) -> ServiceState:
            if not stored_services.is_active(stored):
                raise ServiceError("ServiceNotActiveException", "Service was not ACTIVE.")
            return make(stored.state)

        key = stored_services.key_of(cluster.name, name)
        return await self._database.write(
            partial(stored_services.change, key=key, make=changed, now=self._clock())
        )

    async def delete(self, cluster: Cluster, name: str, *, force: bool) -> StoredService:
        """Let a service drain; it is INACTIVE once its tasks are gone. Repeating it is harmless.

        Raises ServiceNotFoundException, and InvalidParameterException while tasks are wanted and
        `force` is not set.
        """

        def drained(stored: StoredService) -> ServiceState:
            state = stored.state
            if state.status is ServiceStatus.INACTIVE:
                raise ServiceError("ServiceNotFoundException", "Service not found.")
            if state.desired_count and not force:
                raise ServiceError(
                    "InvalidParameterException",
                    "The service cannot be stopped while it is scaled above 0.",
                )
            return replace(state, status=ServiceStatus.DRAINING, desired_count=0, steady=False)

        key = stored_services.key_of(cluster.name, name)
        return await self._database.write(
            partial(stored_services.change, key=key, make=drained, now=self._clock())
        )

    async def set_tags(
        self, service_arn: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> Mapping[str, str]:
        """Replace a service's tags by what `change` makes of them and return them; raise
        ServiceNotFoundException."""
        key = service_arn.partition(":service/")[2]
        now = self._clock()

        def update(connection: sa.Connection) -> Mapping[str, str]:
            found = stored_services.found_or_missing(stored_services.get(connection, key))
            tags = change(found.tags)
            stored_services.set_tags(connection, key, tags, now)
            return tags

        return await self._database.write(update)
