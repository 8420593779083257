"""Answers of DescribeChangeSet, of any CloudFormation, as a review shows them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.cli.described_change_set import (
    GIVEN_SECRET,
    described,
    findings,
    nested,
    parameter_changes,
    reviewed,
)

ARN = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/cs/1"
NOTHING: frozenset[str] = frozenset()
POINTS_TO_EVENTS = "Use the DescribeEvents API for detailed failure information."


def change(name: str, action: str = "Modify", **more: Any) -> dict[str, Any]:
    return {"ResourceChange": {"LogicalResourceId": name, "Action": action, **more}}


class CloudFormation:
    """Answers with pages of changes by ARN and form; keeps what it was asked for."""

    def __init__(self, pages: Mapping[tuple[str, bool], list[list[Any]]]) -> None:
        self.pages = pages
        self.asked: list[dict[str, Any]] = []

    def describe_change_set(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        form = (request["ChangeSetName"], request.get("IncludePropertyValues", False))
        pages = self.pages[form]
        number = int(request.get("NextToken", 0))
        answer: dict[str, Any] = {"Changes": pages[number], "StackName": f"page {number}"}
        if number + 1 < len(pages):
            answer["NextToken"] = str(number + 1)
        return answer


class Events:
    """DescribeEvents, newest first as AWS gives them."""

    def __init__(self, *pages: list[dict[str, Any]], error: str | None = None) -> None:
        self.pages = pages
        self.error = error

    def get_paginator(self, operation: str) -> "Events":
        assert operation == "describe_events"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        assert request == {"ChangeSetName": ARN}
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, "DescribeEvents")
        return [{"OperationEvents": page} for page in self.pages]


class TestBothForms:
    def test_each_resource_comes_once_with_values_where_there_are_any(self) -> None:
        valued = change("A", Details=["with values"])
        cloudformation = CloudFormation(
            {
                (ARN, False): [[change("A")], [change("Reached")]],
                (ARN, True): [[valued], [change("OnlyValued", "Add")]],
            }
        )
        first, changes = described(cloudformation, ARN)
        assert first["StackName"] == "page 0"
        assert changes == [valued, change("Reached"), change("OnlyValued", "Add")]

    def test_all_pages_of_both_are_read(self) -> None:
        pages = [[change("A")], [change("B")], [change("C")]]
        cloudformation = CloudFormation({(ARN, False): pages, (ARN, True): pages})
        assert len(described(cloudformation, ARN)[1]) == 3
        tokens = [one.get("NextToken") for one in cloudformation.asked]
        assert tokens == [None, "1", "2"] * 2
        forms = [one.get("IncludePropertyValues", False) for one in cloudformation.asked]
        assert forms == [False] * 3 + [True] * 3

    def test_a_resource_that_is_removed_and_added_is_two_changes(self) -> None:
        both = [change("A", "Remove"), change("A", "Add")]
        cloudformation = CloudFormation({(ARN, False): [both], (ARN, True): [both[::-1]]})
        assert described(cloudformation, ARN)[1] == both


class TestReviewed:
    def test_what_an_answer_tells(self) -> None:
        made = datetime(2026, 1, 1, tzinfo=UTC)
        answer = {
            "StackName": "shop", "StackId": "arn:stack", "ChangeSetName": "cs", "ChangeSetId": ARN,
            "Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "CreationTime": made,
        }  # fmt: skip
        found = reviewed(answer, [change("A")], "UPDATE")
        assert (found.stack_name, found.stack_id) == ("shop", "arn:stack")
        assert (found.name, found.arn) == ("cs", ARN)
        assert (found.status, found.created_at, found.changes) == ("AVAILABLE", made, [change("A")])
        assert found.digest == "", "only our own server tells it"

    def test_a_failed_one_is_failed_whatever_its_execution_status(self) -> None:
        answer = {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": "why"}
        found = reviewed(answer, [], "CREATE", empty=True)
        assert (found.status, found.status_reason, found.empty) == ("FAILED", "why", True)

    def test_what_an_answer_lacks_stays_missing(self) -> None:
        found = reviewed({"CreationTime": "2026"}, [], "UPDATE")
        assert (found.status, found.stack_name, found.created_at) == ("AVAILABLE", "", None)


class TestNested:
    def test_each_is_followed_by_those_inside_it(self) -> None:
        stack = {"ResourceType": "AWS::CloudFormation::Stack"}
        inner = [[change("Inner", **stack, ChangeSetId="leaf")]]
        cloudformation = CloudFormation(
            {
                ("middle", False): inner, ("middle", True): inner,
                ("leaf", False): [[]], ("leaf", True): [[]],
                ("new", False): [[]], ("new", True): [[]],
            }
        )  # fmt: skip
        changes = [
            change("Middle", **stack, ChangeSetId="middle"),
            change("Unplanned", **stack),
            change("Queue", ResourceType="AWS::SQS::Queue", ChangeSetId="not one"),
            change("New", "Add", **stack, ChangeSetId="new"),
        ]
        found = list(nested(cloudformation, changes))
        assert [(one.kind, len(one.changes)) for one in found] == [
            ("UPDATE", 1), ("UPDATE", 0), ("CREATE", 0),
        ]  # fmt: skip


class TestFindings:
    def test_they_are_told_in_their_order_by_their_places(self) -> None:
        def error(path: str, reason: str) -> dict[str, str]:
            return {"EventType": "VALIDATION_ERROR", "LogicalResourceId": "Q",
                    "ValidationPath": path, "ValidationStatusReason": reason}  # fmt: skip

        own = {"EventType": "STACK_EVENT"}
        events = Events([own, error("", "second")], [error("/Resources/Q", "first"), own])
        assert findings(events, ARN, POINTS_TO_EVENTS) == ["/Resources/Q: first", "Q: second"]

    def test_other_reasons_ask_nobody(self) -> None:
        assert findings(None, ARN, "No updates are to be performed.") == []

    def test_why_a_nested_one_failed(self) -> None:
        """The root's reason names the nested change set, and nothing else."""
        root = "Nested change set {} was not successfully created: Currently in FAILED."
        below = {
            "arn:middle": {"StackName": "middle", "StatusReason": root.format("arn:leaf")},
            "arn:leaf": {"StackName": "leaf", "StatusReason": "Template format error"},
            ARN: {"StackName": "wrong", "StatusReason": POINTS_TO_EVENTS},
        }

        class Nested(Events):
            def describe_change_set(self, ChangeSetName: str) -> Any:
                if ChangeSetName not in below:
                    raise ClientError({"Error": {"Code": "X", "Message": "no"}}, "Describe")
                return below[ChangeSetName]

        error = {"EventType": "VALIDATION_ERROR", "ValidationPath": "/Resources/Q",
                 "ValidationStatusReason": "taken"}  # fmt: skip
        nested_ones = Nested([error])
        assert findings(nested_ones, "arn:root", root.format("arn:middle")) == [
            "middle: leaf: Template format error"
        ]
        assert findings(nested_ones, "arn:root", root.format(ARN)) == ["wrong: /Resources/Q: taken"]
        assert findings(nested_ones, "arn:root", root.format("arn:gone")) == []

    def test_who_may_not_ask_sees_the_reason_alone(self) -> None:
        assert findings(Events(error="AccessDenied"), ARN, POINTS_TO_EVENTS) == []


def parameter(name: str, value: str, **more: str) -> dict[str, str]:
    return {"ParameterKey": name, "ParameterValue": value, **more}


class TestParameters:
    STACK: Mapping[str, Any] = {"Parameters": [parameter("A", "1"), parameter("Gone", "x")]}

    def told(
        self, stack: Any, answer: Any, sent: Any = None, secrets: frozenset[str] = NOTHING
    ) -> dict[str, tuple[str | None, str | None]]:
        found = parameter_changes(stack, answer, sent or {}, secrets)
        return {one.name: (one.before, one.after) for one in found}

    def test_before_and_after(self) -> None:
        answer = {"Parameters": [parameter("A", "2"), parameter("New", "n")]}
        assert self.told(self.STACK, answer) == {
            "A": ("1", "2"), "New": (None, "n"), "Gone": ("x", None),
        }  # fmt: skip

    def test_without_any_in_the_answer_only_those_that_were_sent_are_known(self) -> None:
        assert self.told(self.STACK, {}, {"A": "2"}) == {"A": ("1", "2")}

    def test_an_ssm_parameter_is_what_it_resolved_to(self) -> None:
        answer = {"Parameters": [parameter("A", "/ami", ResolvedValue="ami-1")]}
        assert self.told(None, answer) == {"A": (None, "ami-1 (from /ami)")}

    @pytest.mark.parametrize(("before", "after"), [("in the clear", "new"), ("****", "****")])
    def test_a_secret_is_masked_also_where_the_server_does_not(
        self, before: str, after: str
    ) -> None:
        stack = {"Parameters": [parameter("S", before)]}
        answer = {"Parameters": [parameter("S", after)]}
        assert self.told(stack, answer, {}, frozenset({"S"})) == {"S": ("****", "****")}
        assert self.told(stack, answer, {"S": after}, frozenset({"S"})) == {
            "S": ("****", GIVEN_SECRET)
        }

    def test_a_masked_value_is_a_secret_though_nobody_said_so(self) -> None:
        answer = {"Parameters": [parameter("S", "****")]}
        assert self.told(None, answer, {"S": "swordfish"}) == {"S": (None, "****")}
