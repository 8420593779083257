"""Which change set an action executes: the approved one, whatever has its name by then."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from tests.pipeline_world import NOW

from penstock.pipelines.actions import cloudformation_change_sets as change_sets
from penstock.pipelines.actions.cloudformation_conversation import Conversation
from penstock.pipelines.actions.provider import ActionJob, ActionResult, Failed, InProgress
from penstock.pipelines.approved_change_sets import Approved, ApprovedChangeSets, Standing
from penstock.pipelines.artifact_files import ArtifactFiles

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/prod/1"
JOB = ActionJob(
    "pipe", "execution", "Production", "Release", "release-id",
    {"StackName": "prod", "ChangeSetName": "release"}, [], [], "", "", "us-east-1", "123456789012",
)  # fmt: skip
APPROVED = Approved("arn:plan", "sha256:1", "Approve", "arn:ada", NOW)


@dataclass
class Stack:
    """A stack whose change set `release` is `arn`; somebody replaces it right after a look."""

    approved: tuple[Approved, ...]
    arn: str = "arn:plan"
    digest_now: str | None = "sha256:1"
    executed: list[str] = field(default_factory=list)

    async def standing(self, job: ActionJob) -> Standing:
        return Standing(self.approved)

    async def digest(self, arn: str) -> str | None:
        return self.digest_now

    async def call(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        match operation:
            case "DescribeStackEvents":
                return {"StackEvents": []}
            case "DescribeChangeSet":
                seen, self.arn = self.arn, "arn:replaced since"
                available = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}
                return {"ChangeSetId": seen, "StackId": STACK, "Changes": [], **available}
            case "ExecuteChangeSet":
                wanted = request["ChangeSetName"]
                self.executed.append(self.arn if wanted == "release" else wanted)
                return {}
        raise AssertionError(operation)

    async def execute(self) -> ActionResult:
        approved = cast(ApprovedChangeSets, self)
        talk = Conversation(JOB, self.call, cast(ArtifactFiles, None), approved)
        return await change_sets.execute(talk)


@pytest.mark.parametrize("approved", [(APPROVED,), (APPROVED, APPROVED), ()])
async def test_what_takes_the_name_after_the_look_is_not_executed(
    approved: tuple[Approved, ...],
) -> None:
    stack = Stack(approved)
    assert isinstance(await stack.execute(), InProgress)
    assert stack.executed == ["arn:plan"]


@pytest.mark.parametrize(
    "stack",
    [
        Stack((APPROVED,), arn="arn:another"),
        Stack((APPROVED,), digest_now="sha256:2"),
        Stack((APPROVED,), digest_now=None),
        Stack((APPROVED, Approved("arn:other", "sha256:3", "Legal", "arn:bob", NOW))),
        Stack((APPROVED, Approved(None, "", "Legal", "arn:bob", NOW))),
    ],
)
async def test_what_an_approver_was_not_shown_is_not_executed(stack: Stack) -> None:
    ended = await stack.execute()
    assert isinstance(ended, Failed)
    assert "is not the one that was approved" in ended.message
    assert "Nothing was executed" in ended.message
    assert stack.executed == []
