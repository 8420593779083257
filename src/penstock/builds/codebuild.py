"""All of CodeBuild put together, for the composition root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from penstock.builds.builds import Builds
from penstock.builds.credentials import BuildCredentials
from penstock.builds.execution import Execution
from penstock.builds.plan import Layout
from penstock.builds.preparation import Preparation, PullToken
from penstock.builds.projects import Projects
from penstock.builds.results import ArtifactStore
from penstock.builds.runner import BuildRunner
from penstock.builds.sources import Sources
from penstock.builds.task import Limits
from penstock.builds.variables import VariableResolver
from penstock.clock import Clock
from penstock.config import Config
from penstock.containers.docker_runner import DockerRunner
from penstock.repositories.hosting import Repositories
from penstock.services.iam import Iam
from penstock.services.logs import Logs
from penstock.services.s3 import Objects
from penstock.services.secretsmanager import Secrets
from penstock.services.ssm import Parameters
from penstock.services.sts import Sts
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher


@dataclass(frozen=True, slots=True)
class CodeBuild:
    """The parts that others use. `start` begins to run builds, `close` stops following them."""

    builds: Builds
    projects: Projects
    credentials: BuildCredentials
    runner: BuildRunner

    async def start(self) -> None:
        """Resume unfinished builds and take up queued ones; the engine must be set up."""
        await self.runner.start()

    async def close(self) -> None:
        """Stop following builds: they go on in their containers until the next start."""
        await self.runner.close()


def compose(
    *,
    database: Database,
    config: Config,
    clock: Clock,
    cipher: Cipher,
    docker: DockerRunner,
    objects: Objects,
    logs: Logs,
    secrets: Secrets,
    parameters: Parameters,
    iam: Iam,
    sts: Sts,
    repositories: Repositories,
    pull_token: PullToken | None = None,
    forget_cache: Callable[[str], Awaitable[None]] | None = None,
    limits: Limits | None = None,
    layout: Layout | None = None,
) -> CodeBuild:
    """Return CodeBuild over these services.

    `pull_token` is `Ecr.mint`; `forget_cache` drops a project's layer caches by its ARN
    (`CacheVolumes.remove_all`). Made inside the running event loop.
    """
    layout = layout or Layout()
    builds = Builds(database, config, clock)
    credentials = BuildCredentials(database, sts, clock)
    preparation = Preparation(
        config=config,
        clock=clock,
        runner=docker,
        iam=iam,
        credentials=credentials,
        sources=Sources(objects, repositories),
        resolver=VariableResolver(parameters, secrets),
        pull_token=pull_token,
        limits=limits or Limits(),
        layout=layout,
    )
    execution = Execution(
        database=database,
        clock=clock,
        cipher=cipher,
        runner=docker,
        logs=logs,
        preparation=preparation,
        artifacts=ArtifactStore(objects),
    )
    return CodeBuild(
        builds=builds,
        projects=Projects(database, config, clock, sts, forget_cache),
        credentials=credentials,
        runner=BuildRunner(builds, docker, credentials, execution),
    )
