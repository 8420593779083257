"""The CloudFormation action: its five modes, each a short conversation with CloudFormation.

All calls are made as the action's role, through the same operations that a user calls; the
action's id is the ClientRequestToken, so a repeated start finds what the first one began.
Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.pipelines.actions import cloudformation_change_sets as change_sets
from penstock.pipelines.actions import cloudformation_inputs as inputs
from penstock.pipelines.actions.cloudformation_conversation import (
    SUCCEEDED_STACK,
    Answer,
    Conversation,
)
from penstock.pipelines.actions.provider import ActionJob, ActionResult, Failed
from penstock.pipelines.approved_change_sets import ApprovedChangeSets
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


class CloudFormation:
    """Stacks and change sets. The continuation token is JSON: what is waited for."""

    def __init__(
        self,
        in_process: InProcess,
        files: ArtifactFiles,
        roles: Roles,
        approved: ApprovedChangeSets,
    ) -> None:
        self._in_process = in_process
        self._files = files
        self._roles = roles
        self._approved = approved

    async def start(self, job: ActionJob) -> ActionResult:
        """Begin what ActionMode says, or find what an earlier call with the same id began."""
        modes = {
            "CREATE_UPDATE": self._create_or_update,
            "REPLACE_ON_FAILURE": self._replace_on_failure,
            "CHANGE_SET_REPLACE": change_sets.replace,
            "CHANGE_SET_EXECUTE": change_sets.execute,
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

        async def look(conversation: Conversation) -> ActionResult:
            if "change_set" in waiting:
                return await change_sets.created(conversation, waiting["change_set"])
            if "executed" in waiting:
                return await change_sets.executed(
                    conversation, waiting["stack"], waiting["executed"]
                )
            return await self._operation(conversation, waiting["stack"], waiting["mode"])

        return await self._conversing(job, look)

    async def abandon(self, job: ActionJob, continuation_token: str) -> None:
        """As on AWS, the stack's operation goes on."""

    async def _conversing(
        self, job: ActionJob, work: Callable[[Conversation], Awaitable[ActionResult]]
    ) -> ActionResult:
        try:
            async with self._roles.acting(job) as principal:
                await self._check_artifacts(job, principal)

                async def call(operation: str, parameters: Mapping[str, Any]) -> Answer:
                    return await self._in_process.call(
                        principal, "cloudformation", operation, parameters
                    )

                return await work(Conversation(job, call, self._files, self._approved))
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

    async def _create_or_update(self, talk: Conversation) -> ActionResult:
        stack = await talk.stack()
        if stack is not None and await talk.began():
            return talk.waiting(stack["StackId"])
        request = await inputs.stack_request(talk.job, self._files)
        if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            answer = await talk.hand_over("CreateStack", request)
            return talk.waiting(answer["StackId"])
        try:
            answer = await talk.hand_over("UpdateStack", request)
        except ServiceError as error:
            if error.message == change_sets.NO_UPDATES:
                await self._set_policy(talk, request)
                return await talk.succeeded(stack, change_sets.NO_UPDATES)
            raise
        return talk.waiting(answer["StackId"])

    async def _set_policy(self, talk: Conversation, request: Mapping[str, Any]) -> None:
        """Give a stack that needs no update its policy, which the update would have set."""
        if "StackPolicyBody" in request:
            wanted = {key: request[key] for key in ("StackName", "StackPolicyBody")}
            await talk.call("SetStackPolicy", wanted)

    async def _replace_on_failure(self, talk: Conversation) -> ActionResult:
        stack = await talk.stack()
        if stack is not None and stack["StackStatus"] == "DELETE_IN_PROGRESS":
            return talk.waiting(stack["StackId"], "replacing")
        if stack is None or stack["StackStatus"] not in _FAILED_STACK or await talk.began():
            return await self._create_or_update(talk)
        await inputs.stack_request(talk.job, self._files)  # bad input deletes nothing
        await self._delete_stack(talk, f"{talk.token}-replace")
        return talk.waiting(stack["StackId"], "replacing")

    async def _delete(self, talk: Conversation) -> ActionResult:
        stack = await talk.stack()
        if stack is None:
            return await talk.succeeded(None, "The stack does not exist.")
        if not await talk.began():
            await self._delete_stack(talk, talk.token)
        return talk.waiting(stack["StackId"], "deleting")

    async def _delete_stack(self, talk: Conversation, token: str) -> None:
        request = {"StackName": talk.stack_name, "ClientRequestToken": token}
        role = talk.job.configuration.get("RoleArn")
        await talk.call("DeleteStack", {**request, **({"RoleARN": role} if role else {})})

    # how it ends

    async def _operation(self, talk: Conversation, stack_id: str, mode: str) -> ActionResult:
        stack = await talk.stack(stack_id)
        status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
        if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            return talk.waiting(stack_id, mode)
        if status == "DELETE_COMPLETE" and mode == "replacing":
            return await self._create_or_update(talk)
        if status == "DELETE_COMPLETE" and mode == "deleting":
            return await talk.succeeded(None, "The stack was deleted.")
        if status in SUCCEEDED_STACK and mode == "deploying":
            return await talk.succeeded(stack, "")
        work = "deploy the stack" if mode == "deploying" else "delete the stack"
        return await talk.failed(stack, stack_id, work)
