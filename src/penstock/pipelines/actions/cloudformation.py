"""The CloudFormation action: its five modes, each a short conversation with CloudFormation.

All calls are made as the action's role, through the same operations that a user calls; the
action's id is the ClientRequestToken, so a repeated start finds what the first one began.
Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.pipelines.actions import cloudformation_inputs as inputs
from penstock.pipelines.actions.provider import (
    ActionJob,
    ActionResult,
    Failed,
    InProgress,
    Succeeded,
)
from penstock.pipelines.artifact_files import ArtifactFiles
from penstock.pipelines.artifact_paths import ArtifactFileMissing
from penstock.pipelines.parameter_overrides import BadOverrides
from penstock.pipelines.roles import Roles

_FAILED_STACK = {
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "CREATE_FAILED",
    "DELETE_FAILED",
    "UPDATE_ROLLBACK_FAILED",
}
_SUCCEEDED_STACK = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
_NO_UPDATES = "No updates are to be performed."
_NO_CHANGES = ("The submitted information didn't contain changes.", _NO_UPDATES)
_OF_TEMPLATE = (
    "Template format error:",
    "Template error:",
    "Template validation error:",
    "Invalid template ",
    "[/",
)
"""How CloudFormation's words about a template's text begin."""
_SOON_SECONDS = 1.0

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Conversation:
    """CloudFormation, called as the action's role for one job."""

    job: ActionJob
    call: Callable[[str, Mapping[str, Any]], Awaitable[Answer]]

    @property
    def stack_name(self) -> str:
        return self.job.configuration["StackName"]

    @property
    def token(self) -> str:
        return self.job.action_execution_id

    async def stack(self, name: str | None = None) -> Answer | None:
        """Return the stack as DescribeStacks tells it; None where there is none."""
        try:
            answer = await self.call("DescribeStacks", {"StackName": name or self.stack_name})
        except ServiceError as error:
            if "does not exist" in error.message:
                return None
            raise
        found: Answer = answer["Stacks"][0]
        return None if found["StackStatus"] == "DELETE_COMPLETE" and name is None else found

    async def hand_over(self, operation: str, request: Answer) -> Answer:
        """Make a call that gives the template; a mistake in it is told with its file's name."""
        try:
            return await self.call(operation, request)
        except ServiceError as error:
            if not error.message.startswith(_OF_TEMPLATE):
                raise
            file = self.job.configuration["TemplatePath"]
            raise ServiceError(error.code, f"{file}: {error.message}") from error

    async def began(self) -> bool:
        """Tell whether the stack has an event of this action already."""
        try:
            answer = await self.call("DescribeStackEvents", {"StackName": self.stack_name})
        except ServiceError:  # no such stack, or a role that may not read events
            return False
        return any(event.get("ClientRequestToken") == self.token for event in answer["StackEvents"])

    async def change_set(self) -> Answer | None:
        """Return the action's change set, None where there is none."""
        name = self.job.configuration["ChangeSetName"]
        try:
            return await self.call(
                "DescribeChangeSet", {"StackName": self.stack_name, "ChangeSetName": name}
            )
        except ServiceError as error:
            if error.code == "ChangeSetNotFoundException" or "does not exist" in error.message:
                return None
            raise


class CloudFormation:
    """Stacks and change sets. The continuation token is JSON: what is waited for."""

    def __init__(self, in_process: InProcess, files: ArtifactFiles, roles: Roles) -> None:
        self._in_process = in_process
        self._files = files
        self._roles = roles

    async def start(self, job: ActionJob) -> ActionResult:
        """Begin what ActionMode says, or find what an earlier call with the same id began."""
        modes = {
            "CREATE_UPDATE": self._create_or_update,
            "REPLACE_ON_FAILURE": self._replace_on_failure,
            "CHANGE_SET_REPLACE": self._replace_change_set,
            "CHANGE_SET_EXECUTE": self._execute_change_set,
            "DELETE_ONLY": self._delete,
        }
        mode = job.configuration["ActionMode"]
        if mode not in modes:  # a variable gave it
            known = ", ".join(modes)
            return Failed("ConfigurationError", f"Expected an ActionMode of {known}, found {mode}")
        return await self._conversing(job, modes[mode])

    async def poll(self, job: ActionJob, continuation_token: str) -> ActionResult:
        """Say how the stack or the change set stands."""
        waiting = json.loads(continuation_token)

        async def look(conversation: _Conversation) -> ActionResult:
            if "change_set" in waiting:
                return await self._created_change_set(conversation)
            return await self._operation(conversation, waiting["stack"], waiting["mode"])

        return await self._conversing(job, look)

    async def abandon(self, job: ActionJob, continuation_token: str) -> None:
        """As on AWS, the stack's operation goes on."""

    async def _conversing(
        self, job: ActionJob, work: Callable[[_Conversation], Awaitable[ActionResult]]
    ) -> ActionResult:
        try:
            async with self._roles.acting(job) as principal:
                await self._check_artifacts(job, principal)

                async def call(operation: str, parameters: Mapping[str, Any]) -> Answer:
                    return await self._in_process.call(
                        principal, "cloudformation", operation, parameters
                    )

                return await work(_Conversation(job, call))
        except ServiceError as error:
            denied = error.code in {"AccessDeniedException", "AccessDenied"}
            code = "PermissionError" if denied else "ConfigurationError"
            return Failed(code, error.message)
        except (ArtifactFileMissing, BadOverrides) as problem:
            return Failed("ConfigurationError", f"Action {job.action_name}: {problem}")

    async def _check_artifacts(self, job: ActionJob, principal: Principal) -> None:
        """Raise ServiceError unless the role may read the inputs and write the output."""
        needed = [("s3:GetObject", place) for place in job.input_artifacts]
        needed += [("s3:PutObject", place) for place in job.output_artifacts]
        for action, place in needed:
            try:
                object_arn = arn("s3", "", "", f"{place.bucket}/{place.key}")
                await self._roles.require(principal, action, object_arn)
            except ServiceError as error:
                raise ServiceError(
                    "AccessDeniedException",
                    "The provided role does not have sufficient permissions to access the "
                    f"artifact bucket {place.bucket}. Error: {error.message}",
                ) from error

    # the modes

    async def _create_or_update(self, talk: _Conversation) -> ActionResult:
        stack = await talk.stack()
        if stack is not None and await talk.began():
            return _waiting(talk, stack["StackId"])
        request = await inputs.stack_request(talk.job, self._files)
        if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            answer = await talk.hand_over("CreateStack", request)
            return _waiting(talk, answer["StackId"])
        try:
            answer = await talk.hand_over("UpdateStack", request)
        except ServiceError as error:
            if error.message == _NO_UPDATES:
                return await self._succeeded(talk, stack, _NO_UPDATES)
            raise
        return _waiting(talk, answer["StackId"])

    async def _replace_on_failure(self, talk: _Conversation) -> ActionResult:
        stack = await talk.stack()
        if stack is not None and stack["StackStatus"] == "DELETE_IN_PROGRESS":
            return _waiting(talk, stack["StackId"], "replacing")
        if stack is None or stack["StackStatus"] not in _FAILED_STACK or await talk.began():
            return await self._create_or_update(talk)
        await inputs.stack_request(talk.job, self._files)  # bad input deletes nothing
        await self._delete_stack(talk, f"{talk.token}-replace")
        return _waiting(talk, stack["StackId"], "replacing")

    async def _delete(self, talk: _Conversation) -> ActionResult:
        stack = await talk.stack()
        if stack is None:
            return await self._succeeded(talk, None, "The stack does not exist.")
        if not await talk.began():
            await self._delete_stack(talk, talk.token)
        return _waiting(talk, stack["StackId"], "deleting")

    async def _delete_stack(self, talk: _Conversation, token: str) -> None:
        request = {"StackName": talk.stack_name, "ClientRequestToken": token}
        role = talk.job.configuration.get("RoleArn")
        await talk.call("DeleteStack", {**request, **({"RoleARN": role} if role else {})})

    async def _replace_change_set(self, talk: _Conversation) -> ActionResult:
        request = await inputs.stack_request(talk.job, self._files)
        name = talk.job.configuration["ChangeSetName"]
        stack = await talk.stack()
        if stack is not None:
            await talk.call(
                "DeleteChangeSet", {"StackName": talk.stack_name, "ChangeSetName": name}
            )
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
            _url(talk.job, answer["StackId"], answer["Id"]),
            poll_after_seconds=_SOON_SECONDS,
        )

    async def _created_change_set(self, talk: _Conversation) -> ActionResult:
        found = await talk.change_set()
        name = talk.job.configuration["ChangeSetName"]
        if found is None:
            return Failed("JobFailed", f"Change set {name} was deleted while it was created.")
        reason = found.get("StatusReason", "")
        url = _url(talk.job, found["StackId"], found["ChangeSetId"])
        if found["Status"] == "CREATE_COMPLETE" or _is_empty(found):
            summary = reason if _is_empty(found) else f"Change set {name} was created."
            stack = await talk.stack()
            return await self._succeeded(talk, stack, summary, url)
        if found["Status"] == "FAILED":
            message = f"Failed to create change set {name}. Reason: {reason}"
            return Failed("JobFailed", message, found["StackId"], url)
        return InProgress(
            json.dumps({"change_set": found["ChangeSetId"]}),
            found["StackId"],
            url,
            poll_after_seconds=_SOON_SECONDS,
        )

    async def _execute_change_set(self, talk: _Conversation) -> ActionResult:
        if await talk.began():
            stack = await talk.stack()
            return _waiting(talk, stack["StackId"] if stack else talk.stack_name)
        found = await talk.change_set()
        name = talk.job.configuration["ChangeSetName"]
        if found is None:
            message = f"ChangeSet [{name}] does not exist"
            return Failed("ConfigurationError", message)
        if _is_empty(found):
            return await self._succeeded(talk, await talk.stack(), found["StatusReason"])
        await talk.call(
            "ExecuteChangeSet",
            {
                "StackName": talk.stack_name,
                "ChangeSetName": name,
                "ClientRequestToken": talk.token,
            },
        )
        return _waiting(talk, found["StackId"])

    # how it ends

    async def _operation(self, talk: _Conversation, stack_id: str, mode: str) -> ActionResult:
        stack = await talk.stack(stack_id)
        status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
        if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            return _waiting(talk, stack_id, mode)
        if status == "DELETE_COMPLETE" and mode == "replacing":
            return await self._create_or_update(talk)
        if status == "DELETE_COMPLETE" and mode == "deleting":
            return await self._succeeded(talk, None, "The stack was deleted.")
        if status in _SUCCEEDED_STACK and mode == "deploying":
            return await self._succeeded(talk, stack, "")
        executing = talk.job.configuration["ActionMode"] == "CHANGE_SET_EXECUTE"
        work = "execute change set" if executing else "deploy the stack"
        if mode != "deploying":
            work = "delete the stack"
        reason = await self._first_failure(talk, stack_id) or (stack or {}).get("StackStatusReason")
        return Failed(
            "JobFailed",
            f"Failed to {work}. Current stack status: {status}. "
            f"Reason: {reason or 'No reason was provided.'}",
            stack_id,
            _url(talk.job, stack_id),
        )

    async def _first_failure(self, talk: _Conversation, stack_id: str) -> str | None:
        """Return the first failed resource of this operation, when the role may read events."""
        try:
            answer = await talk.call("DescribeStackEvents", {"StackName": stack_id})
        except ServiceError:
            return None
        mine = [
            event
            for event in answer["StackEvents"]
            if str(event.get("ClientRequestToken", "")).startswith(talk.token)
            and event["ResourceStatus"].endswith("_FAILED")
            and event.get("ResourceStatusReason")
        ]
        if not mine:
            return None
        first = mine[-1]  # events come newest first
        return f"{first['LogicalResourceId']}: {first['ResourceStatusReason']}"

    async def _succeeded(
        self, talk: _Conversation, stack: Answer | None, summary: str, url: str = ""
    ) -> ActionResult:
        outputs = {
            output["OutputKey"]: output["OutputValue"]
            for output in (stack or {}).get("Outputs", [])
        }
        file_name = talk.job.configuration.get("OutputFileName")
        for place in talk.job.output_artifacts:
            files = {file_name: json.dumps(outputs, indent=2)} if file_name else {}
            await self._files.write(place, files)
        stack_id = stack["StackId"] if stack else ""
        return Succeeded(
            output_variables=outputs,
            external_execution_id=stack_id,
            external_execution_url=url or (_url(talk.job, stack_id) if stack_id else ""),
            summary=summary,
        )


def _waiting(talk: _Conversation, stack_id: str, mode: str = "deploying") -> InProgress:
    return InProgress(
        json.dumps({"stack": stack_id, "mode": mode}), stack_id, _url(talk.job, stack_id)
    )


def _is_empty(change_set: Answer) -> bool:
    """Tell a change set that failed only because nothing changes."""
    reason = str(change_set.get("StatusReason", ""))
    return bool(change_set["Status"] == "FAILED" and reason.startswith(_NO_CHANGES))


def _url(job: ActionJob, stack_id: str, change_set_id: str | None = None) -> str:
    """Return the stack's address in AWS's console, the shape that tools parse."""
    address = f"https://console.aws.amazon.com/cloudformation/home?region={job.region}#/"
    if change_set_id is None:
        return f"{address}stack/detail?stackId={stack_id}"
    return f"{address}changeset/detail?stackId={stack_id}&changeSetId={change_set_id}"
