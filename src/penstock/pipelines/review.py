"""What an approver is shown: where the release comes from, and what exactly it would change.

Values only. A review is compiled once, when its approval begins, stored as JSON with the approval,
and read from there by the console, the command line and the action that executes the change.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

FIRST_RELEASE = "First release of this stage: the newest commits are shown."
"""The note of a source that has no release before."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `message` is its first line."""

    id: str
    author: str
    authored_at: datetime | None
    message: str


@dataclass(frozen=True, slots=True)
class SourceChange:
    """One source of the release, and its commits since the last one that succeeded in this stage.

    `commits` are newest first; `left_out` counts those beyond them. `note` says why they cannot be
    told (another git host, the first release, a history rewritten), "" when they are all there is.
    """

    action_name: str
    provider: str
    repository: str
    revision_id: str
    summary: str
    url: str = ""
    previous_revision_id: str | None = None
    commits: Sequence[Commit] = ()
    left_out: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A stack's parameter; None where it is not there before or after. Secrets are masked."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ReviewedChangeSet:
    """One change set that waits to be executed, as it is when the approval begins.

    `action_name` will execute it, "" when no action does. `kind` is CREATE or UPDATE; `digest`
    the stored plan's; `status` the ExecutionStatus, FAILED when it was never made; `changes` are
    DescribeChangeSet's Changes with property values. `empty` says that nothing would change.
    """

    action_name: str
    stack_name: str
    stack_id: str
    name: str
    arn: str
    kind: str
    digest: str
    status: str
    status_reason: str
    created_at: datetime | None
    empty: bool = False
    parameters: Sequence[ParameterChange] = ()
    changes: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """Everything that one approval is about.

    `previous_execution_id` is the execution that last succeeded in the stage, None before the
    first. `notes` are sentences about what could not be shown (a change set that is gone).
    """

    sources: Sequence[SourceChange] = ()
    change_sets: Sequence[ReviewedChangeSet] = ()
    previous_execution_id: str | None = None
    previous_released_at: datetime | None = None
    notes: Sequence[str] = ()

    @property
    def digest(self) -> str | None:
        """What `--digest` names: the plan's digest, one over all where there are several."""
        digests = [each.digest for each in self.change_sets]
        if len(digests) < 2:
            return next(iter(digests), None)
        return f"sha256:{hashlib.sha256(' '.join(digests).encode()).hexdigest()}"


def encode(review: Review) -> str:
    """Return the review as JSON."""
    return msgspec.json.encode(review).decode()


def decode(text: str) -> Review:
    """Return the review that `encode` wrote."""
    return msgspec.json.decode(text, type=Review)
