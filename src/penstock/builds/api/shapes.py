"""Projects and builds as CodeBuild's answers show them."""

from collections.abc import Mapping
from typing import Any

from penstock.arns import arn
from penstock.aws.tags import to_pairs
from penstock.builds.build import Build, BuildPhase
from penstock.builds.configuration import DEFAULT_QUEUED_TIMEOUT_MINUTES, DEFAULT_TIMEOUT_MINUTES
from penstock.storage.resources import Resource


def project_shape(project: Resource) -> dict[str, Any]:
    """Return a project with the defaults that AWS fills in."""
    _, _, _, region, account_id, _ = project.arn.split(":", 5)
    document = project.document
    shown: dict[str, Any] = {
        "name": project.name,
        "arn": project.arn,
        "secondarySources": [],
        "secondarySourceVersions": [],
        "secondaryArtifacts": [],
        "cache": {"type": "NO_CACHE"},
        "timeoutInMinutes": DEFAULT_TIMEOUT_MINUTES,
        "queuedTimeoutInMinutes": DEFAULT_QUEUED_TIMEOUT_MINUTES,
        "encryptionKey": arn("kms", region, account_id, "alias/aws/s3"),
        "projectVisibility": "PRIVATE",
        **document,
        "environment": {
            "environmentVariables": [],
            "privilegedMode": False,
            "imagePullCredentialsType": "CODEBUILD",
            **document["environment"],
        },
        "artifacts": artifacts_shape(document["artifacts"], project.name),
        "tags": to_pairs(project.tags, "key", "value"),
        "created": project.created_at,
        "lastModified": project.updated_at,
        "badge": {"badgeEnabled": False},
    }
    shown.pop("badgeEnabled", None)
    return shown


def artifacts_shape(artifacts: Mapping[str, Any], project_name: str) -> dict[str, Any]:
    """Return a project's artifacts with AWS's defaults."""
    if artifacts["type"] == "NO_ARTIFACTS":
        return dict(artifacts)
    defaults = {"name": project_name, "packaging": "NONE", "encryptionDisabled": False}
    if artifacts["type"] == "S3":
        defaults["namespaceType"] = "NONE"
    return {**defaults, **artifacts}


def build_shape(build: Build) -> dict[str, Any]:
    """Return a build; members without a value are left out."""
    configuration = build.configuration
    shown: dict[str, Any] = {
        "id": build.id,
        "arn": build.arn,
        "buildNumber": build.number,
        "startTime": build.start_time,
        "endTime": build.end_time,
        "currentPhase": build.current_phase.value,
        "buildStatus": build.status.value,
        "sourceVersion": build.source_version or None,
        "resolvedSourceVersion": build.resolved_source_version or None,
        "projectName": build.project_name,
        "phases": [phase_shape(phase) for phase in build.phases],
        "artifacts": _stored(build, ""),
        "logs": logs_shape(build),
        "buildComplete": build.complete,
        "initiator": build.initiator,
        "exportedEnvironmentVariables": [
            {"name": name, "value": value} for name, value in build.exported_variables.items()
        ],
    }
    for member in (
        "source",
        "secondarySources",
        "secondarySourceVersions",
        "cache",
        "environment",
        "serviceRole",
        "timeoutInMinutes",
        "queuedTimeoutInMinutes",
        "vpcConfig",
        "encryptionKey",
    ):
        shown[member] = configuration.get(member)
    secondary = [item["identifier"] for item in build.artifacts if item["identifier"]]
    if secondary:
        shown["secondaryArtifacts"] = [
            {"artifactIdentifier": identifier, **(_stored(build, identifier) or {})}
            for identifier in secondary
        ]
    return {member: value for member, value in shown.items() if value is not None}


def _stored(build: Build, identifier: str) -> dict[str, Any] | None:
    for item in build.artifacts:
        if item["identifier"] == identifier:
            return {"location": item["location"]}
    return None if identifier else {"location": ""}


def phase_shape(phase: BuildPhase) -> dict[str, Any]:
    """Return one phase record."""
    shown: dict[str, Any] = {
        "phaseType": phase.phase_type.value,
        "phaseStatus": phase.phase_status.value if phase.phase_status else None,
        "startTime": phase.start_time,
        "endTime": phase.end_time,
        "durationInSeconds": phase.duration_in_seconds,
    }
    if phase.contexts:
        shown["contexts"] = [
            {"statusCode": context.status_code, "message": context.message}
            for context in phase.contexts
        ]
    return {member: value for member, value in shown.items() if value is not None}


def logs_shape(build: Build) -> dict[str, Any]:
    """Return where the log is: names appear once the stream exists, in PROVISIONING."""
    status = "DISABLED" if build.log_group is None else "ENABLED"
    configured = build.configuration.get("logsConfig", {}).get("cloudWatchLogs", {})
    shown: dict[str, Any] = {
        "cloudWatchLogs": {**configured, "status": status},
        "s3Logs": {"status": "DISABLED", "encryptionDisabled": False},
    }
    if build.log_group is not None and build.log_stream is not None and build.log_created:
        _, _, _, region, account_id, _ = build.arn.split(":", 5)
        shown["groupName"], shown["streamName"] = build.log_group, build.log_stream
        shown["cloudWatchLogsArn"] = arn(
            "logs",
            region,
            account_id,
            f"log-group:{build.log_group}:log-stream:{build.log_stream}",
        )
    return shown
