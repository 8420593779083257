"""Build projects: what is kept of one, and what is refused because it could not happen here.

A project's document is AWS's Project shape without its times, tags and ARN. A field that
would change what a build does, and that Penstock lacks, is refused when it is given; one that
is harmless is kept and echoed (docs/builds-compatibility.md lists both).

Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html
The texts without a mark are as AWS answered in September 2026 to the rules of
github.com/badmintoncryer/cdk-preflight rules/codebuild/, or named beside them.
"""

import re
from collections.abc import Mapping
from typing import Any

from penstock.arns import arn, resource_of
from penstock.aws.errors import ServiceError

SERVICE = "codebuild"
RESOURCE_TYPE = "project"

SUPPORTED_SOURCES = ("CODECOMMIT", "CODEPIPELINE", "S3", "NO_SOURCE")
COMPUTE_TYPES: Mapping[str, tuple[float, float]] = {
    "BUILD_GENERAL1_SMALL": (3, 2),
    "BUILD_GENERAL1_MEDIUM": (7, 4),
    "BUILD_GENERAL1_LARGE": (15, 8),
    "BUILD_GENERAL1_XLARGE": (70, 36),
    "BUILD_GENERAL1_2XLARGE": (145, 72),
}
"""Compute type → (memory in GB, vCPUs).
Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html"""

_CODECOMMIT = re.compile(
    r"^(?:https?|codecommit)://(?:[^/]+/v1/repos/)?([\w.-]{1,100}?)(?:\.git)?/?$"
)
_CODECOMMIT_GRC = re.compile(r"^codecommit::[\w-]+://([\w.-]{1,100})$")
_S3 = re.compile(r"^(?:arn:aws:s3:::|s3://)?([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)$")
_ROLE = re.compile(r"^arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+$")


def invalid(message: str) -> ServiceError:
    """Return CodeBuild's error for an input that it cannot take."""
    return ServiceError("InvalidInputException", message)


def project_arn(region: str, account_id: str, name: str) -> str:
    """Return the ARN of the project called `name`."""
    return arn(SERVICE, region, account_id, f"project/{name}")


def name_of(name_or_arn: str) -> str:
    """Return a project's name, given its name or its ARN; anything else is no project's name."""
    return resource_of(name_or_arn, "project/") or name_or_arn


def project_not_found(region: str, account_id: str, name: str) -> ServiceError:
    """Return AWS's error for a project that does not exist (text: moto codebuild/responses.py)."""
    return ServiceError(
        "ResourceNotFoundException",
        f"Project cannot be found: {project_arn(region, account_id, name)}",
    )


def repository_of(location: str) -> str | None:
    """Return the repository's name in a CodeCommit clone URL, None if it is not one."""
    match = _CODECOMMIT_GRC.match(location) or _CODECOMMIT.match(location)
    return match.group(1) if match else None


def s3_object_of(location: str) -> tuple[str, str] | None:
    """Return bucket and key of a source location `bucket/path/to.zip` or its ARN."""
    match = _S3.match(location)
    return (match.group(1), match.group(2)) if match else None


def is_inline_buildspec(buildspec: str) -> bool:
    """Whether a project's `buildspec` is YAML itself and not a path or an S3 ARN."""
    text = buildspec.strip()
    return "\n" in text or text.startswith("{") or re.match(r"version\s*:", text) is not None


def check_project(document: Mapping[str, Any]) -> None:
    """Raise InvalidInputException where a project contradicts itself or asks for the missing."""
    source, artifacts = document["source"], document["artifacts"]
    if (source["type"] == "CODEPIPELINE") != (artifacts["type"] == "CODEPIPELINE"):
        raise invalid(
            "Invalid input: when using CodePipeline both sourceType, and artifactType must be "
            "set to: CODEPIPELINE"
        )
    check_source(source)
    for secondary in document.get("secondarySources", ()):
        check_secondary_source(secondary)
    _check_unique(document.get("secondarySources", ()), "sourceIdentifier")
    check_artifacts(artifacts)
    for secondary in document.get("secondaryArtifacts", ()):
        check_secondary_artifacts(secondary)
    _check_unique(document.get("secondaryArtifacts", ()), "artifactIdentifier")
    check_environment(document["environment"])
    check_cache(document.get("cache", {}))
    check_logs(document.get("logsConfig", {}))
    check_role(document["serviceRole"])
    if document.get("badgeEnabled"):
        if source["type"] == "CODEPIPELINE":
            raise invalid("Build badges are not supported for CodePipeline source")
        raise _lacking("badgeEnabled", "build badges are not served; set it to false")
    if document.get("fileSystemLocations"):
        raise _lacking("fileSystemLocations", "no EFS can be mounted; remove it")
    if document.get("buildBatchConfig"):
        raise _lacking("buildBatchConfig", "batch builds do not run; remove it")
    if document.get("autoRetryLimit"):
        raise _lacking("autoRetryLimit", "builds are not retried by themselves; set it to 0")
    if document.get("concurrentBuildLimit", 1) < 1:
        raise invalid("Project level concurrent builds limit should be greater than 0")


def _lacking(field: str, rest: str) -> ServiceError:
    return invalid(f"{field} is not supported by Penstock: {rest}")


def check_source(source: Mapping[str, Any]) -> None:
    """Raise for a source that cannot be downloaded here."""
    kind, location = source["type"], source.get("location") or ""
    if kind not in SUPPORTED_SOURCES:
        raise _lacking(f"Source type {kind}", f"expected one of {', '.join(SUPPORTED_SOURCES)}")
    if kind in ("S3", "CODECOMMIT") and not location:
        raise invalid("Project source location is required")
    if kind == "NO_SOURCE" and location:
        raise invalid("Invalid input: source location must be empty for source type NO_SOURCE")
    if kind == "S3" and s3_object_of(location) is None:
        # moto codebuild/responses.py.
        raise invalid("Invalid project source: location must be a valid S3 source")
    if kind == "CODECOMMIT" and repository_of(location) is None:
        raise invalid(  # unverified
            "Invalid project source: location must be a valid CodeCommit source, such as "
            f"https://git-codecommit.us-east-1.amazonaws.com/v1/repos/NAME; found {location!r}"
        )
    if kind == "NO_SOURCE" and not is_inline_buildspec(source.get("buildspec") or ""):
        raise invalid(  # unverified
            "Invalid project source: a project of source type NO_SOURCE needs its buildspec "
            "inline in source.buildspec"
        )
    if source.get("gitSubmodulesConfig", {}).get("fetchSubmodules"):
        raise _lacking("gitSubmodulesConfig.fetchSubmodules", "set it to false")
    if source.get("auth") or source.get("buildStatusConfig") or source.get("reportBuildStatus"):
        raise _lacking(
            "source.auth, reportBuildStatus and buildStatusConfig",
            f"they belong to other git hosts, not to source type {kind}",
        )


def check_secondary_source(source: Mapping[str, Any]) -> None:
    """Raise for a secondary source that AWS or Penstock cannot take."""
    if source["type"] in ("CODEPIPELINE", "NO_SOURCE"):
        raise invalid(  # unverified: by analogy with that of artifacts
            f"Invalid input: sourceType {source['type']} is not allowed for secondarySources"
        )
    if not source.get("sourceIdentifier"):
        raise invalid("Invalid input: sourceIdentifier is required for secondary sources")
    check_source(source)


def check_artifacts(artifacts: Mapping[str, Any]) -> None:
    """Raise for artifacts that cannot be stored here."""
    if artifacts["type"] == "S3" and not artifacts.get("location"):
        raise invalid("Invalid artifacts: location is required")
    if artifacts["type"] == "NO_ARTIFACTS" and artifacts.get("location"):
        raise invalid("Invalid artifacts: artifact type NO_ARTIFACTS should have null location")


def check_secondary_artifacts(artifacts: Mapping[str, Any]) -> None:
    """Raise for secondary artifacts that AWS or Penstock cannot take."""
    if artifacts["type"] in ("CODEPIPELINE", "NO_ARTIFACTS"):
        raise invalid(
            f"Invalid input: artifactType {artifacts['type']} is not allowed for secondaryArtifacts"
        )
    if not artifacts.get("artifactIdentifier"):
        raise invalid("Invalid input: artifactIdentifier is required for secondary artifacts")
    check_artifacts(artifacts)


def _check_unique(items: Any, member: str) -> None:
    seen = [item.get(member) for item in items]
    for name in seen:
        if seen.count(name) > 1:
            raise invalid(f"Invalid input: {member} cannot be duplicated")


def check_environment(environment: Mapping[str, Any]) -> None:
    """Raise for an environment that no container here could be."""
    if environment["type"] != "LINUX_CONTAINER":
        raise _lacking(f"Environment type {environment['type']}", "expected LINUX_CONTAINER")
    if environment["computeType"] not in COMPUTE_TYPES:
        raise _lacking(
            f"Compute type {environment['computeType']}",
            f"expected one of {', '.join(COMPUTE_TYPES)}",
        )
    for member in ("fleet", "dockerServer", "computeConfiguration", "hostKernel"):
        if environment.get(member):
            raise _lacking(f"environment.{member}", "builds run on this engine; remove it")
    for member in ("certificate", "registryCredential"):
        if environment.get(member):
            raise _lacking(f"environment.{member}", "remove it")
    names = [variable["name"] for variable in environment.get("environmentVariables", ())]
    for name in names:
        check_variable_name(name)
        if names.count(name) > 1:
            raise invalid("EnvironmentVariable name cannot be duplicated")


def check_variable_name(name: str) -> None:
    """Raise for a name that CodeBuild keeps to itself."""
    if name.startswith("CODEBUILD_"):
        raise invalid("No user environment variables can start with CODEBUILD_")


def check_cache(cache: Mapping[str, Any]) -> None:
    """Raise for a cache that a user would look for in vain; LOCAL is best effort on AWS too."""
    if cache.get("type") == "LOCAL" and not cache.get("modes"):
        raise invalid("At least one mode must be provided for cache type: LOCAL")
    if cache.get("type") == "S3":
        raise _lacking("cache type S3", "expected NO_CACHE or LOCAL")


def check_logs(logs: Mapping[str, Any]) -> None:
    """Raise when logs are asked for where they would not be written."""
    if logs.get("s3Logs", {}).get("status") == "ENABLED":
        raise _lacking("logsConfig.s3Logs", "logs go to CloudWatch Logs; set it to DISABLED")


def check_role(role_arn: str) -> None:
    """Raise for a service role that is no role's ARN."""
    if not _ROLE.match(role_arn):
        raise invalid(f"Invalid service role: {role_arn}")  # unverified
