"""CloudFormation and what its stacks bring to life, wired: ECS, load balancing and functions.

Everything here may be called before the container engine answers; `attach` gives it the engine.
"""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from starlette.routing import Route

from penstock.aws.in_process import InProcess
from penstock.aws.service import Service
from penstock.clock import Clock
from penstock.config import Config
from penstock.containers.docker_runner import DockerRunner
from penstock.services.iam import Iam
from penstock.services.logs import Logs
from penstock.services.s3 import Objects
from penstock.services.secretsmanager import Secrets
from penstock.services.ssm import Parameters
from penstock.services.sts import Sts
from penstock.services.sts.task_credentials import TaskCredentials
from penstock.stacks import api as stacks_api
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.handlers.handler import ResourceHandler
from penstock.stacks.registration import handlers
from penstock.stacks.responses.endpoint import response_route
from penstock.stacks.stacks import Stacks
from penstock.storage.blobs import Blobs
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
from penstock.workloads.functions import api as functions_api
from penstock.workloads.functions.container_runner import ContainerRunner
from penstock.workloads.functions.functions import Functions
from penstock.workloads.functions.invocations import Invocations
from penstock.workloads.load_balancing import api as load_balancing_api
from penstock.workloads.load_balancing.load_balancing import LoadBalancing
from penstock.workloads.load_balancing.proxy import Proxy


@dataclass(frozen=True, slots=True)
class Foundations:
    """The parts of the server that deployments stand on."""

    config: Config
    database: Database
    outbox: Outbox
    cipher: Cipher
    clock: Clock
    instance_id: str
    in_process: InProcess
    iam: Iam
    sts: Sts
    logs: Logs
    parameters: Parameters
    secrets: Secrets
    credentials: TaskCredentials
    pull_token: PullToken
    objects: Objects
    function_code: Blobs

    @property
    def place(self) -> dict[str, str]:
        """Account and Region, as constructors take them."""
        return {"account_id": self.config.account_id, "region": self.config.region}


class Deployments:
    """Stacks, ECS, load balancing and functions of one server."""

    def __init__(self, on: Foundations) -> None:
        self._on = on
        self._in_process = on.in_process
        self._load_balancing = LoadBalancing(
            on.database,
            on.clock,
            instance_id=on.instance_id,
            address=on.config.load_balancer_address,
            own_ports=(on.config.port,),
            **on.place,
        )
        self._ecs = _ecs(on, self._load_balancing)
        self._functions = Functions(
            on.database, on.function_code, on.cipher, on.sts, on.clock, **on.place
        )
        self._invocations = Invocations(on.database, self._functions, on.logs, on.cipher, on.clock)
        self._stacks = Stacks(
            on.database,
            on.outbox,
            on.cipher,
            on.in_process,
            on.sts,
            on.clock,
            lambda: self._handlers,
            on.config.account_id,
            on.config.region,
            refuse_recorded=on.config.refuse_recorded,
            response_url=on.config.link_url,
        )
        self.change_sets = ChangeSets(on.database, on.cipher, self._stacks, on.in_process, on.clock)

    @property
    def response_route(self) -> Route:
        """Where what stacks wait for is answered."""
        return response_route(self._stacks.responses)

    def services(self) -> list[Service]:
        """The AWS services that answer here."""
        return [
            stacks_api.service(self._stacks, self.change_sets),
            ecs_api.service(self._ecs),
            load_balancing_api.service(self._load_balancing),
            functions_api.service(self._functions, self._invocations, self._on.objects),
        ]

    async def start(self) -> None:
        """Go on with unfinished stacks and services; what needs the engine waits for it."""
        await self._functions.start()
        await self._ecs.services.start()
        await self._stacks.start()

    async def attach(self, docker: DockerRunner, proxy: Proxy) -> None:
        """Take up tasks, functions and load balancers on the engine. Raises EngineError."""
        await self._ecs.tasks.attach(docker)
        functions = ContainerRunner(
            docker,
            self._on.credentials,
            self._on.iam.authorize,
            self._functions.blobs,
            self._on.clock,
            self._on.place,
        )
        await functions.start()
        await self._invocations.attach(functions)
        self._load_balancing.attach(proxy)

    async def close(self) -> None:
        """End every loop; stacks go on at the next start, tasks and load balancers meanwhile."""
        async with contextlib.AsyncExitStack() as ending:
            ending.push_async_callback(self._load_balancing.close)
            ending.push_async_callback(self._invocations.close)
            ending.push_async_callback(self._ecs.tasks.close)
            ending.push_async_callback(self._ecs.services.close)
            ending.push_async_callback(self._stacks.close)

    async def support(self, stack_id: str) -> Mapping[str, str]:
        """Return what stands behind each resource of a stack: running, kept or recorded."""
        state = await self._stacks.state(stack_id)
        found = state.resources if state else {}
        return {logical_id: resource.support for logical_id, resource in found.items()}

    @cached_property
    def _handlers(self) -> Mapping[str, ResourceHandler]:
        return handlers(self._in_process, self._stacks)


def _ecs(on: Foundations, load_balancing: LoadBalancing) -> Ecs:
    preparation = TaskPreparation(
        on.credentials,
        on.iam.authorize,
        TaskSecrets(on.parameters, on.secrets, on.iam.authorize, **on.place),
        on.logs,
        on.pull_token,
        Place(on.instance_id, on.config.region, float(os.cpu_count() or 1)),
        on.config.account_id,
    )
    definitions = TaskDefinitions(on.database, on.clock, **on.place)
    tasks = Tasks(on.database, on.clock, definitions, preparation, on.logs, **on.place)
    services = Services(
        on.database,
        on.outbox,
        tasks,
        load_balancing,
        on.clock,
        instance_id=on.instance_id,
        **on.place,
    )
    clusters = Clusters(on.database, on.clock, **on.place)
    return Ecs(clusters, definitions, tasks, services, on.instance_id)
