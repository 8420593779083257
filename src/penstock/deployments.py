"""CloudFormation and what its stacks bring to life, wired: ECS and load balancing.

Everything here may be called before the container engine answers; `attach` gives it the engine.
"""

import contextlib
import os
from collections.abc import Mapping
from functools import cached_property

from penstock.aws.in_process import InProcess
from penstock.aws.service import Service
from penstock.clock import Clock
from penstock.config import Config
from penstock.containers.docker_runner import DockerRunner
from penstock.services.iam import Iam
from penstock.services.logs import Logs
from penstock.services.secretsmanager import Secrets
from penstock.services.ssm import Parameters
from penstock.services.sts import Sts
from penstock.services.sts.task_credentials import TaskCredentials
from penstock.stacks import api as stacks_api
from penstock.stacks.change_sets import ChangeSets
from penstock.stacks.resource_types.handler import ResourceHandler
from penstock.stacks.resource_types.table import handlers
from penstock.stacks.stacks import Stacks
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import Outbox
from penstock.workloads.ecs import api as ecs_api
from penstock.workloads.ecs.clusters import Clusters
from penstock.workloads.ecs.ecs import Ecs
from penstock.workloads.ecs.services import Services
from penstock.workloads.ecs.task_definitions import TaskDefinitions
from penstock.workloads.ecs.task_preparation import PullToken, TaskPreparation
from penstock.workloads.ecs.task_secrets import TaskSecrets
from penstock.workloads.ecs.task_spec import Place
from penstock.workloads.ecs.tasks import Tasks
from penstock.workloads.load_balancing import api as load_balancing_api
from penstock.workloads.load_balancing.load_balancing import LoadBalancing
from penstock.workloads.load_balancing.proxy import Proxy


class Deployments:
    """Stacks, ECS and load balancing of one server."""

    def __init__(
        self,
        config: Config,
        database: Database,
        outbox: Outbox,
        cipher: Cipher,
        clock: Clock,
        instance_id: str,
        *,
        in_process: InProcess,
        iam: Iam,
        sts: Sts,
        logs: Logs,
        parameters: Parameters,
        secrets: Secrets,
        credentials: TaskCredentials,
        pull_token: PullToken,
    ) -> None:
        account = {"account_id": config.account_id, "region": config.region}
        self._in_process = in_process
        preparation = TaskPreparation(
            credentials,
            iam.authorize,
            TaskSecrets(parameters, secrets, iam.authorize, **account),
            logs,
            pull_token,
            Place(instance_id, config.region, float(os.cpu_count() or 1)),
            config.account_id,
        )
        self._load_balancing = LoadBalancing(
            database,
            clock,
            instance_id=instance_id,
            address=config.load_balancer_address,
            own_ports=(config.port,),
            **account,
        )
        self._task_definitions = TaskDefinitions(database, clock, **account)
        self._tasks = Tasks(database, clock, self._task_definitions, preparation, logs, **account)
        services = Services(
            database,
            outbox,
            self._tasks,
            self._load_balancing,
            clock,
            instance_id=instance_id,
            **account,
        )
        self._ecs = Ecs(
            Clusters(database, clock, **account),
            self._task_definitions,
            self._tasks,
            services,
            instance_id,
        )
        self._stacks = Stacks(
            database,
            outbox,
            cipher,
            in_process,
            sts,
            clock,
            lambda: self._handlers,
            config.account_id,
            config.region,
            refuse_recorded=config.refuse_recorded,
        )
        self._change_sets = ChangeSets(database, cipher, self._stacks, in_process, clock)

    def services(self) -> list[Service]:
        """The AWS services that answer here."""
        return [
            stacks_api.service(self._stacks, self._change_sets),
            ecs_api.service(self._ecs),
            load_balancing_api.service(self._load_balancing),
        ]

    async def start(self) -> None:
        """Go on with unfinished stacks and services; what needs the engine waits for it."""
        await self._ecs.services.start()
        await self._stacks.start()
        await self._change_sets.start()

    async def attach(self, docker: DockerRunner, proxy: Proxy) -> None:
        """Take up tasks and load balancers on the engine. Raises EngineError."""
        await self._tasks.attach(docker)
        self._load_balancing.attach(proxy)

    async def close(self) -> None:
        """End every loop; stacks go on at the next start, tasks and load balancers meanwhile."""
        async with contextlib.AsyncExitStack() as ending:
            ending.push_async_callback(self._load_balancing.close)
            ending.push_async_callback(self._tasks.close)
            ending.push_async_callback(self._ecs.services.close)
            ending.push_async_callback(self._stacks.close)

    async def support(self, stack_id: str) -> Mapping[str, str]:
        """Return what stands behind each resource of a stack: running, kept or recorded."""
        state = await self._stacks.state(stack_id)
        found = state.resources if state else {}
        return {logical_id: resource.support for logical_id, resource in found.items()}

    @cached_property
    def _handlers(self) -> Mapping[str, ResourceHandler]:
        return handlers(self._in_process)
