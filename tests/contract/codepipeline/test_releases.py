"""Releases to production: planned, approved, executed exactly as approved, or not at all.

Stacks are real, of one kept type; what they made is read back from its own service, what was
executed from the stack's stored operation. Stopping while an approval waits is as recorded from
AWS in github.com/radkawar/stackd testdata/aws/codepipeline/lifecycle_native.json.
"""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.identities import statement
from tests.pipeline_world import source

from penstock.clock import utc_now
from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.operations.operation import Operation
from penstock.storage import approvals, stack_operations
from penstock.storage.encryption import Cipher

TYPE = {"owner": "AWS", "version": "1"}
NAMED = {"StackName": "prod", "ChangeSetName": "release"}
CLOUDFORMATION = {"category": "Deploy", "provider": "CloudFormation", **TYPE}


def template(value: str, **more: Any) -> str:
    parameter = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Name": "/prod/version", "Value": value},
    }
    return json.dumps({"Resources": {"Version": parameter, **more}})


class Releases:
    """A pipeline whose stage Production plans, asks and executes; the repository's one file is
    the template."""

    def __init__(self, delivery: Any) -> None:
        self.delivery = delivery
        self.pipelines = delivery.pipelines
        self.stacks = delivery.server.client("cloudformation")
        self.parameters = delivery.server.client("ssm")
        trusted = {"Service": "cloudformation.amazonaws.com"}
        self.deploy = delivery.make_role("deploy", trusted, statement(["ssm:*", "sns:*"]))
        may = statement(["codecommit:*", "s3:*", "cloudformation:*", "iam:PassRole"])
        trusts = {"Service": "codepipeline.amazonaws.com"}
        self.role = delivery.make_role("releaser", trusts, may)

    def production(self, **execute: Any) -> dict[str, Any]:
        plan = {**NAMED, "ActionMode": "CHANGE_SET_REPLACE", "RoleArn": self.deploy,
                "TemplatePath": "AppSource::file.txt"}  # fmt: skip
        approve = {"category": "Approval", "provider": "Manual", **TYPE}
        return {
            "name": "Production",
            "actions": [
                {"name": "Plan", "actionTypeId": CLOUDFORMATION, "runOrder": 1,
                 "configuration": plan, "inputArtifacts": [{"name": "AppSource"}]},
                {"name": "Approve", "actionTypeId": approve, "runOrder": 2},
                {"name": "Release", "actionTypeId": CLOUDFORMATION, "runOrder": 3,
                 "configuration": {**NAMED, "ActionMode": "CHANGE_SET_EXECUTE"}, **execute},
            ],
        }  # fmt: skip

    def document(self, *before: dict[str, Any], **execute: Any) -> dict[str, Any]:
        stages = ({"name": "Source", "actions": [source()]}, *before, self.production(**execute))
        return dict(self.delivery.document(*stages, roleArn=self.role))

    def begin(self, value: str, *before: dict[str, Any], **execute: Any) -> str:
        """Create the pipeline with this template; return its first execution."""
        self.delivery.commit(template(value))
        return str(self.delivery.create(self.document(*before, **execute)))

    def push(self, text: str) -> str:
        """Commit a template; return the id of the execution that this starts."""
        count = len(self.delivery.executions())
        self.delivery.commit(text)
        self.delivery.until(lambda: len(self.delivery.executions()) > count)
        return str(self.delivery.executions()[0]["pipelineExecutionId"])

    def action(self, name: str) -> dict[str, Any]:
        states = self.delivery.stage("Production")["actionStates"]
        return dict(next(one["latestExecution"] for one in states if one["actionName"] == name))

    def token(self, execution_id: str, other_than: str = "") -> str:
        """Wait until the execution asks for approval; return the token."""

        def found() -> str | None:
            stage = self.delivery.stage("Production")
            if stage.get("latestExecution", {}).get("pipelineExecutionId") != execution_id:
                return None
            approval = next(a for a in stage["actionStates"] if a["actionName"] == "Approve")
            token = approval.get("latestExecution", {}).get("token")
            return None if token == other_than else token

        return str(self.delivery.until(found))

    def answer(self, token: str, status: str = "Approved") -> None:
        self.pipelines.put_approval_result(
            pipelineName="pipe", stageName="Production", actionName="Approve", token=token,
            result={"summary": "read it", "status": status},
        )  # fmt: skip

    def retry(self, execution_id: str, mode: str = "FAILED_ACTIONS") -> None:
        self.pipelines.retry_stage_execution(
            pipelineName="pipe", stageName="Production", pipelineExecutionId=execution_id,
            retryMode=mode,
        )  # fmt: skip

    def value(self) -> str | None:
        """What production is, as its own service tells it."""
        try:
            found = self.parameters.get_parameter(Name="/prod/version")
        except self.parameters.exceptions.ParameterNotFound:
            return None
        return str(found["Parameter"]["Value"])

    def status(self) -> str | None:
        try:
            return str(self.stacks.describe_stacks(StackName="prod")["Stacks"][0]["StackStatus"])
        except ClientError:
            return None

    def approved_digest(self, token: str) -> str | None:
        row = self.delivery.database.read_now(lambda c: approvals.get(c, token))
        return None if row is None else row.digest

    def executed_digest(self) -> str:
        """The digest of the plan that the stack's operation of action Release carried out."""
        stack_id = self.stacks.describe_stacks(StackName="prod")["Stacks"][0]["StackId"]
        token = self.action("Release")["actionExecutionId"]
        row = self.delivery.database.read_now(
            lambda c: stack_operations.by_token(c, stack_id, token)
        )
        assert row is not None
        cipher = Cipher.open(self.delivery.path / "key")
        ledger = Ledger(self.delivery.database, cipher, utc_now)
        plan = ledger.open(row.sealed, Operation).plan
        assert plan is not None
        return plan.digest

    def released(self, execution_id: str) -> None:
        """Approve what waits, and wait for the end."""
        token = self.token(execution_id)
        self.answer(token)
        assert self.delivery.until_ended(execution_id) == "Succeeded"
        assert self.executed_digest() == self.approved_digest(token)

    def started(self, execution_id: str) -> list[str]:
        """The actions of stage Production, in the order in which they started, retries too."""
        details = self.pipelines.list_action_executions(
            pipelineName="pipe", filter={"pipelineExecutionId": execution_id}
        )["actionExecutionDetails"]
        mine = [one["actionName"] for one in details if one["stageName"] == "Production"]
        return list(reversed(mine))

    def failure(self) -> str:
        return str(self.action("Release")["errorDetails"]["message"])

    def change_by_hand(self, value: str) -> None:
        """Somebody updates the production stack beside the pipeline."""
        self.stacks.update_stack(StackName="prod", TemplateBody=template(value))
        self.stacks.get_waiter("stack_update_complete").wait(
            StackName="prod", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )

    def made_by_hand(self, value: str, name: str = "release") -> str:
        made = self.stacks.create_change_set(
            StackName="prod", ChangeSetName=name, TemplateBody=template(value)
        )
        return str(made["Id"])


@pytest.fixture
def releases(delivery: Any) -> Releases:
    return Releases(delivery)


def test_what_was_approved_is_what_is_executed(releases: Releases) -> None:
    first = releases.begin("one")
    token = releases.token(first)
    assert releases.status() == "REVIEW_IN_PROGRESS"
    planned = releases.action("Plan")
    digest = releases.approved_digest(token)
    assert planned["summary"] == f"Change set release was created: 1 change, {digest}"
    assert re.fullmatch(
        r"https://console\.aws\.amazon\.com/cloudformation/home\?region=us-east-1#/changeset/detail"
        r"\?stackId=arn:aws:cloudformation:.*&changeSetId=arn:aws:cloudformation:.*",
        planned["externalExecutionUrl"],
    )
    assert releases.value() is None
    releases.released(first)
    assert releases.value() == "one"
    assert releases.action("Release")["summary"] == f"Change set release was executed: {digest}"

    second = releases.push(template("two"))
    releases.token(second)
    assert releases.value() == "one", "production is as it was until somebody approves"
    releases.released(second)
    assert releases.value() == "two"


def test_the_very_first_release_may_be_rejected(releases: Releases) -> None:
    first = releases.begin("one")
    releases.answer(releases.token(first), "Rejected")
    assert releases.delivery.until_ended(first) == "Failed"
    assert (releases.status(), releases.value()) == ("REVIEW_IN_PROGRESS", None)
    second = releases.push(template("two"))
    releases.released(second)
    assert (releases.status(), releases.value()) == ("CREATE_COMPLETE", "two")


def test_a_rejected_release_is_asked_about_again(releases: Releases) -> None:
    first = releases.begin("one")
    rejected = releases.token(first)
    releases.answer(rejected, "Rejected")
    releases.delivery.until_ended(first)
    releases.retry(first)
    again = releases.token(first, other_than=rejected)
    assert releases.approved_digest(again) == releases.approved_digest(rejected)
    assert releases.started(first) == ["Plan", "Approve", "Approve"], "the plan still stands"
    releases.released(first)
    assert releases.value() == "one"


def test_a_rejected_release_is_planned_anew_once_its_stack_moved_on(releases: Releases) -> None:
    releases.released(releases.begin("one"))
    second = releases.push(template("two"))
    rejected = releases.token(second)
    releases.answer(rejected, "Rejected")
    releases.delivery.until_ended(second)
    releases.change_by_hand("by hand")
    releases.retry(second)
    again = releases.token(second, other_than=rejected)
    assert releases.approved_digest(again) != releases.approved_digest(rejected)
    assert releases.started(second) == ["Plan", "Approve", "Plan", "Approve"]
    releases.released(second)
    assert releases.value() == "two"


def test_a_deleted_production_is_created_again(releases: Releases) -> None:
    releases.released(releases.begin("one"))
    old = releases.stacks.describe_stacks(StackName="prod")["Stacks"][0]["StackId"]
    releases.stacks.delete_stack(StackName="prod")
    releases.delivery.until(lambda: releases.status() is None)
    assert releases.value() is None
    again = str(releases.pipelines.start_pipeline_execution(name="pipe")["pipelineExecutionId"])
    releases.token(again)
    assert releases.status() == "REVIEW_IN_PROGRESS"
    releases.released(again)
    assert (releases.status(), releases.value()) == ("CREATE_COMPLETE", "one")
    assert releases.stacks.describe_stacks(StackName="prod")["Stacks"][0]["StackId"] != old


def test_a_release_without_a_change_succeeds_and_changes_nothing(releases: Releases) -> None:
    releases.released(releases.begin("one"))
    before = releases.stacks.describe_stack_events(StackName="prod")["StackEvents"]
    again = str(releases.pipelines.start_pipeline_execution(name="pipe")["pipelineExecutionId"])
    token = releases.token(again)
    reason = "The submitted information didn't contain changes."
    assert releases.action("Plan")["summary"].startswith(reason)
    releases.answer(token)
    assert releases.delivery.until_ended(again) == "Succeeded"
    assert releases.action("Release")["summary"].startswith(reason)
    assert releases.stacks.describe_stack_events(StackName="prod")["StackEvents"] == before


def test_a_stack_changed_by_hand_refuses_and_a_retry_asks_again(releases: Releases) -> None:
    releases.released(releases.begin("one"))
    second = releases.push(template("two"))
    token = releases.token(second)
    digest = releases.approved_digest(token)
    releases.change_by_hand("by hand")
    releases.answer(token)
    assert releases.delivery.until_ended(second) == "Failed"
    said = releases.failure()
    assert "cannot be executed in its current execution status of [OBSOLETE]" in said
    assert f"({digest})" in said
    assert "Approve, approved by arn:aws:iam::123456789012:root at " in said
    assert "Nothing was executed. Retry stage Production: it makes the change set anew" in said
    assert releases.value() == "by hand"

    releases.retry(second)
    again = releases.token(second, other_than=token)
    assert releases.approved_digest(again) != digest
    assert releases.value() == "by hand"
    releases.answer(again)
    assert releases.delivery.until_ended(second) == "Succeeded"
    assert releases.executed_digest() == releases.approved_digest(again)
    assert releases.value() == "two"
    assert releases.started(second) == ["Plan", "Approve", "Release"] * 2


def test_a_change_set_deleted_by_hand_is_missed(releases: Releases) -> None:
    first = releases.begin("one")
    token = releases.token(first)
    releases.stacks.delete_change_set(StackName="prod", ChangeSetName="release")
    releases.answer(token)
    assert releases.delivery.until_ended(first) == "Failed"
    said = releases.failure()
    assert said.startswith("ChangeSet [release] does not exist. Approve, approved by ")
    assert "Found: no change set release. Nothing was executed." in said
    releases.retry(first)
    releases.token(first, other_than=token)
    releases.released(first)
    assert releases.value() == "one"


def test_another_change_set_of_the_same_name_is_not_executed(releases: Releases) -> None:
    releases.released(releases.begin("one"))
    second = releases.push(template("two"))
    token = releases.token(second)
    releases.stacks.delete_change_set(StackName="prod", ChangeSetName="release")
    other = releases.made_by_hand("nobody approved this")
    releases.answer(token)
    assert releases.delivery.until_ended(second) == "Failed"
    said = releases.failure()
    assert said.startswith(
        "Change set release of stack prod is not the one that was approved. Approve, approved by "
    )
    assert f"Found: change set {other} (sha256:" in said
    assert releases.value() == "one"
    releases.retry(second)
    releases.token(second, other_than=token)
    releases.released(second)
    assert releases.value() == "two"


def test_even_the_same_plan_made_by_hand_is_not_the_approved_one(releases: Releases) -> None:
    releases.released(releases.begin("one"))
    second = releases.push(template("two"))
    token = releases.token(second)
    releases.stacks.delete_change_set(StackName="prod", ChangeSetName="release")
    releases.made_by_hand("two")
    releases.answer(token)
    assert releases.delivery.until_ended(second) == "Failed"
    assert "is not the one that was approved" in releases.failure()


def test_a_change_set_that_somebody_else_executed_is_not_claimed(releases: Releases) -> None:
    releases.released(releases.begin("one"))
    second = releases.push(template("two"))
    token = releases.token(second)
    releases.stacks.execute_change_set(StackName="prod", ChangeSetName="release")
    releases.delivery.until(lambda: releases.value() == "two")
    releases.delivery.until(lambda: releases.status() == "UPDATE_COMPLETE")
    releases.answer(token)
    assert releases.delivery.until_ended(second) == "Failed"
    said = releases.failure()
    assert said.startswith("ChangeSet [release] does not exist. Approve, approved by ")
    assert "is EXECUTE_COMPLETE. Nothing was executed" in said
    releases.retry(second)
    again = releases.token(second, other_than=token)
    assert releases.action("Plan")["summary"].startswith("The submitted information didn't")
    releases.answer(again)
    assert releases.delivery.until_ended(second) == "Succeeded"


def test_a_failed_execution_is_planned_and_asked_about_again(releases: Releases) -> None:
    releases.released(releases.begin("one"))
    broken = {
        "Type": "AWS::SNS::Subscription",
        "Properties": {
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:missing",
            "Protocol": "https", "Endpoint": "https://example.com",
        },
    }  # fmt: skip
    second = releases.push(template("two", Broken=broken))
    token = releases.token(second)
    releases.answer(token)
    assert releases.delivery.until_ended(second) == "Failed"
    assert releases.failure().startswith("Failed to execute change set. Current stack status: ")
    assert "Broken: " in releases.failure()
    assert releases.value() == "one", "rolled back"
    releases.delivery.server.client("sns").create_topic(Name="missing")
    releases.retry(second)
    releases.token(second, other_than=token)
    releases.released(second)
    assert releases.value() == "two"


def test_a_first_release_that_rolled_back_waits_until_its_stack_is_gone(
    releases: Releases,
) -> None:
    first = releases.begin("one")
    releases.parameters.put_parameter(Name="/prod/version", Value="taken", Type="String")
    token = releases.token(first)
    releases.answer(token)
    assert releases.delivery.until_ended(first) == "Failed"
    assert "Current stack status: ROLLBACK_COMPLETE" in releases.failure()
    releases.retry(first)
    assert releases.delivery.until_ended(first) == "Failed"
    said = releases.action("Plan")["errorDetails"]["message"]
    assert said.endswith("is in ROLLBACK_COMPLETE state and can not be updated.")
    releases.parameters.delete_parameter(Name="/prod/version")
    releases.stacks.delete_stack(StackName="prod")
    releases.delivery.until(lambda: releases.status() is None)
    releases.retry(first)
    releases.token(first, other_than=token)
    releases.released(first)
    assert (releases.status(), releases.value()) == ("CREATE_COMPLETE", "one")


def test_a_release_that_was_not_permitted_is_not_asked_about_again(releases: Releases) -> None:
    trusts = {"AWS": "arn:aws:iam::123456789012:root"}
    executes = releases.delivery.make_role("executor", trusts, statement(["s3:*"]))
    first = releases.begin("one", roleArn=executes)
    releases.answer(releases.token(first))
    assert releases.delivery.until_ended(first) == "Failed"
    assert releases.action("Release")["errorDetails"]["code"] == "PermissionError"
    releases.retry(first)
    releases.delivery.until(lambda: releases.started(first)[3:] == ["Release"])
    releases.delivery.until_ended(first)
    assert releases.started(first) == ["Plan", "Approve", "Release", "Release"]
    assert releases.value() is None


def test_a_void_plan_is_not_made_anew_while_another_approver_is_asked(
    releases: Releases,
) -> None:
    releases.delivery.commit(template("one"))
    document = releases.document()
    also = {**document["stages"][1]["actions"][1], "name": "AlsoApprove"}
    document["stages"][1]["actions"].append(also)
    first = str(releases.delivery.create(document))
    token = releases.token(first)
    releases.answer(token, "Rejected")
    releases.delivery.until(lambda: releases.action("Approve")["status"] == "Failed")
    releases.stacks.delete_change_set(StackName="prod", ChangeSetName="release")
    with pytest.raises(ClientError) as caught:
        releases.retry(first)
    error = caught.value.response["Error"]
    assert error["Code"] == "StageNotRetryableException"
    assert "action AlsoApprove is still running" in error["Message"]


def test_all_actions_run_again_when_asked(releases: Releases) -> None:
    first = releases.begin("one")
    token = releases.token(first)
    releases.answer(token, "Rejected")
    releases.delivery.until_ended(first)
    releases.retry(first, "ALL_ACTIONS")
    releases.token(first, other_than=token)
    assert releases.started(first) == ["Plan", "Approve", "Plan", "Approve"]
    releases.released(first)
    assert releases.value() == "one"


def test_a_stop_waits_for_the_answer_and_executes_nothing(releases: Releases) -> None:
    first = releases.begin("one")
    token = releases.token(first)
    releases.pipelines.stop_pipeline_execution(pipelineName="pipe", pipelineExecutionId=first)
    releases.delivery.until(
        lambda: releases.delivery.stage("Production")["latestExecution"]["status"] == "Stopping"
    )
    with pytest.raises(ClientError) as caught:
        releases.pipelines.stop_pipeline_execution(pipelineName="pipe", pipelineExecutionId=first)
    assert caught.value.response["Error"]["Message"] == (
        f"The execution with ID {first} in pipe is already in a stopping state. If you already "
        "chose to stop and wait, you cannot make that request again. You can choose to stop and "
        "abandon now, but be aware that this option can lead to failed actions. If you already "
        "chose to stop and abandon, you cannot make that request again."
    )
    releases.answer(token)
    assert releases.delivery.until_ended(first) == "Stopped"
    assert releases.started(first) == ["Plan", "Approve"]
    assert releases.value() is None
    releases.retry(first)
    assert releases.delivery.until_ended(first) == "Succeeded", "approved, and the plan stands"
    assert releases.value() == "one"
    assert releases.executed_digest() == releases.approved_digest(token)


def test_an_abandoned_approval_frees_the_stage_at_once(releases: Releases) -> None:
    first = releases.begin("one")
    token = releases.token(first)
    releases.pipelines.stop_pipeline_execution(
        pipelineName="pipe", pipelineExecutionId=first, abandon=True
    )
    assert releases.delivery.until_ended(first) == "Stopped"
    assert releases.action("Approve")["status"] == "Abandoned"
    with pytest.raises(ClientError) as caught:
        releases.answer(token)
    assert caught.value.response["Error"]["Code"] == "ApprovalAlreadyCompletedException"
    second = releases.push(template("two"))
    releases.released(second)
    assert releases.value() == "two"


def test_an_edit_voids_what_waits_and_the_next_release_asks_anew(releases: Releases) -> None:
    first = releases.begin("one")
    token = releases.token(first)
    document = releases.document()
    document["stages"][1]["actions"][1]["configuration"] = {"CustomData": "read it well"}
    releases.pipelines.update_pipeline(pipeline=document)
    assert releases.delivery.until_ended(first) == "Cancelled"
    assert releases.action("Approve")["status"] == "Abandoned"
    assert releases.delivery.stage("Production")["latestExecution"]["status"] == "Cancelled"
    with pytest.raises(ClientError) as caught:
        releases.answer(token)
    assert caught.value.response["Error"]["Code"] == "InvalidApprovalTokenException"
    assert releases.value() is None
    again = str(releases.pipelines.start_pipeline_execution(name="pipe")["pipelineExecutionId"])
    releases.released(again)
    assert releases.value() == "one"


def dev(releases: Releases) -> dict[str, Any]:
    """A stage that every execution passes at once: it deletes a stack that is not there."""
    given = {"StackName": "dev", "ActionMode": "DELETE_ONLY", "RoleArn": releases.deploy}
    deploy = {"name": "Deploy", "actionTypeId": CLOUDFORMATION, "configuration": given}
    return {"name": "Dev", "actions": [deploy]}


def test_the_newest_that_passed_dev_is_what_production_takes_next(releases: Releases) -> None:
    first = releases.begin("one", dev(releases))
    token = releases.token(first)
    second = releases.push(template("two"))

    def at_gate(execution_id: str) -> None:
        def waits() -> bool:
            waiting = releases.delivery.stage("Production").get("inboundExecutions", [])
            return [one["pipelineExecutionId"] for one in waiting] == [execution_id]

        releases.delivery.until(waits)

    at_gate(second)
    third = releases.push(template("three"))
    at_gate(third)
    assert releases.delivery.until_ended(second) == "Superseded"
    assert releases.token(first) == token, "who waits inside the stage is not overtaken"

    releases.answer(token, "Rejected")
    assert releases.delivery.until_ended(first) == "Failed"
    assert releases.value() is None
    releases.released(third)
    assert releases.value() == "three"
    with pytest.raises(ClientError) as caught:
        releases.retry(first)
    assert caught.value.response["Error"]["Code"] == "NotLatestPipelineExecutionException"


def test_the_next_release_is_planned_from_what_production_has_become(releases: Releases) -> None:
    first = releases.begin("one")
    token = releases.token(first)
    second = releases.push(template("two"))
    releases.answer(token)
    assert releases.delivery.until_ended(first) == "Succeeded"
    releases.token(second)
    described = releases.stacks.describe_change_set(
        StackName="prod", ChangeSetName="release", IncludePropertyValues=True
    )
    [change] = described["Changes"]
    assert change["ResourceChange"]["Action"] == "Modify"
    assert json.loads(change["ResourceChange"]["BeforeContext"])["Properties"]["Value"] == "one"
    releases.released(second)
    assert releases.value() == "two"


def test_a_disabled_transition_holds_the_next_release_back(releases: Releases) -> None:
    first = releases.begin("one")
    releases.token(first)
    releases.pipelines.disable_stage_transition(
        pipelineName="pipe", stageName="Production", transitionType="Inbound", reason="freeze"
    )
    second = releases.push(template("two"))
    releases.released(first)
    releases.delivery.until(lambda: releases.delivery.stage("Production").get("inboundExecutions"))
    assert releases.delivery.stage("Production")["latestExecution"]["status"] == "Succeeded"
    releases.pipelines.enable_stage_transition(
        pipelineName="pipe", stageName="Production", transitionType="Inbound"
    )
    releases.released(second)
    assert releases.value() == "two"
