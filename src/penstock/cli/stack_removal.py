"""What `penstock down --stack` does: tell what goes with a stack, delete it, follow its events."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from penstock.cli.refusal import Refusal
from penstock.cli.times import clock_time
from penstock.pipelines.review_words import legible
from penstock.stacks.operations.removals import retains
from penstock.stacks.template.load import load_template

_POLL_SECONDS = 0.5
_GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")


@dataclass(frozen=True, slots=True)
class StackRemoval:
    """What deleting a stack does: `deleted` and `kept` are of DescribeStackResources."""

    name: str
    stack_id: str
    deleted: Sequence[Mapping[str, Any]]
    kept: Sequence[Mapping[str, Any]]


def plan_removal(cloudformation: Any, name: str) -> StackRemoval:
    """Read what the stack has; raise Refusal when there is none, or when it is protected."""
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise Refusal(f"no stack is called {name}; stacks: {_known(cloudformation)}") from None
    if stack.get("EnableTerminationProtection"):
        raise Refusal(
            f"{name} is protected against deletion; first: aws cloudformation "
            f"update-termination-protection --no-enable-termination-protection --stack-name {name}"
        )
    found = cloudformation.describe_stack_resources(StackName=stack["StackId"])["StackResources"]
    there = [
        each
        for each in found
        if each["ResourceStatus"] not in _GONE and each.get("PhysicalResourceId")
    ]
    retained = _retained(cloudformation, stack) if there else set()
    return StackRemoval(
        name=name,
        stack_id=stack["StackId"],
        deleted=[each for each in there if each["LogicalResourceId"] not in retained],
        kept=[each for each in there if each["LogicalResourceId"] in retained],
    )


def lines(removal: StackRemoval) -> list[str]:
    """Say what goes and what stays."""
    told = [f"Deletes the stack {removal.name}" + (" with:" if removal.deleted else ".")]
    told += [f"  {_words(each)}" for each in removal.deleted]
    if removal.kept:
        told += ["Keeps, by their DeletionPolicy:"]
        told += [f"  {_words(each)}" for each in removal.kept]
    if any(each["ResourceType"] == "AWS::ECS::TaskDefinition" for each in removal.deleted):
        told += ["Keeps the volumes of its tasks that are shared: penstock volume list"]
    return told


def delete(cloudformation: Any, removal: StackRemoval, show: Callable[[str], None]) -> None:
    """Delete the stack and show its events until it is gone.

    Raises Refusal with the reasons when the deletion fails.
    """
    stack_id = removal.stack_id
    seen = {each["EventId"] for each in _events(cloudformation, stack_id)}
    cloudformation.delete_stack(StackName=stack_id)
    failures: list[str] = []
    while True:
        stack = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
        for event in reversed(_events(cloudformation, stack_id)):
            if event["EventId"] in seen:
                continue
            seen.add(event["EventId"])
            show(event_line(event))
            failures += _failure(event)
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            reason = "; ".join(failures) or stack.get("StackStatusReason", "no reason given")
            raise Refusal(f"{removal.name} is {stack['StackStatus']}: {reason}")
        time.sleep(_POLL_SECONDS)


def event_line(event: Mapping[str, Any]) -> str:
    """Return one stack event as a row, and its reason below it."""
    row = (
        f"{clock_time(event['Timestamp'])}  {event['ResourceStatus']:18}  "
        f"{event['LogicalResourceId']}  {event['ResourceType']}"
    )
    reason = event.get("ResourceStatusReason")
    return f"{row}\n          {legible(reason)}" if reason else row


def _failure(event: Mapping[str, Any]) -> list[str]:
    """Say which resource could not be deleted, and why; [] for any other event."""
    if (
        event["ResourceStatus"] != "DELETE_FAILED"
        or event["PhysicalResourceId"] == event["StackId"]
    ):
        return []
    return [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"]


def _events(cloudformation: Any, stack_id: str) -> list[dict[str, Any]]:
    """Return the stack's events, newest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    return [event for page in pages for event in page["StackEvents"]]


def _retained(cloudformation: Any, stack: Mapping[str, Any]) -> set[str]:
    answer = cloudformation.get_template(StackName=stack["StackId"], TemplateStage="Processed")
    body = answer["TemplateBody"]  # botocore parses JSON
    template = load_template(body if isinstance(body, str) else json.dumps(body))
    return {
        name for name, resource in template.resources.items() if retains(resource.deletion_policy)
    }


def _words(resource: Mapping[str, Any]) -> str:
    return (
        f"{resource['LogicalResourceId']:18} {resource['ResourceType']}\n"
        f"  {'':18} {resource['PhysicalResourceId']}"
    )


def _known(cloudformation: Any) -> str:
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    return ", ".join(each["StackName"] for page in pages for each in page["Stacks"]) or "none"
