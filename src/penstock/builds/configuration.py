"""What one build runs with: the project's document with a request's overrides laid over it.

Pure. The result has the members of AWS's Build shape and is stored with the build, so that a
later change of the project changes no build that was already asked for.
"""

from collections.abc import Callable, Mapping
from typing import Any

from penstock.builds.build import StartBuild
from penstock.builds.project import (
    check_artifacts,
    check_cache,
    check_environment,
    check_logs,
    check_role,
    check_secondary_artifacts,
    check_secondary_source,
    check_source,
    check_variable_name,
    invalid,
)

DEFAULT_TIMEOUT_MINUTES = 60
DEFAULT_QUEUED_TIMEOUT_MINUTES = 480

_KEPT = (
    "source",
    "secondarySources",
    "secondarySourceVersions",
    "artifacts",
    "secondaryArtifacts",
    "cache",
    "environment",
    "serviceRole",
    "logsConfig",
    "vpcConfig",
    "encryptionKey",
    "timeoutInMinutes",
    "queuedTimeoutInMinutes",
)
_TO_TOP = {
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "serviceRoleOverride": "serviceRole",
    "encryptionKeyOverride": "encryptionKey",
    "logsConfigOverride": "logsConfig",
    "cacheOverride": "cache",
    "artifactsOverride": "artifacts",
    "secondarySourcesOverride": "secondarySources",
    "secondarySourcesVersionOverride": "secondarySourceVersions",
    "secondaryArtifactsOverride": "secondaryArtifacts",
}
_TO_SOURCE = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "buildspecOverride": "buildspec",
    "gitCloneDepthOverride": "gitCloneDepth",
    "gitSubmodulesConfigOverride": "gitSubmodulesConfig",
}
_TO_ENVIRONMENT = {
    "environmentTypeOverride": "type",
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "privilegedModeOverride": "privilegedMode",
    "imagePullCredentialsTypeOverride": "imagePullCredentialsType",
}
_OF_THE_REQUEST = (
    "projectName",
    "sourceVersion",
    "idempotencyToken",
    "environmentVariablesOverride",
)


def effective_configuration(document: Mapping[str, Any], start: StartBuild) -> dict[str, Any]:
    """Return the configuration of a build of the project `document`.

    Raises InvalidInputException for an override that contradicts or cannot be followed.
    """
    configuration = {member: document[member] for member in _KEPT if document.get(member)}
    configuration.setdefault("timeoutInMinutes", DEFAULT_TIMEOUT_MINUTES)
    configuration.setdefault("queuedTimeoutInMinutes", DEFAULT_QUEUED_TIMEOUT_MINUTES)
    source, environment = dict(configuration["source"]), dict(configuration["environment"])
    for member, value in start.overrides.items():
        if member in _TO_TOP:
            configuration[_TO_TOP[member]] = value
        elif member in _TO_SOURCE:
            source[_TO_SOURCE[member]] = value
        elif member in _TO_ENVIRONMENT:
            environment[_TO_ENVIRONMENT[member]] = value
        elif member not in _OF_THE_REQUEST and _asks_for_something(value):
            raise invalid(f"{member} is not supported by Penstock: remove it from the request")
    if start.overrides.get("sourceTypeOverride") == "NO_SOURCE":
        source.pop("location", None)
    environment["environmentVariables"] = _variables(environment, start)
    configuration["source"], configuration["environment"] = source, environment
    if start.source is not None:
        configuration["source"] = _pipeline_source(source)
        configuration["artifacts"] = {"type": "CODEPIPELINE"}
        configuration.pop("secondarySources", None)
        configuration.pop("secondaryArtifacts", None)
    _check(configuration, of_pipeline=start.source is not None)
    return configuration


def _asks_for_something(value: Any) -> bool:
    return value is not None and value is not False and value not in (0, "", [], {})


def _pipeline_source(source: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"type": "CODEPIPELINE"}
    if source.get("buildspec"):
        kept["buildspec"] = source["buildspec"]
    return kept


def _variables(environment: Mapping[str, Any], start: StartBuild) -> list[dict[str, str]]:
    merged = {
        variable["name"]: dict(variable) for variable in environment.get("environmentVariables", ())
    }
    for override in start.environment_overrides:
        check_variable_name(override.name)
        merged[override.name] = {
            "name": override.name,
            "value": override.value,
            "type": override.type,
        }
    for variable in merged.values():
        variable.setdefault("type", "PLAINTEXT")
    return list(merged.values())


def _check(configuration: Mapping[str, Any], *, of_pipeline: bool) -> None:
    source, artifacts = configuration["source"], configuration["artifacts"]
    if not of_pipeline and source["type"] == "CODEPIPELINE":
        raise invalid("Invalid project source: location must be a valid S3 source")
    if not of_pipeline and artifacts["type"] == "CODEPIPELINE":
        raise invalid("Invalid artifacts: artifact type CODEPIPELINE needs a pipeline's build")
    check_source(source)
    check_artifacts(artifacts)
    each: tuple[tuple[str, Callable[[Mapping[str, Any]], None]], ...] = (
        ("secondarySources", check_secondary_source),
        ("secondaryArtifacts", check_secondary_artifacts),
    )
    for member, check in each:
        for item in configuration.get(member, ()):
            check(item)
    check_environment(configuration["environment"])
    check_cache(configuration.get("cache", {}))
    check_logs(configuration.get("logsConfig", {}))
    check_role(configuration["serviceRole"])
