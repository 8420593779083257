"""How the making of a change set ends, and what is stored of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.change_sets import drafting
from penstock.stacks.change_sets.change_set import Document
from penstock.stacks.change_sets.drafting import NOTHING_CHANGES, Draft, Outcome, failure
from penstock.stacks.planning.plan import Plan
from penstock.stacks.state import StackState

NOW = datetime(2026, 11, 23, tzinfo=UTC)
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/1"
PLAN = Plan(STACK_ID, 0, "{}", {}, {}, (), None, ())


def stack(status: str = "CREATE_COMPLETE") -> StackState:
    return StackState(STACK_ID, "shop", "us-east-1", "123456789012", status, 3)


def draft(outcome: Outcome, **more: Any) -> Draft:
    document = Document(PLAN, "{}", create=False)
    return Draft("arn:cs", "cs", stack(), document, outcome, include_nested=False, **more)


@pytest.mark.parametrize(
    ("made", "statuses"),
    [
        (draft(Outcome()), ("CREATE_COMPLETE", "AVAILABLE")),
        (draft(Outcome("[WARN] a bucket has objects")), ("CREATE_COMPLETE", "AVAILABLE")),
        (draft(failure("No export named x found.")), ("FAILED", "UNAVAILABLE")),
        (draft(NOTHING_CHANGES), ("FAILED", "UNAVAILABLE")),
        (draft(Outcome("By the root."), root_arn="arn:root"), ("CREATE_COMPLETE", "UNAVAILABLE")),
    ],
)
def test_what_can_be_executed_is_told_by_the_outcome(
    made: Draft, statuses: tuple[str, str]
) -> None:
    row = made.row("sealed", NOW)
    assert (row.status, row.execution_status) == statuses
    assert (row.status_reason, row.stack_serial) == (made.outcome.reason, 3)
    assert (row.digest, row.sealed, row.created_at) == (PLAN.digest, "sealed", NOW)


def test_equal_plans_of_two_change_sets_have_two_digests() -> None:
    first = drafting.named(PLAN, "arn:cs")
    assert first.of_change_set
    assert not PLAN.of_change_set
    assert first.digest != drafting.named(PLAN, "arn:cs").digest


@pytest.mark.parametrize(
    ("there", "create", "request_members", "said"),
    [
        (None, False, {}, "Stack [shop] does not exist"),
        ("REVIEW_IN_PROGRESS", False, {}, "Stack [shop] does not exist"),
        ("UPDATE_IN_PROGRESS", False, {}, "is in UPDATE_IN_PROGRESS state and can not be updated."),
        ("CREATE_COMPLETE", True, {}, "cannot be created again with the changeSet [cs]."),
        ("DELETE_COMPLETE", True, {"StackName": STACK_ID}, "is in DELETE_COMPLETE state"),
        (None, True, {"StackName": STACK_ID}, f"Stack [{STACK_ID}] does not exist"),
        ("CREATE_COMPLETE", False, {"OnStackFailure": "DELETE"}, "ChangeSetType CREATE alone"),
        (None, True, {"Parameters": [{"UsePreviousValue": True}]}, "Cannot specify UsePrevious"),
    ],
)
def test_what_is_no_change_to_plan(
    there: str | None, create: bool, request_members: dict[str, Any], said: str
) -> None:
    request = {"StackName": "shop", "ChangeSetName": "cs", **request_members}
    with pytest.raises(ServiceError) as refused:
        drafting.check_request(stack(there) if there else None, request, create=create)
    assert said in refused.value.message


def test_a_choice_for_failures_is_made_once() -> None:
    chosen = Document(PLAN, "{}", create=True, options={"OnStackFailure": "DELETE"})
    assert drafting.on_failure(chosen, None) == "DELETE"
    assert drafting.on_failure(Document(PLAN, "{}", create=True), True) == "DO_NOTHING"
    with pytest.raises(ServiceError, match="created with OnStackFailure DELETE"):
        drafting.on_failure(chosen, False)
