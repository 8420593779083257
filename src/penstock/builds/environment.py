"""The variables that a build's commands see, and where its sources stand. Pure.

Precedence, highest first: CodeBuild's own, the request's, the project's, the buildspec's, the
image's. Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.builds.build import Build, EnvironmentVariable, PipelineSource
from penstock.builds.buildspec import Buildspec
from penstock.builds.plan import Layout
from penstock.builds.project import repository_of

_SOURCES_OF_HOSTS = {"CODECOMMIT": "git-codecommit.{region}.amazonaws.com/v1/repos/{repository}"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one source stands in the container. `identifier` is None for the primary."""

    identifier: str | None
    path: str
    version: str | None
    location: str


def source_root(uuid: str, layout: Layout) -> str:
    """Return the directory of this build's sources; the number is the build's own, as on AWS."""
    number = int(hashlib.sha256(uuid.encode()).hexdigest()[:8], 16)
    return f"{layout.root}/output/src{number}/src"


def places(build: Build, pipeline: PipelineSource | None, layout: Layout) -> list[Place]:
    """Return where the build's sources stand, the primary first."""
    root = source_root(build.uuid, layout)
    if pipeline is not None:
        inputs = [pipeline.primary, *pipeline.secondary]
        return [
            Place(
                identifier=None if index == 0 else location.name,
                path=root if len(inputs) == 1 else f"{root}/s3/{index:02d}",
                version=f"arn:aws:s3:::{location.bucket}/{location.key}",
                location="",
            )
            for index, location in enumerate(inputs)
        ]
    sources = [build.configuration["source"], *build.configuration.get("secondarySources", ())]
    versions = {
        item["sourceIdentifier"]: item["sourceVersion"]
        for item in build.configuration.get("secondarySourceVersions", ())
    }
    region = build.arn.split(":")[3]
    found = []
    for index, source in enumerate(sources):
        identifier = source.get("sourceIdentifier") if index else None
        location = source.get("location") or ""
        path = f"{root}/s3/{index:02d}"
        if source["type"] in _SOURCES_OF_HOSTS:
            path = f"{root}/" + _SOURCES_OF_HOSTS[source["type"]].format(
                region=region, repository=repository_of(location)
            )
        elif index == 0:
            path = root
        version = build.source_version if index == 0 else versions.get(identifier or "")
        found.append(Place(identifier, path, version, location))
    return found


def own_variables(
    build: Build, sources: Sequence[Place], resolved_version: str | None
) -> dict[str, str]:
    """Return the variables that CodeBuild itself sets."""
    project_arn = build.arn.split(":build/")[0] + f":project/{build.project_name}"
    variables = {
        "CODEBUILD_BUILD_ARN": build.arn,
        "CODEBUILD_BUILD_ID": build.id,
        "CODEBUILD_BUILD_IMAGE": build.configuration["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(build.number),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": build.initiator,
        "CODEBUILD_LOG_PATH": build.log_stream or "",
        "CODEBUILD_PROJECT_ARN": project_arn,
        "CODEBUILD_START_TIME": str(int(build.start_time.timestamp() * 1000)),
    }
    if resolved_version is not None:
        variables["CODEBUILD_RESOLVED_SOURCE_VERSION"] = resolved_version
    for place in sources:
        suffix = f"_{place.identifier}" if place.identifier else ""
        variables[f"CODEBUILD_SRC_DIR{suffix}"] = place.path
        variables[f"CODEBUILD_SOURCE_REPO_URL{suffix}"] = place.location
        if place.version:
            variables[f"CODEBUILD_SOURCE_VERSION{suffix}"] = place.version
    return variables


def defaults(region: str) -> dict[str, str]:
    """Return what CodeBuild sets unless the project says otherwise."""
    return {
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EXECUTION_ENV": "AWS_ECS_EC2",
        "HOME": "/root",
    }


def wanted_variables(
    buildspec: Buildspec, configured: Sequence[Mapping[str, str]]
) -> list[EnvironmentVariable]:
    """Return each variable once, by its highest source; references are not resolved yet.

    `configured` is the build's effective environmentVariables.
    """
    wanted: dict[str, EnvironmentVariable] = {}
    for kind, variables in (
        ("PLAINTEXT", buildspec.variables),
        ("PARAMETER_STORE", buildspec.parameter_store),
        ("SECRETS_MANAGER", buildspec.secrets_manager),
    ):
        for name, value in variables.items():
            wanted[name] = EnvironmentVariable(name, value, kind)
    for variable in configured:
        wanted[variable["name"]] = EnvironmentVariable(
            variable["name"], variable["value"], variable.get("type", "PLAINTEXT")
        )
    return list(wanted.values())


@dataclass(frozen=True, slots=True)
class SecretReference:
    """What a SECRETS_MANAGER variable names."""

    secret_id: str
    json_key: str | None
    version_stage: str
    version_id: str | None


def secret_reference(text: str) -> SecretReference:
    """Read `secret-id[:json-key[:version-stage[:version-id]]]`; the id may be an ARN."""
    if text.startswith("arn:"):
        parts = text.split(":")
        secret_id, rest = ":".join(parts[:7]), parts[7:]
    else:
        secret_id, *rest = text.split(":")
    padded = [*rest, "", "", ""]
    key, stage, version = padded[:3]
    return SecretReference(secret_id, key or None, stage or "AWSCURRENT", version or None)
