"""The CodeBuild action: one build of a project, fed and emptied by the pipeline's artifacts.

The action's id is the build's idempotency token, so one action execution has one build.
Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html
"""

import json
from collections.abc import Sequence

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.builds.build import (
    ArtifactLocation as BuildArtifact,
)
from penstock.builds.build import (
    Build,
    BuildStatus,
    EnvironmentVariable,
    PipelineSource,
    StartBuild,
)
from penstock.builds.builds import Builds
from penstock.builds.project import name_of
from penstock.pipelines.actions.provider import (
    ActionJob,
    ActionResult,
    ArtifactLocation,
    Failed,
    InProgress,
    Succeeded,
)
from penstock.pipelines.roles import Roles
from penstock.pipelines.structure_rules import environment_variables_problem


class CodeBuild:
    """Builds and tests. The continuation token is the build's id."""

    def __init__(self, builds: Builds, roles: Roles) -> None:
        self._builds = builds
        self._roles = roles

    async def start(self, job: ActionJob) -> ActionResult:
        """Start the build, or find the one that an earlier call started."""
        project = name_of(job.configuration["ProjectName"])
        refused = await self._refusal(job, project)
        if refused is not None:
            return refused
        text = job.configuration.get("EnvironmentVariables")
        if text and (problem := environment_variables_problem(text)):
            return Failed(
                "ConfigurationError",
                f"Action configuration for action '{job.action_name}' contains an invalid value "
                f"for configuration 'EnvironmentVariables': {problem}",
            )
        primary, secondary = _inputs(job)
        if primary is None:
            return Failed(
                "ConfigurationError",
                f"Expected PrimarySource of action '{job.action_name}' to name one of its input "
                f"artifacts, found {job.configuration.get('PrimarySource')!r}",
            )
        request = StartBuild(
            project_name=project,
            idempotency_token=job.action_execution_id,
            initiator=f"codepipeline/{job.pipeline_name}",
            environment_overrides=_environment(text),
            source=PipelineSource(
                primary=_location(primary),
                secondary=[_location(place) for place in secondary],
                outputs=[_location(place) for place in job.output_artifacts],
                revision_id=job.upstream_revisions.get(primary.name),
            ),
        )
        try:
            build = await self._builds.start(request)
        except ServiceError as error:
            return Failed("ConfigurationError", f"Error calling startBuild: {error.message}")
        return self._progress(job, build)

    async def poll(self, job: ActionJob, continuation_token: str) -> ActionResult:
        """Say how the build stands."""
        build = await self._builds.get(continuation_token)
        if build is None:
            return Failed(
                "JobFailed", f"Build {continuation_token} does not exist any more: it was deleted"
            )
        if not build.complete:
            return self._progress(job, build)
        if build.status is BuildStatus.SUCCEEDED:
            return Succeeded(
                output_variables=dict(build.exported_variables),
                external_execution_id=build.id,
                external_execution_url=_url(job, build),
            )
        message = f"Build terminated with state: {build.status.value}"
        if build.failure is not None:
            message = f"{message}. {build.failure.status_code}: {build.failure.message}"
        return Failed("JobFailed", message, build.id, _url(job, build))

    async def abandon(self, job: ActionJob, continuation_token: str) -> None:
        """As on AWS, the build goes on."""

    def _progress(self, job: ActionJob, build: Build) -> InProgress:
        return InProgress(
            continuation_token=build.id,
            external_execution_id=build.id,
            external_execution_url=_url(job, build),
        )

    async def _refusal(self, job: ActionJob, project: str) -> Failed | None:
        """Return why the role may not do this action, None when it may."""
        place = arn("codebuild", job.region, job.account_id, f"project/{project}")
        try:
            async with self._roles.acting(job) as principal:
                for action in ("codebuild:StartBuild", "codebuild:BatchGetBuilds"):
                    try:
                        await self._roles.require(principal, action, place)
                    except ServiceError as error:
                        return Failed(
                            "PermissionError", f"Error calling startBuild: {error.message}"
                        )
        except ServiceError as error:
            return Failed("PermissionError", error.message)
        return None


def _inputs(job: ActionJob) -> tuple[ArtifactLocation | None, Sequence[ArtifactLocation]]:
    """Return the primary input, None when the configuration names none of them, and the rest."""
    name = job.configuration.get("PrimarySource") or job.input_artifacts[0].name
    primary = next((place for place in job.input_artifacts if place.name == name), None)
    return primary, [place for place in job.input_artifacts if place is not primary]


def _environment(text: str | None) -> list[EnvironmentVariable]:
    return [
        EnvironmentVariable(entry["name"], entry["value"], entry.get("type", "PLAINTEXT"))
        for entry in json.loads(text or "[]")
    ]


def _location(place: ArtifactLocation) -> BuildArtifact:
    return BuildArtifact(place.name, place.bucket, place.key)


def _url(job: ActionJob, build: Build) -> str:
    """Return the build's address in AWS's console, the shape that tools parse."""
    return (
        f"https://console.aws.amazon.com/codebuild/home?region={job.region}"
        f"#/builds/{build.id}/view/new"
    )
