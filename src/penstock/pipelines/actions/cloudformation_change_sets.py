"""The CloudFormation action's two modes on change sets: made anew for review, and executed.

Where people approved a change set in between, that very one is executed or none: its ARN and its
plan's digest are compared with what the approvers were shown. See
docs/adr/0030-a-retry-asks-again.md.
"""

import json

from penstock.aws.errors import ServiceError
from penstock.pipelines.actions import cloudformation_inputs as inputs
from penstock.pipelines.actions.cloudformation_conversation import (
    SUCCEEDED_STACK,
    Answer,
    Conversation,
)
from penstock.pipelines.actions.provider import ActionResult, Failed, InProgress
from penstock.pipelines.approved_change_sets import Approved, Standing
from penstock.pipelines.parameter_overrides import BadOverrides

NO_UPDATES = "No updates are to be performed."
_NO_CHANGES = ("The submitted information didn't contain changes.", NO_UPDATES)
_CANNOT_BE_EXECUTED = frozenset({"InvalidChangeSetStatusException", "ChangeSetNotFoundException"})
_SOON_SECONDS = 1.0


async def replace(talk: Conversation) -> ActionResult:
    """Delete the change set of that name, and have one made anew.

    One that an earlier call of this action made stays: CreateChangeSet finds it by its ClientToken.
    """
    request = await inputs.stack_request(talk.job, talk.files)
    if "StackPolicyBody" in request:
        raise BadOverrides(
            "the template configuration file has a StackPolicy, which no change set can set; "
            "remove it there, and set it with SetStackPolicy"
        )
    name = talk.job.configuration["ChangeSetName"]
    stack = await talk.stack()
    if stack is not None and await talk.approved.made(talk.job) is None:
        await talk.call("DeleteChangeSet", {"StackName": talk.stack_name, "ChangeSetName": name})
    new = stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    del request["ClientRequestToken"]
    answer = await talk.hand_over(
        "CreateChangeSet",
        {
            **request,
            "ChangeSetName": name,
            "ChangeSetType": "CREATE" if new else "UPDATE",
            "ClientToken": talk.token,
        },
    )
    return _creating(talk, answer["StackId"], answer["Id"])


async def created(talk: Conversation, arn: str) -> ActionResult:
    """Say whether the change set of that ARN is made."""
    found = await talk.change_set(arn)
    name = talk.job.configuration["ChangeSetName"]
    if isinstance(found, ServiceError):
        return Failed("JobFailed", f"Change set {name} was deleted while it was created.")
    reason = found.get("StatusReason", "")
    url = talk.url(found["StackId"], arn)
    if _is_empty(found):
        return await talk.succeeded(await talk.stack(), reason, url)
    if found["Status"] == "CREATE_COMPLETE":
        count = await talk.changes(found)
        changes = "1 change" if count == 1 else f"{count} changes"
        digest = await talk.approved.digest(arn)
        summary = f"Change set {name} was created: {', '.join(filter(None, (changes, digest)))}"
        return await talk.succeeded(await talk.stack(), summary, url)
    if found["Status"] == "FAILED":
        reason = await talk.explained(reason, {"ChangeSetName": arn})
        message = f"Failed to create change set {name}. Reason: {reason}"
        return Failed("JobFailed", message, found["StackId"], url)
    return _creating(talk, found["StackId"], arn)


async def execute(talk: Conversation) -> ActionResult:
    """Begin to execute the change set, or find that an earlier call did."""
    standing = await talk.approved.standing(talk.job)
    if standing.executed_arn is not None or await talk.began():
        stack = await talk.stack()
        stack_id = stack["StackId"] if stack else talk.stack_name
        return _executing(talk, stack_id, standing.executed_arn)
    found = await talk.change_set()
    if isinstance(found, ServiceError):
        return _refused(talk, standing, await _gone(talk, standing), found)
    arn = found["ChangeSetId"]
    digest = await talk.approved.digest(arn)
    now = f"change set {arn} ({digest or 'without a plan'}), {found.get('ExecutionStatus')}"
    if any((each.arn, each.digest) != (arn, digest or "") for each in standing.approved):
        return _refused(talk, standing, now)
    if _is_empty(found):
        return await talk.succeeded(await talk.stack(), found["StatusReason"])
    request = {
        "StackName": talk.stack_name,
        "ChangeSetName": arn,
        "ClientRequestToken": talk.token,
    }
    try:
        await talk.call("ExecuteChangeSet", request)
    except ServiceError as error:
        if error.code not in _CANNOT_BE_EXECUTED:
            raise
        if reason := found.get("StatusReason"):
            now = f"{now}: {reason}"
        return _refused(talk, standing, now, error)
    return _executing(talk, found["StackId"], arn)


async def executed(talk: Conversation, stack_id: str, arn: str | None) -> ActionResult:
    """Say how the execution stands: by the change set's own status, which no later operation
    changes; by the stack's where the change set is gone, or is not known."""
    known = None if arn is None else await talk.change_set(arn)
    stack = await talk.stack(stack_id)
    status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
    if known is None or isinstance(known, ServiceError):
        ended = not status.endswith("_IN_PROGRESS")
        success = status in SUCCEEDED_STACK
    else:
        ended = known["ExecutionStatus"] != "EXECUTE_IN_PROGRESS"
        success = known["ExecutionStatus"] == "EXECUTE_COMPLETE"
    if not ended:
        return _executing(talk, stack_id, arn)
    if not success:
        return await talk.failed(stack, stack_id, "execute change set")
    digest = None if arn is None else await talk.approved.digest(arn)
    name = talk.job.configuration["ChangeSetName"]
    summary = f"Change set {name} was executed{f': {digest}' if digest else '.'}"
    return await talk.succeeded(stack, summary)


def _creating(talk: Conversation, stack_id: str, arn: str) -> InProgress:
    return InProgress(
        json.dumps({"change_set": arn}),
        stack_id,
        talk.url(stack_id, arn),
        poll_after_seconds=_SOON_SECONDS,
    )


def _executing(talk: Conversation, stack_id: str, arn: str | None) -> InProgress:
    token = json.dumps({"stack": stack_id, "executed": arn})
    return InProgress(token, stack_id, talk.url(stack_id))


async def _gone(talk: Conversation, standing: Standing) -> str:
    """Return what stands where no change set has the name, and what became of the approved one."""
    now = f"no change set {talk.job.configuration['ChangeSetName']}"
    for arn in dict.fromkeys(each.arn for each in standing.approved if each.arn is not None):
        known = await talk.change_set(arn)
        if not isinstance(known, ServiceError):
            now += f"; {arn} is {known['ExecutionStatus']}"
    return now


def _refused(
    talk: Conversation, standing: Standing, now: str, error: ServiceError | None = None
) -> Failed:
    """Return AWS's error, what was approved, what stands there now, and the way on."""
    name, stack = talk.job.configuration["ChangeSetName"], talk.stack_name
    said = [error.message.rstrip(".")] if error else [
        f"Change set {name} of stack {stack} is not the one that was approved"
    ]  # fmt: skip
    said += [_approval(each, name) for each in standing.approved]
    said += [f"Found: {now.rstrip('.')}", "Nothing was executed"]
    said.append(
        f"Retry stage {talk.job.stage_name}: it makes the change set anew, and asks again for "
        "every approval of it"
        if standing.remade
        else f"No action of stage {talk.job.stage_name} made change set {name} of {stack}: compare "
        "its actions' StackName and ChangeSetName, or release the change again"
    )
    return Failed("JobFailed", ". ".join(said) + ".")


def _approval(approved: Approved, name: str) -> str:
    who = f"{approved.action_name}, approved by {approved.decided_by}"
    if approved.decided_at is not None:
        who += f" at {approved.decided_at:%Y-%m-%dT%H:%M:%SZ}"
    if approved.arn is None:
        return f"{who}, was not about any change set {name}"
    return f"{who}, was about change set {approved.arn} ({approved.digest})"


def _is_empty(change_set: Answer) -> bool:
    """Tell a change set that failed only because nothing changes."""
    reason = str(change_set.get("StatusReason", ""))
    return bool(change_set["Status"] == "FAILED" and reason.startswith(_NO_CHANGES))
