"""A change set as values: what is stored of it, its statuses, and AWS's words about them.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.plan import Plan
from penstock.storage.change_sets import ChangeSetRow

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


class Status(StrEnum):
    """ChangeSetStatus, those that a change set has here."""

    CREATE_COMPLETE = "CREATE_COMPLETE"
    FAILED = "FAILED"


class ExecutionStatus(StrEnum):
    """ExecutionStatus."""

    UNAVAILABLE = "UNAVAILABLE"
    AVAILABLE = "AVAILABLE"
    EXECUTE_IN_PROGRESS = "EXECUTE_IN_PROGRESS"
    EXECUTE_COMPLETE = "EXECUTE_COMPLETE"
    EXECUTE_FAILED = "EXECUTE_FAILED"
    OBSOLETE = "OBSOLETE"


@dataclass(frozen=True, slots=True)
class Document:
    """What is encrypted: the plan, None when making it failed, and what the request said."""

    plan: Plan | None
    template_body: str
    create: bool
    capabilities: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    """OnStackFailure and IncludeNestedStacks as they were given."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set as it is now."""

    row: ChangeSetRow
    document: Document


def not_found(name_or_arn: str) -> ServiceError:
    """Return AWS's answer for a change set that does not exist."""
    return ServiceError("ChangeSetNotFoundException", f"ChangeSet [{name_or_arn}] does not exist")


def cannot_execute(row: ChangeSetRow) -> ServiceError:
    """Return AWS's refusal to execute a change set in its status."""
    failed = row.status == Status.FAILED
    now = f"status of [{row.status}]" if failed else f"execution status of [{row.execution_status}]"
    reason = f" ({row.status_reason})" if row.execution_status == ExecutionStatus.OBSOLETE else ""
    return ServiceError(
        "InvalidChangeSetStatusException",
        f"ChangeSet [{row.arn}] cannot be executed in its current {now}{reason}",
    )
