"""A change set as values: what is stored of it, its statuses, and AWS's words about them.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from penstock.aws.errors import ServiceError
from penstock.stacks.planning.plan import Plan
from penstock.storage.change_sets import ChangeSetRow

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)
OTHER_PLAN = (
    "The change set was created by another version of Penstock, whose plans have another form: "
    "create a new one."
)
MOST_PENDING = 1000
"""Change sets of one stack that were not executed."""

_ATTRIBUTES = dict.fromkeys(("TemplateBody", "TemplateURL", "UsePreviousTemplate"), "Template")
_COMPARED_FIRST = ("Template", "Parameters")


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


EXECUTED = frozenset({ExecutionStatus.EXECUTE_COMPLETE, ExecutionStatus.EXECUTE_FAILED})


@dataclass(frozen=True, slots=True)
class Document:
    """What is encrypted: the plan, None when making it failed, and what the request said."""

    plan: Plan | None
    template_body: str
    create: bool
    capabilities: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    """OnStackFailure and IncludeNestedStacks as they were given."""
    original_body: str | None = None
    """The template as it was given, where it has transforms; `template_body` is empty where they
    failed."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Digests of what the request said, by the name AWS gives it in a mismatch."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set as it is now."""

    row: ChangeSetRow
    document: Document


def is_named(row: ChangeSetRow, name_or_arn: str) -> bool:
    """Tell whether a request's ChangeSetName means a change set: the name of one that was executed
    is free again, its ARN is not."""
    return name_or_arn == row.arn or row.execution_status not in EXECUTED


def not_found(name_or_arn: str) -> ServiceError:
    """Return AWS's answer for a change set that does not exist."""
    return ServiceError("ChangeSetNotFoundException", f"ChangeSet [{name_or_arn}] does not exist")


def cannot_execute(row: ChangeSetRow) -> ServiceError:
    """Return AWS's refusal to execute a change set in its status."""
    failed = row.status == Status.FAILED
    now = f"status of [{row.status}]" if failed else f"execution status of [{row.execution_status}]"
    return ServiceError(
        "InvalidChangeSetStatusException",
        f"ChangeSet [{row.arn}] cannot be executed in its current {now}",
    )


def cannot_delete(row: ChangeSetRow) -> ServiceError:
    """Return AWS's refusal to delete a change set that was executed."""
    return ServiceError(  # recorded for EXECUTE_COMPLETE; of EXECUTE_FAILED unverified
        "InvalidChangeSetStatusException",
        f"Cannot delete ChangeSet in execution status {row.execution_status}",
    )


def by_root(row: ChangeSetRow) -> ServiceError:
    """Return the refusal to delete a nested stack's change set without the others."""
    return ServiceError(  # unverified
        "InvalidChangeSetStatusException",
        f"ChangeSet [{row.arn}] is of a nested stack and can only be deleted from the root change "
        f"set [{row.root_arn}].",
    )


def in_progress() -> ServiceError:
    """Return AWS's refusal to touch a change set that is being executed."""
    return ServiceError(  # aws/aws-cdk#26182
        "InvalidChangeSetStatusException",
        "An operation on this ChangeSet is currently in progress.  Please attempt this operation "
        "again later.",
    )


def too_many(stack_id: str) -> ServiceError:
    """Return AWS's refusal of one change set more than a stack may have."""
    return ServiceError(  # awslabs/seed-farmer#441, awsdocs/aws-cloudformation-user-guide#512
        "LimitExceededException", f"ChangeSet limit exceeded for stack {stack_id}"
    )


def mismatch(
    row: ChangeSetRow, document: Document, request: Mapping[str, Any]
) -> ServiceError | None:
    """Return AWS's refusal of a name that a change set, made by another request, has; None when
    it was made by the same one.

    Recorded with ClientToken (awslabs/landing-zone-accelerator-on-aws#342), Template and Parameters
    (aws-actions/aws-cloudformation-github-deploy#122); the order of comparison is unverified.
    """
    before, now = document.attributes, attributes_of(request)
    differing = [name for name in _COMPARED_FIRST if before.get(name) != now.get(name)]
    differing += sorted(
        name for name in before.keys() | now.keys() if before.get(name) != now.get(name)
    )
    if row.client_token != request.get("ClientToken"):
        differing.insert(0, "ClientToken")
    if not differing:
        return None
    return ServiceError(
        "AlreadyExistsException",
        f"ChangeSet {row.name} cannot be created due to a mismatch with existing attribute "
        f"{differing[0]}",
    )


def attributes_of(request: Mapping[str, Any]) -> dict[str, str]:
    """Return a digest of each thing that a request says, but for its name, stack and token."""
    said: dict[str, list[Any]] = {}
    for member in sorted(request.keys() - {"StackName", "ChangeSetName", "ClientToken"}):
        said.setdefault(_ATTRIBUTES.get(member, member), []).append([member, request[member]])
    return {name: _digest(values) for name, values in said.items()}


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
