"""What an operation on a stack is refused for, in AWS's words where they are known.

Sources: the recorded messages; aws-amplify/amplify-backend#2366 (`cannot be deleted while`).
"""

from collections.abc import Collection, Sequence

from penstock.aws.errors import ServiceError
from penstock.stacks.operations.exports import refused
from penstock.stacks.operations.operation import StackDocument, Step, Work
from penstock.stacks.operations.walk import NodeStatus
from penstock.stacks.state import StackState
from penstock.storage.stacks import StackRow

FAILED = frozenset({"CREATE_FAILED", "UPDATE_FAILED"})
"""Statuses of stacks whose last operation failed and was kept."""
UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}) | FAILED
"""Statuses that an update may begin from."""


def already_exists(name: str) -> ServiceError:
    """Return AWS's refusal of a name that is taken."""
    return ServiceError("AlreadyExistsException", f"Stack [{name}] already exists")


def does_not_exist(name: str) -> ServiceError:
    """Return AWS's refusal of a stack that there is none of."""
    return refused(f"Stack [{name}] does not exist")


def cannot_update(stack_id: str, status: str) -> ServiceError:
    """Return AWS's refusal of an update from a status."""
    return refused(f"Stack:{stack_id} is in {status} state and can not be updated.")


def check_updatable(stack_id: str, status: str, document: StackDocument, on_failure: str) -> None:
    """Raise AWS's refusal of an update from a stack's status.

    From a failed status it goes on without rollback alone, since there is nothing to go back to
    (aws/aws-cli#6368), and not where the creation said OnFailure DO_NOTHING
    (code-dot-org/code-dot-org#68524).
    """
    if status not in UPDATABLE:
        raise cannot_update(stack_id, status)
    if status not in FAILED:
        return
    if status == "CREATE_FAILED" and document.does_nothing_on_failure:
        raise refused(
            f"This stack cannot be updated from [{status}] state because it contains [on-failure: "
            "DO_NOTHING]. Please use disable-rollback option instead during stack creation."
        )
    if on_failure != "DO_NOTHING":
        raise refused(
            f"This stack is currently in a non-terminal [{status}] state. To update the stack from "
            "this state, please use the disable-rollback parameter with update-stack API. To "
            "rollback to the last known good state, use the rollback-stack API"
        )


def token_used(token: str) -> ServiceError:
    """Return AWS's refusal of a token that another request on the stack had."""
    return ServiceError(
        "TokenAlreadyExistsException",
        f"The client request token {token} has already been used for this stack. Retry the "
        "request with a different client request token",
    )


def protected(name: str) -> ServiceError:
    """Return AWS's refusal to delete a stack that is protected."""
    return refused(f"Stack [{name}] cannot be deleted while TerminationProtection is enabled")


def check_startable(
    found: StackRow | None, before: StackState, serial: int, allowed: Collection[str]
) -> None:
    """Raise ServiceError unless the stack is in one of `allowed`, and still of `serial`."""
    if found is None:
        raise does_not_exist(before.stack_name)
    for status in (found.status, before.status):  # `before` was read a moment earlier
        if status not in allowed:
            raise cannot_update(found.id, status)
    if not found.serial == before.serial == serial:
        raise refused(
            f"Stack:{found.id} has changed since the plan was made (serial {found.serial}, "
            f"planned from {serial}); make the change set again."
        )


def check_deletable(
    row: StackRow, before: StackState, retain: Collection[str], *, force: bool = False
) -> None:
    """Raise ServiceError unless the stack may be deleted, leaving the resources of `retain`, or
    with `force` all that cannot be deleted."""
    if row.protected:
        raise protected(row.name)
    if row.status.endswith("_IN_PROGRESS") and row.status.startswith("UPDATE"):
        raise refused(f"Stack [{row.id}] cannot be deleted while in status {row.status}")
    if (retain or force) and row.status != "DELETE_FAILED":
        member = "RetainResources" if retain else "DeletionMode FORCE_DELETE_STACK"
        raise refused(  # unverified
            f"{member} may only be given for a stack in DELETE_FAILED, found {row.status}: delete "
            "the stack without it first."
        )
    unknown = sorted(set(retain) - before.resources.keys())
    if unknown:
        raise refused(  # unverified
            f"The following resources to retain do not exist in stack {row.name}: "
            f"[{', '.join(unknown)}]"
        )


def check_skip(steps: Sequence[Step], skip: Collection[str]) -> None:
    """Raise ServiceError unless every resource to skip failed to go back."""
    failed = {
        step.logical_id
        for step in steps
        if step.work is Work.UPDATE and step.status is NodeStatus.FAILED
    }
    unknown = sorted(set(skip) - failed)
    if unknown:
        raise refused(  # unverified
            f"Resources to skip must be in UPDATE_FAILED state, found others: "
            f"[{', '.join(unknown)}]"
        )
