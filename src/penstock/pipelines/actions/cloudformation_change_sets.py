"""The CloudFormation action's two modes on change sets: made anew for review, and executed."""

import json

from penstock.pipelines.actions import cloudformation_inputs as inputs
from penstock.pipelines.actions.cloudformation_conversation import Answer, Conversation
from penstock.pipelines.actions.provider import ActionResult, Failed, InProgress

NO_UPDATES = "No updates are to be performed."
_NO_CHANGES = ("The submitted information didn't contain changes.", NO_UPDATES)
_SOON_SECONDS = 1.0


async def replace(talk: Conversation) -> ActionResult:
    """Delete the change set of that name, and have one made anew."""
    request = await inputs.stack_request(talk.job, talk.files)
    name = talk.job.configuration["ChangeSetName"]
    stack = await talk.stack()
    if stack is not None:
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
    return InProgress(
        json.dumps({"change_set": answer["Id"]}),
        answer["StackId"],
        talk.url(answer["StackId"], answer["Id"]),
        poll_after_seconds=_SOON_SECONDS,
    )


async def created(talk: Conversation) -> ActionResult:
    """Say whether the change set is made."""
    found = await talk.change_set()
    name = talk.job.configuration["ChangeSetName"]
    if found is None:
        return Failed("JobFailed", f"Change set {name} was deleted while it was created.")
    reason = found.get("StatusReason", "")
    url = talk.url(found["StackId"], found["ChangeSetId"])
    if found["Status"] == "CREATE_COMPLETE" or _is_empty(found):
        summary = reason if _is_empty(found) else f"Change set {name} was created."
        stack = await talk.stack()
        return await talk.succeeded(stack, summary, url)
    if found["Status"] == "FAILED":
        message = f"Failed to create change set {name}. Reason: {reason}"
        return Failed("JobFailed", message, found["StackId"], url)
    return InProgress(
        json.dumps({"change_set": found["ChangeSetId"]}),
        found["StackId"],
        url,
        poll_after_seconds=_SOON_SECONDS,
    )


async def execute(talk: Conversation) -> ActionResult:
    """Begin to execute the change set, or find that an earlier call did."""
    if await talk.began():
        stack = await talk.stack()
        return talk.waiting(stack["StackId"] if stack else talk.stack_name)
    found = await talk.change_set()
    name = talk.job.configuration["ChangeSetName"]
    if found is None:
        message = f"ChangeSet [{name}] does not exist"
        return Failed("ConfigurationError", message)
    if _is_empty(found):
        return await talk.succeeded(await talk.stack(), found["StatusReason"])
    await talk.call(
        "ExecuteChangeSet",
        {
            "StackName": talk.stack_name,
            "ChangeSetName": name,
            "ClientRequestToken": talk.token,
        },
    )
    return talk.waiting(found["StackId"])


def _is_empty(change_set: Answer) -> bool:
    """Tell a change set that failed only because nothing changes."""
    reason = str(change_set.get("StatusReason", ""))
    return bool(change_set["Status"] == "FAILED" and reason.startswith(_NO_CHANGES))
