"""A change set as any CloudFormation describes it, read into what a review shows.

DescribeChangeSet is asked in both its forms: only with property values does it give values, and
only without them what a change in place may reach. What an answer lacks stays missing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from penstock.pipelines.review import ParameterChange, ReviewedChangeSet
from penstock.stacks.display import MASK

_NESTED_STACK = "AWS::CloudFormation::Stack"
_NESTED_FAILED = re.compile(r"Nested change set (?P<arn>arn:\S+) was not successfully created")
GIVEN_SECRET = f"{MASK} (given: whether it differs is not told)"

Answer = Mapping[str, Any]


def described(cloudformation: Any, arn: str) -> tuple[Answer, list[Answer]]:
    """Return DescribeChangeSet's answer, and all Changes of both forms, each resource once."""
    first, plain = _pages(cloudformation, {"ChangeSetName": arn})
    _, valued = _pages(cloudformation, {"ChangeSetName": arn, "IncludePropertyValues": True})
    with_values = {_key(each): each for each in valued}
    merged = [with_values.pop(_key(each), each) for each in plain]
    return first, [*merged, *with_values.values()]


def reviewed(
    answer: Answer,
    changes: Iterable[Answer],
    kind: str,
    parameters: Iterable[ParameterChange] = (),
    *,
    empty: bool = False,
) -> ReviewedChangeSet:
    """Return a described change set as a review has it; its digest only our own server tells."""
    status = answer.get("Status", "")
    made = answer.get("CreationTime")
    return ReviewedChangeSet(
        action_name="",
        stack_name=answer.get("StackName", ""),
        stack_id=answer.get("StackId", ""),
        name=answer.get("ChangeSetName", ""),
        arn=answer.get("ChangeSetId", ""),
        kind=kind,
        digest="",
        status="FAILED" if status == "FAILED" else answer.get("ExecutionStatus", "AVAILABLE"),
        status_reason=answer.get("StatusReason", ""),
        created_at=made if isinstance(made, datetime) else None,
        empty=empty,
        parameters=list(parameters),
        changes=list(changes),
    )


def nested(cloudformation: Any, changes: Iterable[Answer]) -> Iterator[ReviewedChangeSet]:
    """Yield the change sets of nested stacks, each followed by those inside it."""
    for each in changes:
        change = each.get("ResourceChange", {})
        arn = change.get("ChangeSetId")
        if change.get("ResourceType") != _NESTED_STACK or not arn:
            continue
        answer, inner = described(cloudformation, arn)
        kind = "CREATE" if change.get("Action") == "Add" else "UPDATE"
        yield reviewed(answer, inner, kind)
        yield from nested(cloudformation, inner)


def findings(cloudformation: Any, arn: str, reason: str) -> list[str]:
    """Return what early validation found, where a change set's reason says that it found something;
    of a nested one that failed, why.

    AWS's reasons only point there; who may not look sees the reason alone.
    """
    if (failed := _NESTED_FAILED.search(reason)) is not None:
        return _of_nested(cloudformation, failed["arn"])
    if "DescribeEvents" not in reason:
        return []
    try:
        pages = cloudformation.get_paginator("describe_events").paginate(ChangeSetName=arn)
        events = [each for page in pages for each in page.get("OperationEvents", ())]
    except ClientError:
        return []
    return [
        f"{each.get('ValidationPath') or each.get('LogicalResourceId', '')}: "
        f"{each.get('ValidationStatusReason', '')}"
        for each in reversed(events)
        if each.get("EventType") == "VALIDATION_ERROR"
    ]


def _of_nested(cloudformation: Any, arn: str) -> list[str]:
    try:
        answer = cloudformation.describe_change_set(ChangeSetName=arn)
    except ClientError:
        return []
    reason = answer.get("StatusReason", "")
    name = answer.get("StackName", arn)
    return [f"{name}: {line}" for line in findings(cloudformation, arn, reason) or [reason]]


def parameter_changes(
    stack: Answer | None, answer: Answer, sent: Mapping[str, str], secrets: frozenset[str]
) -> Iterator[ParameterChange]:
    """Yield each parameter before and after; `sent` are the values that were given.

    `secrets` are masked here too: not every server does. Where the answer has no parameters, only
    those that were given are known.
    """
    before = _values((stack or {}).get("Parameters", ()))
    told = answer.get("Parameters")
    after = _values(told) if told else dict(sent)
    for name in [*after, *(name for name in before if told and name not in after)]:
        old, new = before.get(name), after.get(name)
        if name in secrets or MASK in {old, new}:
            hidden = GIVEN_SECRET if name in sent and old is not None else MASK
            yield ParameterChange(name, old and MASK, new and hidden)
        else:
            yield ParameterChange(name, old, new)


def _pages(cloudformation: Any, request: Answer) -> tuple[Answer, list[Answer]]:
    first: Answer = cloudformation.describe_change_set(**request)
    changes, page = list(first.get("Changes", ())), first
    while token := page.get("NextToken"):
        page = cloudformation.describe_change_set(**request, NextToken=token)
        changes += page.get("Changes", ())
    return first, changes


def _key(change: Answer) -> tuple[str, str]:
    found = change.get("ResourceChange", {})
    return found.get("LogicalResourceId", ""), found.get("Action", "")


def _values(parameters: Iterable[Answer]) -> dict[str, str]:
    """Return the values by name; of an SSM parameter what it resolved to, and its name."""
    return {
        each["ParameterKey"]: f"{each['ResolvedValue']} (from {each.get('ParameterValue', '')})"
        if "ResolvedValue" in each
        else each.get("ParameterValue", "")
        for each in parameters
    }
