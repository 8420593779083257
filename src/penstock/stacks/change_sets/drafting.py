"""What a request makes: whether it may, how that ended, and what is stored of it. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from penstock import ids
from penstock.arns import arn
from penstock.stacks.change_sets.change_set import (
    NO_CHANGES,
    Document,
    ExecutionStatus,
    Status,
    attributes_of,
)
from penstock.stacks.operations.exports import refused
from penstock.stacks.operations.refusals import UPDATABLE, cannot_update, does_not_exist
from penstock.stacks.operations.stored_stacks import REVIEW
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.plan import Plan
from penstock.stacks.state import StackState
from penstock.storage.change_sets import ChangeSetRow

_KEPT_OPTIONS = ("OnStackFailure", "IncludeNestedStacks")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the making of a change set ended: why it `failed`, or what it warns of."""

    reason: str | None = None
    failed: bool = False
    empty: bool = False
    """Whether it failed only because nothing would change."""


NOTHING_CHANGES = Outcome(NO_CHANGES, failed=True, empty=True)


def failure(reason: str) -> Outcome:
    """Return the outcome of a change set that cannot be executed."""
    return Outcome(reason, failed=True)


@dataclass(frozen=True, slots=True)
class Draft:
    """A change set before it is stored. `root_arn` and `parent_arn` are of a nested stack's, which
    is executed by its root alone."""

    arn: str
    name: str
    stack: StackState
    document: Document
    outcome: Outcome
    include_nested: bool
    description: str | None = None
    client_token: str | None = None
    parent_arn: str | None = None
    root_arn: str | None = None

    def row(self, sealed: str, now: datetime) -> ChangeSetRow:
        """Return what is stored; `sealed` is the document, encrypted."""
        failed, plan = self.outcome.failed, self.document.plan
        available = not failed and self.root_arn is None
        return ChangeSetRow(
            arn=self.arn,
            name=self.name,
            stack_id=self.stack.stack_id,
            stack_name=self.stack.stack_name,
            stack_serial=self.stack.serial,
            status=Status.FAILED if failed else Status.CREATE_COMPLETE,
            execution_status=ExecutionStatus.AVAILABLE
            if available
            else ExecutionStatus.UNAVAILABLE,
            status_reason=self.outcome.reason,
            description=self.description,
            client_token=self.client_token,
            digest=None if plan is None else plan.digest,
            sealed=sealed,
            created_at=now,
            include_nested=self.include_nested,
            parent_arn=self.parent_arn,
            root_arn=self.root_arn,
        )


def new_arn(name: str, stack: StackState) -> str:
    """Return the ARN of a change set that is to be made for a stack."""
    resource = f"changeSet/{name}/{ids.new_uuid()}"
    return arn("cloudformation", stack.region, stack.account_id, resource)


def named(plan: Plan, identity: str) -> Plan:
    """Return a plan as the plan of one change set, which no other has the digest of."""
    own = {"ChangeSetId": identity, "Salt": ids.new_token()}
    return dataclasses.replace(plan, extra={**plan.extra, **own})


def of_request(
    stack: StackState,
    wanted: Desired,
    request: Mapping[str, Any],
    plan: Plan | None,
    outcome: Outcome,
    *,
    create: bool,
) -> Draft:
    """Return the change set that a request asks for."""
    name = request["ChangeSetName"]
    identity = new_arn(name, stack)
    document = Document(
        plan=None if plan is None else named(plan, identity),
        template_body=wanted.template.body,
        original_body=wanted.template.original,
        create=create,
        capabilities=tuple(wanted.capabilities),
        options={key: request[key] for key in _KEPT_OPTIONS if key in request},
        attributes=attributes_of(request),
    )
    return Draft(
        identity,
        name,
        stack,
        document,
        outcome,
        include_nested=bool(request.get("IncludeNestedStacks")),
        description=request.get("Description"),
        client_token=request.get("ClientToken"),
    )


def check_request(stack: StackState | None, request: Mapping[str, Any], *, create: bool) -> None:
    """Raise AWS's error where no such change can be planned for the stack."""
    _check_stack(stack, request, create=create)
    if request.get("OnStackFailure") == "DELETE" and not create:  # unverified
        raise refused("OnStackFailure DELETE is valid with ChangeSetType CREATE alone.")
    given = request.get("Parameters") or ()
    if create and any(each.get("UsePreviousValue") for each in given):
        raise refused(  # mapbox/cfn-config#182
            "Cannot specify UsePreviousValue on Parameters when ChangeSetType is CREATE"
        )


def on_failure(document: Document, disable_rollback: bool | None) -> str:
    """Return what happens when the execution fails: ROLLBACK, DO_NOTHING or DELETE."""
    chosen: str | None = document.options.get("OnStackFailure")
    if chosen is not None and disable_rollback is not None:  # unverified
        raise refused(
            "DisableRollback cannot be specified: the change set was created with OnStackFailure "
            f"{chosen}."
        )
    return chosen or ("DO_NOTHING" if disable_rollback else "ROLLBACK")


def _check_stack(stack: StackState | None, request: Mapping[str, Any], *, create: bool) -> None:
    name = request["StackName"]
    if create:
        if stack is not None and stack.status not in {REVIEW, "DELETE_COMPLETE"}:
            raise refused(
                f"Stack [{stack.stack_name}] already exists and cannot be created again with the "
                f"changeSet [{request['ChangeSetName']}]."
            )
        if name.startswith("arn:") and stack is None:
            raise does_not_exist(name)
        if name.startswith("arn:") and stack is not None and stack.status == "DELETE_COMPLETE":
            raise cannot_update(stack.stack_id, stack.status)
        return
    if stack is None or stack.status == REVIEW:  # boto/boto3#2327
        raise does_not_exist(name)
    if stack.status not in UPDATABLE:
        raise cannot_update(stack.stack_id, stack.status)
