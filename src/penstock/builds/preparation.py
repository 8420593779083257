"""PROVISIONING and DOWNLOAD_SOURCE: everything that happens before a build's commands run.

Each part may be repeated after a restart: nothing of the user's has run yet, the Task's
objects have fixed names, and files are put in anew.
"""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from penstock.aws.errors import ServiceError
from penstock.builds import environment as variables
from penstock.builds.build import Build, PipelineSource
from penstock.builds.build_log import BuildLog
from penstock.builds.buildspec import Buildspec, BuildspecError, parse_buildspec
from penstock.builds.credentials import SERVICE_PRINCIPAL
from penstock.builds.output import container_line
from penstock.builds.plan import Layout, Plan, agent_files, compile_plan
from penstock.builds.role import Refused, ServiceRole
from penstock.builds.sealed import Sealed
from penstock.builds.source_archive import BadArchive, files_as_tar, streamed
from penstock.builds.sources import BuildspecText, Source, Sources
from penstock.builds.task import CONTAINER, Limits, build_task
from penstock.builds.variables import VariableResolver
from penstock.clock import Clock
from penstock.config import Config
from penstock.containers.docker_runner import DockerRunner
from penstock.containers.images import ImageUnavailable
from penstock.services.iam import Iam
from penstock.services.sts.task_credentials import TaskCredentials

PullToken = Callable[[str, tuple[str, ...]], str]
"""(ECR repository, actions) → a bearer token for our registry: `Ecr.mint`."""

_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/"
    r"(?P<repository>[^:@]+)"
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the agent was given."""

    plan: Plan
    buildspec: Buildspec
    secrets: list[str]
    secret_names: frozenset[str]
    resolved_version: str | None


class Preparation:
    """Makes and fills the Tasks of builds. Raises Refused, EngineError, nothing else."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        runner: DockerRunner,
        iam: Iam,
        credentials: TaskCredentials,
        sources: Sources,
        resolver: VariableResolver,
        pull_token: PullToken | None,
        limits: Limits,
        layout: Layout,
    ) -> None:
        self._config = config
        self._clock = clock
        self._runner = runner
        self._iam = iam
        self._credentials = credentials
        self._sources = sources
        self._resolver = resolver
        self._pull_token = pull_token
        self._limits = limits
        self._layout = layout

    async def role(self, build: Build, token: str) -> ServiceRole:
        """Assume the build's service role. Raises Refused with AWS's text for a refused trust."""
        role_arn = build.configuration["serviceRole"]
        try:
            issued = await self._credentials.begin(
                token, build.uuid, role_arn, f"AWSCodeBuild-{build.uuid}", SERVICE_PRINCIPAL
            )
        except ServiceError as error:
            raise Refused(
                "ACCESS_DENIED",
                "CodeBuild is not authorized to perform: sts:AssumeRole on service role. "
                "Please verify that: 1) The provided service role exists, 2) The role name is "
                "case-sensitive and matches exactly, and 3) The role has the necessary trust "
                f"policy configured. {error.message}",
            ) from error
        return ServiceRole(
            issued.principal, self._iam.authorize, self._config.region, self._config.account_id
        )

    async def provision(self, build: Build, role: ServiceRole, token: str) -> None:
        """Make the build's Task, not started. Raises Refused for an image that can't be had."""
        volume = None
        if build.configuration["environment"].get("privilegedMode"):
            project_arn = build.arn.split(":build/")[0] + f":project/{build.project_name}"
            volume = await self._runner.lease(project_arn, build.uuid)
        task = build_task(
            build,
            token=token,
            cache_volume=volume,
            pull_token=await self._image_token(build, role),
            layout=self._layout,
            limits=self._limits,
        )
        try:
            await self._runner.prepare(task)
        except ImageUnavailable as error:
            raise Refused(
                "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
                "Unable to pull customer's container image. CannotPullContainerError: "
                f"Error response from daemon: {error}",
            ) from error

    async def _image_token(self, build: Build, role: ServiceRole) -> str | None:
        match = _ECR_IMAGE.match(build.configuration["environment"]["image"])
        if match is None or self._pull_token is None:
            return None
        if match["account"] != self._config.account_id or match["region"] != self._config.region:
            return None
        await role.pull_image(match["repository"])
        return self._pull_token(match["repository"], ("pull",))

    async def fill(
        self,
        build: Build,
        pipeline: PipelineSource | None,
        role: ServiceRole,
        sealed: Sealed,
        log: BuildLog,
    ) -> Prepared:
        """Put sources, environment and plan into the Task; say in the log what is there."""
        places = variables.places(build, pipeline, self._layout)
        await self._say(log, "Phase is DOWNLOAD_SOURCE")
        async with self._sources.fetched(build, pipeline, places, role) as sources:
            for source in sources:
                await self._put(build, source)
            await self._say(log, f"CODEBUILD_SRC_DIR={places[0].path}")
            found = await self._sources.buildspec(
                build.configuration, sources[0], role, f"{self._layout.root}/readonly"
            )
            await self._say(log, f"YAML location is {found.location}")
            resolved_version = sources[0].resolved_version or build.resolved_source_version
        spec = _parsed(found)
        for warning in spec.warnings:
            await self._say(log, warning)
        await self._say(log, "Processing environment variables")
        wanted = variables.wanted_variables(
            spec, build.configuration["environment"].get("environmentVariables", ())
        )
        resolved = await self._resolver.resolve(wanted, role)
        plan = compile_plan(
            spec,
            source_directory=places[0].path,
            privileged=bool(build.configuration["environment"].get("privilegedMode")),
            buildspec_name=found.name,
            names_wanted=_names_wanted(build),
        )
        await self._describe(log, spec, plan)
        own = variables.own_variables(build, places, resolved_version)
        merged = {**variables.defaults(self._config.region), **resolved.values, **own}
        files = agent_files(plan, merged, sealed.nonce, self._layout)
        if found.location.startswith(f"{self._layout.root}/readonly"):
            files[found.location] = found.text
        await self._archive(build, streamed(files_as_tar(files)))
        return Prepared(plan, spec, resolved.secrets, resolved.secret_names, resolved_version)

    async def _put(self, build: Build, source: Source) -> None:
        try:
            await self._archive(build, streamed(source.tar()))
        except BadArchive as error:
            raise Refused("CLIENT_ERROR", str(error)) from error

    async def _archive(self, build: Build, tar: AsyncIterator[bytes]) -> None:
        await self._runner.put_archive(build.uuid, CONTAINER, "/", tar)

    async def _describe(self, log: BuildLog, spec: Buildspec, plan: Plan) -> None:
        versions = [name for phase in spec.phases.values() for name in phase.runtime_versions]
        if versions:
            await self._say(
                log,
                "Skipping install of runtimes. Runtime version selection is not supported by "
                f"this build image: {', '.join(versions)}",
            )
        else:
            await self._say(log, "No runtime version selected in buildspec.")
        await self._say(log, f"Moving to directory {plan.source_directory}")
        if spec.cache_paths:
            await self._say(log, "Cache paths are not kept between builds here")
        else:
            await self._say(log, "Cache is not defined in the buildspec")
        await self._say(log, "Registering with agent")
        await self._say(log, f"Phases found in YAML: {len(spec.phases)}")
        for phase, found in spec.phases.items():
            count = len(found.commands) + len(found.finally_commands)
            await self._say(log, f" {phase}: {count} commands")

    async def _say(self, log: BuildLog, text: str) -> None:
        await log.write([container_line(self._clock(), text)])


def _parsed(found: BuildspecText) -> Buildspec:
    try:
        return parse_buildspec(found.text)
    except BuildspecError as error:
        raise Refused("YAML_FILE_ERROR", str(error)) from error


def _names_wanted(build: Build) -> bool:
    artifacts = [
        build.configuration["artifacts"],
        *build.configuration.get("secondaryArtifacts", ()),
    ]
    return any(item.get("overrideArtifactName") for item in artifacts)
