"""A change set that is made to be looked at, and removed again: nothing is deployed."""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock import ids
from penstock.cli.cloudformation_endpoint import CloudFormationEndpoint
from penstock.cli.described_change_set import (
    described,
    findings,
    nested,
    parameter_changes,
    reviewed,
)
from penstock.cli.own_requests import ask
from penstock.cli.preview_request import PreviewRequest
from penstock.cli.refusal import Refusal
from penstock.cli.template_upload import handed_over
from penstock.pipelines.review import ParameterChange, ReviewedChangeSet
from penstock.pipelines.review_endpoints import CHANGE_SETS_PATH

_MOST_SECONDS = 900.0
_DELETION_SECONDS = 60.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 5.0
_IN_REVIEW = "REVIEW_IN_PROGRESS"
_NOTHING = ("didn't contain changes", "No updates are to be performed")
_EXECUTED = ("EXECUTE_COMPLETE", "EXECUTE_FAILED")
_TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Preview:
    """What a template would change; `nested` are the change sets of nested stacks.

    `existed` says whether the stack was there before. `notes` are sentences about what it does
    not show. Without a change there may be no change set: its ARN is "" then.
    """

    source: str
    change_set: ReviewedChangeSet
    existed: bool
    kept: bool
    nested: Sequence[ReviewedChangeSet] = ()
    notes: Sequence[str] = ()

    @property
    def change_sets(self) -> Sequence[ReviewedChangeSet]:
        """The stack's own change set and those of its nested stacks."""
        return [self.change_set, *self.nested]


@contextlib.contextmanager
def previewed(
    endpoint: CloudFormationEndpoint, request: PreviewRequest, bucket: str | None = None
) -> Iterator[Preview]:
    """Yield what the template would change; afterwards its change set is deleted, and the stack
    with it that was only made for it. With `request.keep` a change set that can be executed stays.

    Raises Refusal when CloudFormation could not make one, or when it could not be deleted.
    """
    cloudformation = endpoint.cloudformation
    stack = _stack(cloudformation, request.stack)
    new = stack is None or stack["StackStatus"] == _IN_REVIEW
    name = f"penstock-preview-{ids.new_uuid()[:8]}"
    notes = list(request.notes)
    if request.guessed and stack is None:
        notes.append(
            f"There is no stack {request.stack}, which is the file's name: name another with "
            "--stack."
        )
    with _ended_by_signals():
        try:
            made = _made(endpoint, request, bucket, None if new else stack, name)
        except (BotoCoreError, KeyboardInterrupt, SystemExit):  # no answer: it may be there
            with contextlib.suppress(ClientError, BotoCoreError, Refusal):
                place = {"ChangeSetName": name, "StackName": request.stack}
                found = cloudformation.describe_change_set(**place)
                _remove(cloudformation, found["ChangeSetId"], found["StackId"], stack is None)
            raise
        if made is None:
            yield Preview(request.source, _unmade(request), stack is not None, kept=False)
            return
        kept = False
        try:
            preview = _preview(endpoint, request, made["Id"], stack)
            kept = request.keep and not preview.change_set.empty
            yield replace(preview, kept=kept, notes=[*notes, *preview.notes])
        finally:
            if not kept:
                _removed(cloudformation, made, stack is None)


def _stack(cloudformation: Any, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def _made(
    endpoint: CloudFormationEndpoint,
    request: PreviewRequest,
    bucket: str | None,
    stack: Mapping[str, Any] | None,
    name: str,
) -> Mapping[str, str] | None:
    """Make the change set; return its and its stack's ARN, None where nothing would change."""
    members: dict[str, Any] = {
        "StackName": request.stack,
        "ChangeSetName": name,
        "ClientToken": name,
        "ChangeSetType": "CREATE" if stack is None else "UPDATE",
        "Parameters": _parameters(request, stack),
        "Capabilities": list(request.capabilities),
    }
    if request.tags is not None:
        members["Tags"] = [{"Key": key, "Value": value} for key, value in request.tags.items()]
    if request.role_arn is not None:
        members["RoleARN"] = request.role_arn
    if request.nested:
        members["IncludeNestedStacks"] = True
    with handed_over(endpoint, request.body, bucket) as template:
        try:
            made: Mapping[str, str] = endpoint.cloudformation.create_change_set(
                **members, **template
            )
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if stack is not None and any(each in message for each in _NOTHING):
                return None  # AWS makes a change set that failed; not everybody does
            hint = "; give them: --capability NAME" if "Requires capabilities" in message else ""
            raise Refusal(f"{request.source}: {message}{hint}") from error
        return made


def _parameters(request: PreviewRequest, stack: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return CreateChangeSet's Parameters: what is given, and the stack's values for the rest."""
    given = request.parameters or {}
    before = {each["ParameterKey"] for each in (stack or {}).get("Parameters", ())}
    return [
        *({"ParameterKey": key, "ParameterValue": value} for key, value in given.items()),
        *(
            {"ParameterKey": key, "UsePreviousValue": True}
            for key in request.declared
            if key in before and key not in given
        ),
    ]


def _preview(
    endpoint: CloudFormationEndpoint,
    request: PreviewRequest,
    arn: str,
    stack: Mapping[str, Any] | None,
) -> Preview:
    cloudformation = endpoint.cloudformation
    _wait(cloudformation, arn)
    answer, changes = described(cloudformation, arn)
    new = stack is None or stack["StackStatus"] == _IN_REVIEW
    reason = answer.get("StatusReason", "")
    failed = answer["Status"] == "FAILED"
    empty = failed and any(each in reason for each in _NOTHING)
    if failed and not empty:
        told = [reason or "the change set failed, without a reason"]
        told += [f"  {line}" for line in findings(cloudformation, arn, reason)]
        raise Refusal(f"{request.source}: " + "\n".join(told))
    parameters = list(parameter_changes(stack, answer, request.parameters or {}, request.secrets))
    change_set = reviewed(answer, changes, "CREATE" if new else "UPDATE", parameters, empty=empty)
    inner = list(nested(cloudformation, changes)) if request.nested else []
    return Preview(
        request.source,
        _with_own(endpoint, change_set),
        existed=stack is not None,
        kept=False,
        nested=inner,
        notes=list(_of_nested(changes, asked=request.nested)),
    )


def _of_nested(changes: Sequence[Mapping[str, Any]], *, asked: bool) -> Iterator[str]:
    """Say which nested stacks are not looked into: it was not asked for, or is not told."""
    found = [each.get("ResourceChange", {}) for each in changes]
    hidden = [
        str(each.get("LogicalResourceId", ""))
        for each in found
        if each.get("ResourceType") == "AWS::CloudFormation::Stack"
        and each.get("Action") != "Remove"
        and not (asked and each.get("ChangeSetId"))
    ]
    if hidden:
        why = "the endpoint does not say" if asked else "is not shown: see it with --nested"
        yield f"What changes inside the nested stacks {', '.join(hidden)} {why}."


def _with_own(endpoint: CloudFormationEndpoint, change_set: ReviewedChangeSet) -> ReviewedChangeSet:
    """Add what only our own server tells: the plan's digest, and whether a secret differs."""
    if endpoint.own is None:
        return change_set
    try:
        found = ask(endpoint.own, CHANGE_SETS_PATH, {"arn": change_set.arn})
    except Refusal:  # an older server; everything else is known
        return change_set
    parameters = [ParameterChange(**each) for each in found["parameters"]]
    return replace(
        change_set, digest=found["digest"], parameters=parameters or change_set.parameters
    )


def _unmade(request: PreviewRequest) -> ReviewedChangeSet:
    return ReviewedChangeSet(
        action_name="",
        stack_name=request.stack,
        stack_id="",
        name="",
        arn="",
        kind="UPDATE",
        digest="",
        status="FAILED",
        status_reason="No updates are to be performed.",
        created_at=None,
        empty=True,
    )


def _wait(cloudformation: Any, arn: str) -> None:
    end, pause = time.monotonic() + _MOST_SECONDS, _FIRST_WAIT_SECONDS
    while time.monotonic() < end:
        status = cloudformation.describe_change_set(ChangeSetName=arn)["Status"]
        if not status.endswith(("_PENDING", "_IN_PROGRESS")):
            return
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_WAIT_SECONDS)
    raise Refusal(f"the change set was not made within {_MOST_SECONDS:.0f} s")


def _removed(cloudformation: Any, made: Mapping[str, str], alone: bool) -> None:
    try:
        _remove(cloudformation, made["Id"], made.get("StackId"), alone)
    except (ClientError, BotoCoreError) as error:
        raise Refusal(
            f"the change set is left, and must be deleted by hand: {made['Id']}: {error}"
        ) from error


def _remove(cloudformation: Any, arn: str, stack_id: str | None, alone: bool) -> None:
    """Delete a change set, and its stack where nothing else was ever made of it (`alone`).

    Both go by their ids: under the names others may have made something meanwhile. Nothing deletes
    a stack only if it is still in review, so that is asked last. Raises Refusal where somebody has
    executed the change set.
    """
    end = time.monotonic() + _DELETION_SECONDS
    while True:
        try:
            cloudformation.delete_change_set(ChangeSetName=arn)
            break
        except ClientError as error:  # while it is being made it cannot be deleted
            told = error.response["Error"]
            if any(each in told["Message"] for each in _EXECUTED):
                raise Refusal(f"somebody has executed the preview's change set: {arn}") from error
            if not told["Code"].startswith("InvalidChangeSetStatus") or time.monotonic() > end:
                raise
        time.sleep(_FIRST_WAIT_SECONDS)
    if not alone or stack_id is None or not _is_in_review(cloudformation, stack_id):
        return
    others = cloudformation.list_change_sets(StackName=stack_id).get("Summaries", ())
    if any(each.get("ChangeSetId") != arn for each in others):
        return
    if not _is_in_review(cloudformation, stack_id):
        return
    cloudformation.delete_stack(StackName=stack_id)
    while _stack(cloudformation, stack_id) is not None and time.monotonic() < end:
        time.sleep(_FIRST_WAIT_SECONDS)  # until then the next preview would meet it


def _is_in_review(cloudformation: Any, stack_id: str) -> bool:
    found = _stack(cloudformation, stack_id)
    return found is not None and bool(found["StackStatus"] == _IN_REVIEW)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End as after Ctrl-C when a CI system sends SIGTERM, so that all is removed again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
