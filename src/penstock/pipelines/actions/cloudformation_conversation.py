"""One CloudFormation action's conversation with CloudFormation: asking, and telling how it ended.

All calls are made as the action's role, through the same operations that a user calls; the
action's id is the ClientRequestToken, so a repeated start finds what the first one began.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.pipelines.actions.provider import ActionJob, Failed, InProgress, Succeeded
from penstock.pipelines.approved_change_sets import ApprovedChangeSets
from penstock.pipelines.artifact_files import ArtifactFiles

SUCCEEDED_STACK = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_OF_TEMPLATE = (
    "Template format error:",
    "Template error:",
    "Template validation error:",
    "Invalid template ",
    "[/",
)
"""How CloudFormation's words about a template's text begin."""

_FINDING = "VALIDATION_ERROR"

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """CloudFormation, called as the action's role for one job."""

    job: ActionJob
    call: Callable[[str, Mapping[str, Any]], Awaitable[Answer]]
    files: ArtifactFiles
    approved: ApprovedChangeSets

    @property
    def stack_name(self) -> str:
        """The stack's name, as the action gives it."""
        return self.job.configuration["StackName"]

    @property
    def token(self) -> str:
        """The ClientRequestToken of all that this action does."""
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

    async def change_set(self, arn: str | None = None) -> Answer | ServiceError:
        """Return the action's change set, or the stack's of an ARN; AWS's error if it is gone."""
        name = arn or self.job.configuration["ChangeSetName"]
        request = {"StackName": self.stack_name, "ChangeSetName": name}
        try:
            return await self.call("DescribeChangeSet", request)
        except ServiceError as error:
            if error.code == "ChangeSetNotFoundException" or "does not exist" in error.message:
                return error
            raise

    async def changes(self, change_set: Answer) -> int:
        """Return how many changes a described change set has, on all its pages."""
        count = len(change_set["Changes"])
        while token := change_set.get("NextToken"):
            request = {"StackName": self.stack_name, "ChangeSetName": change_set["ChangeSetId"]}
            change_set = await self.call("DescribeChangeSet", {**request, "NextToken": token})
            count += len(change_set["Changes"])
        return count

    async def first_failure(self, stack_id: str) -> str | None:
        """Return the first failed resource of this operation, when the role may read events."""
        try:
            answer = await self.call("DescribeStackEvents", {"StackName": stack_id})
        except ServiceError:
            return None
        mine = [
            event
            for event in answer["StackEvents"]
            if str(event.get("ClientRequestToken", "")).startswith(self.token)
            and event["ResourceStatus"].endswith("_FAILED")
            and event.get("ResourceStatusReason")
        ]
        if not mine:
            return None
        first = mine[-1]  # events come newest first
        reason = f"{first['LogicalResourceId']}: {first['ResourceStatusReason']}"
        return await self.explained(reason, {"StackName": stack_id})

    async def explained(self, reason: str, request: Answer) -> str:
        """Return a reason with what validation found, where it only points to DescribeEvents.

        `request` names the stack or the change set; who may not ask is told the reason alone.
        """
        if "DescribeEvents" not in reason:
            return reason
        try:
            answer = await self.call(
                "DescribeEvents", {**request, "Filters": {"FailedEvents": True}}
            )
        except ServiceError:
            return reason
        wrong = [one for one in answer["OperationEvents"] if one["EventType"] == _FINDING]
        newest = [one for one in wrong if one["OperationId"] == wrong[0]["OperationId"]]
        found = [
            f"{one['LogicalResourceId']}: {one['ValidationStatusReason']}"
            for one in reversed(newest)
        ]
        return "\n".join([reason, *found])

    async def succeeded(self, stack: Answer | None, summary: str, url: str = "") -> Succeeded:
        """Write the stack's outputs where the action's configuration wants them, and end."""
        outputs = {
            output["OutputKey"]: output["OutputValue"]
            for output in (stack or {}).get("Outputs", [])
        }
        file_name = self.job.configuration.get("OutputFileName")
        for place in self.job.output_artifacts:
            files = {file_name: json.dumps(outputs, indent=2)} if file_name else {}
            await self.files.write(place, files)
        stack_id = stack["StackId"] if stack else ""
        return Succeeded(
            output_variables=outputs,
            external_execution_id=stack_id,
            external_execution_url=url or (self.url(stack_id) if stack_id else ""),
            summary=summary,
        )

    async def failed(self, stack: Answer | None, stack_id: str, work: str) -> Failed:
        """End with the status that the stack has, and the first reason that is known."""
        status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
        reason = await self.first_failure(stack_id) or (stack or {}).get("StackStatusReason")
        return Failed(
            "JobFailed",
            f"Failed to {work}. Current stack status: {status}. "
            f"Reason: {reason or 'No reason was provided.'}",
            stack_id,
            self.url(stack_id),
        )

    def waiting(self, stack_id: str, mode: str = "deploying") -> InProgress:
        """Wait for the end of the stack's operation."""
        token = json.dumps({"stack": stack_id, "mode": mode})
        return InProgress(token, stack_id, self.url(stack_id))

    def url(self, stack_id: str, change_set_id: str | None = None) -> str:
        """Return the stack's address in AWS's console, the shape that tools parse."""
        region = self.job.region
        address = f"https://console.aws.amazon.com/cloudformation/home?region={region}#/"
        if change_set_id is None:
            return f"{address}stack/detail?stackId={stack_id}"
        return f"{address}changeset/detail?stackId={stack_id}&changeSetId={change_set_id}"
