"""A build as values: what is asked for, what it is, and how it stands.

Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class BuildStatus(StrEnum):
    """CodeBuild's StatusType: of a build, and of one of its phases."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    FAULT = "FAULT"
    TIMED_OUT = "TIMED_OUT"
    IN_PROGRESS = "IN_PROGRESS"
    STOPPED = "STOPPED"


class PhaseType(StrEnum):
    """CodeBuild's BuildPhaseType, in the order in which a build meets them."""

    SUBMITTED = "SUBMITTED"
    QUEUED = "QUEUED"
    PROVISIONING = "PROVISIONING"
    DOWNLOAD_SOURCE = "DOWNLOAD_SOURCE"
    INSTALL = "INSTALL"
    PRE_BUILD = "PRE_BUILD"
    BUILD = "BUILD"
    POST_BUILD = "POST_BUILD"
    UPLOAD_ARTIFACTS = "UPLOAD_ARTIFACTS"
    FINALIZING = "FINALIZING"
    COMPLETED = "COMPLETED"


class Step(StrEnum):
    """How far the server has come with a build; stored before the step's effects begin."""

    QUEUED = "QUEUED"
    """Waiting for its turn; nothing exists outside the database."""
    PREPARING = "PREPARING"
    """The Task is being made and filled; none of its commands has run."""
    LAUNCHED = "LAUNCHED"
    """The Task may have run; it is only ever followed, never made again."""
    UPLOADING = "UPLOADING"
    """The commands are over; artifacts are being stored, under fixed keys."""
    CLEANING = "CLEANING"
    """The outcome is decided; the Task is being removed."""
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class PhaseContext:
    """Why a phase ended as it did; both fields are empty for success."""

    status_code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class BuildPhase:
    """One phase record. COMPLETED has a start only; a running phase has no status."""

    phase_type: PhaseType
    start_time: datetime
    phase_status: BuildStatus | None = None
    end_time: datetime | None = None
    contexts: Sequence[PhaseContext] = ()

    @property
    def duration_in_seconds(self) -> int | None:
        """Whole seconds from start to end, None while the phase runs."""
        if self.end_time is None:
            return None
        return max(0, int((self.end_time - self.start_time).total_seconds()))


def phase_to_json(phase: BuildPhase) -> dict[str, Any]:
    """Return the stored form: times in ISO 8601."""
    return {
        "phase_type": phase.phase_type.value,
        "phase_status": phase.phase_status.value if phase.phase_status else None,
        "start_time": phase.start_time.isoformat(),
        "end_time": phase.end_time.isoformat() if phase.end_time else None,
        "contexts": [[context.status_code, context.message] for context in phase.contexts],
    }


def phase_from_json(stored: Mapping[str, Any]) -> BuildPhase:
    """Read what `phase_to_json` wrote."""
    status, end = stored["phase_status"], stored["end_time"]
    return BuildPhase(
        phase_type=PhaseType(stored["phase_type"]),
        start_time=datetime.fromisoformat(stored["start_time"]),
        phase_status=BuildStatus(status) if status else None,
        end_time=datetime.fromisoformat(end) if end else None,
        contexts=tuple(PhaseContext(code, message) for code, message in stored["contexts"]),
    )


@dataclass(frozen=True, slots=True)
class ArtifactLocation:
    """A zip in an artifact bucket, and the artifact's name in the pipeline."""

    name: str
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class PipelineSource:
    """What a pipeline gives a build instead of the project's own source and artifacts.

    `outputs` are the pipeline's output artifacts; the build stores a zip at each that its
    buildspec produces. `revision_id` is the primary input's source revision, if it has one.
    """

    primary: ArtifactLocation
    secondary: Sequence[ArtifactLocation] = ()
    outputs: Sequence[ArtifactLocation] = ()
    revision_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "primary": _location_to_json(self.primary),
            "secondary": [_location_to_json(location) for location in self.secondary],
            "outputs": [_location_to_json(location) for location in self.outputs],
            "revision_id": self.revision_id,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "PipelineSource":
        """Read what `to_json` wrote."""
        return cls(
            primary=ArtifactLocation(**stored["primary"]),
            secondary=tuple(ArtifactLocation(**item) for item in stored["secondary"]),
            outputs=tuple(ArtifactLocation(**item) for item in stored["outputs"]),
            revision_id=stored["revision_id"],
        )


def _location_to_json(location: ArtifactLocation) -> dict[str, str]:
    return {"name": location.name, "bucket": location.bucket, "key": location.key}


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """CodeBuild's EnvironmentVariable; `type` is PLAINTEXT, PARAMETER_STORE or SECRETS_MANAGER."""

    name: str
    value: str
    type: str = "PLAINTEXT"


@dataclass(frozen=True, slots=True)
class StartBuild:
    """A request for one build of a project.

    `idempotency_token` names the request: a repetition returns the first build. A pipeline's
    token (with `source` set) holds for ever, a caller's for five minutes, as on AWS.
    `initiator` is `codepipeline/<pipeline>` or the caller's name. `overrides` are the other
    members of StartBuild's input (`buildspecOverride`, ...), in AWS's shapes.
    """

    project_name: str
    idempotency_token: str | None
    initiator: str
    environment_overrides: Sequence[EnvironmentVariable] = ()
    source: PipelineSource | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Build:
    """A build as it stands. `configuration` holds the members of AWS's Build shape that
    the project and the overrides decided (`source`, `environment`, `serviceRole`, ...)."""

    id: str
    """`project:uuid`."""
    uuid: str
    arn: str
    number: int
    project_name: str
    status: BuildStatus
    current_phase: PhaseType
    phases: Sequence[BuildPhase]
    configuration: Mapping[str, Any]
    initiator: str
    start_time: datetime
    end_time: datetime | None
    exported_variables: Mapping[str, str]
    """Empty until the build has ended."""
    log_group: str | None
    """None when the project's logs are disabled."""
    log_stream: str | None
    log_created: bool
    """Whether the stream exists yet: it is made in PROVISIONING."""
    source_version: str | None
    resolved_source_version: str | None
    artifacts: Sequence[Mapping[str, Any]]
    """What was stored: `identifier` ("" for the primary), `location`, sums."""

    @property
    def complete(self) -> bool:
        """Whether the build has ended, whatever its outcome."""
        return self.status is not BuildStatus.IN_PROGRESS

    @property
    def failure(self) -> PhaseContext | None:
        """The first context that explains a build that did not succeed, if any."""
        for phase in self.phases:
            if phase.phase_status not in (None, BuildStatus.SUCCEEDED):
                for context in phase.contexts:
                    if context.status_code or context.message:
                        return context
        return None


def log_place(
    configuration: Mapping[str, Any], project_name: str, uuid: str
) -> tuple[str | None, str | None]:
    """Return the log group and stream of a build, or (None, None) when logs are disabled.

    A configured stream name becomes a prefix: AWS writes `<streamName>/<uuid>`.
    """
    config = configuration.get("logsConfig", {}).get("cloudWatchLogs", {})
    if config.get("status") == "DISABLED":
        return None, None
    group = config.get("groupName") or f"/aws/codebuild/{project_name}"
    prefix = config.get("streamName")
    return group, f"{prefix}/{uuid}" if prefix else uuid
