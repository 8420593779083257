"""What every action provider is: CodePipeline's job vocabulary.

An action is started once and polled until it ends. Both calls may be repeated after a
restart with the same `action_execution_id`; a provider derives its effects' names from it,
so that a repetition finds the first effect. Failed work is a value, not an exception.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ArtifactLocation:
    """A zip in the pipeline's artifact bucket."""

    name: str
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class SourceRevision:
    """The revision that a source action took: CodePipeline's SourceRevision."""

    action_name: str
    revision_id: str
    revision_summary: str
    revision_url: str


@dataclass(frozen=True, slots=True)
class ActionJob:
    """One action execution, with every variable in `configuration` resolved."""

    pipeline_name: str
    pipeline_execution_id: str
    stage_name: str
    action_name: str
    action_execution_id: str
    configuration: Mapping[str, str]
    input_artifacts: Sequence[ArtifactLocation]
    output_artifacts: Sequence[ArtifactLocation]
    """Where this execution's outputs go; a provider writes exactly these."""
    role_arn: str
    """The action's role, or the pipeline's."""
    pipeline_role_arn: str
    """The pipeline's role, through which an action's own role is reached."""
    region: str
    account_id: str
    source_revision: str | None = None
    """For a source action: the revision that the trigger or an override named, if any."""
    upstream_revisions: Mapping[str, str] = field(default_factory=dict)
    """Artifact name → the revision id of the source it came from (source outputs only)."""
    timeout_minutes: int | None = None
    """How long an approval waits, None where its declaration says nothing."""


@dataclass(frozen=True, slots=True)
class InProgress:
    """Poll again when an event names `external_execution_id`, or after the delay."""

    continuation_token: str
    external_execution_id: str = ""
    external_execution_url: str = ""
    summary: str = ""
    poll_after_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The work is done and the output artifacts are stored."""

    output_variables: Mapping[str, str] = field(default_factory=dict)
    external_execution_id: str = ""
    external_execution_url: str = ""
    summary: str = ""
    source_revision: SourceRevision | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The work failed. `code` is CodePipeline's error code (`JobFailed`, `ConfigurationError`,
    `PermissionError`, ...). `summary` is what a person said of it, where one decided."""

    code: str
    message: str
    external_execution_id: str = ""
    external_execution_url: str = ""
    summary: str = ""


ActionResult = InProgress | Succeeded | Failed


class ActionProvider(Protocol):
    """One provider (CodeCommit, CodeBuild, ...). Raises only EngineError, and only retryable."""

    async def start(self, job: ActionJob) -> ActionResult:
        """Begin the work, or find what an earlier call with the same id began."""
        ...

    async def poll(self, job: ActionJob, continuation_token: str) -> ActionResult:
        """Say how the work stands; `continuation_token` is the last InProgress's."""
        ...

    async def abandon(self, job: ActionJob, continuation_token: str) -> None:
        """Forget the work. As on AWS, what runs outside goes on running."""
        ...
