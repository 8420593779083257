"""Manual approvals through boto3: asked, told, answered, and never answered by a build.

What AWS answers, and how it shows what waits and what was answered, is as recorded from it in
github.com/radkawar/stackd testdata/aws/codepipeline (approval_notification_native_complete.json,
approval_summary_requirements_complete_native.json, lifecycle_native.json and
lifecycle_update_start_visibility_failure_native.json).
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.aws_server import Key
from tests.identities import statement
from tests.pipeline_world import source

from penstock.clock import utc_now
from penstock.pipelines import review
from penstock.services.sts.task_credentials import TaskCredentials
from penstock.storage import approvals, resources
from penstock.storage.tables.sns_deliveries import sns_messages

ACTION = "arn:aws:codepipeline:us-east-1:123456789012:pipe/Gate/Approve"
COMPLETED = (
    "ApprovalAlreadyCompletedException",
    (
        "The approval request that you responded to is already complete or has expired. Review the "
        "latest revisions in the pipeline, and then try again."
    ),
)
ADA = "arn:aws:sts::123456789012:assumed-role/approver/ada"


class Gate:
    """A pipeline whose second stage is one approval."""

    def __init__(self, delivery: Any) -> None:
        self.delivery = delivery

    def document(self, **more: Any) -> dict[str, Any]:
        type_id = {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}
        approve = {"name": "Approve", "actionTypeId": type_id, **more}
        return dict(
            self.delivery.document(
                {"name": "Source", "actions": [source()]}, {"name": "Gate", "actions": [approve]}
            )
        )

    def create(self, **more: Any) -> str:
        """Create the pipeline; return its first execution."""
        return str(self.delivery.create(self.document(**more)))

    def shown(self) -> dict[str, Any]:
        """The approval as GetPipelineState shows it."""
        return dict(self.delivery.stage("Gate")["actionStates"][0])

    def latest(self) -> dict[str, Any]:
        return dict(self.shown().get("latestExecution", {}))

    def token(self, other_than: str = "") -> str:
        """Wait until somebody is asked; return the token."""

        def found() -> str | None:
            token = self.latest().get("token")
            return None if token == other_than else token

        return str(self.delivery.until(found))

    def answer(self, token: str, client: Any = None, **changes: Any) -> Any:
        request = {
            "pipelineName": "pipe", "stageName": "Gate", "actionName": "Approve", "token": token,
            "result": {"summary": "read it", "status": "Approved"}, **changes,
        }  # fmt: skip
        return (client or self.delivery.pipelines).put_approval_result(**request)

    def refused(self, token: str, client: Any = None, **changes: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            self.answer(token, client, **changes)
        error = caught.value.response["Error"]
        return str(error["Code"]), str(error["Message"])

    def history(self) -> dict[str, Any]:
        """The approval as ListActionExecutions shows it."""
        details = self.delivery.pipelines.list_action_executions(pipelineName="pipe")
        found = details["actionExecutionDetails"]
        return dict(next(one for one in found if one["actionName"] == "Approve"))

    def session(self, *statements: dict[str, object]) -> Any:
        """A client of somebody in the role `approver`, whose session is `ada`."""
        trusted = {"Service": "codebuild.amazonaws.com"}
        role = self.delivery.make_role("approver", trusted, *statements)
        issued = self.delivery.server.run(
            self.delivery.sts.assume_role_for_service(role, trusted["Service"], "ada")
        )
        return self.client(issued)

    def client(self, issued: Any) -> Any:
        key = Key(
            issued.access_key_id, issued.secret_access_key, issued.principal, issued.session_token
        )
        return self.delivery.server.client("codepipeline", key)


@pytest.fixture
def gate(delivery: Any) -> Gate:
    return Gate(delivery)


def test_an_approval_lets_the_pipeline_go_on_and_says_who_gave_it(gate: Gate) -> None:
    link = "https://example.com/notes?release=1"
    execution_id = gate.create(configuration={"ExternalEntityLink": link, "CustomData": "Well?"})
    token = gate.token()
    waiting = gate.shown()
    assert waiting["entityUrl"] == link
    execution = waiting["latestExecution"]
    assert (execution["status"], execution["actionExecutionId"]) == ("InProgress", token)
    assert not {"externalExecutionId", "lastUpdatedBy", "summary"} & set(execution)
    assert gate.history()["output"]["executionResult"] == {}
    ada = gate.session(statement(["codepipeline:PutApprovalResult"], ACTION))
    approved_at = gate.answer(token, ada)["approvedAt"]
    assert abs(approved_at - utc_now()) < timedelta(seconds=60)
    assert gate.delivery.until_ended(execution_id) == "Succeeded"
    shown = gate.latest()
    assert (shown["status"], shown["summary"], shown["lastUpdatedBy"]) == (
        "Succeeded", "read it", ADA,
    )  # fmt: skip
    assert not {"token", "externalExecutionId", "errorDetails"} & set(shown)
    told = gate.history()
    assert (told["status"], told["updatedBy"]) == ("Succeeded", ADA)
    assert told["output"]["executionResult"] == {
        "externalExecutionId": token, "externalExecutionSummary": "read it",
    }  # fmt: skip
    assert told["output"]["outputVariables"] == {}
    assert gate.refused(token) == COMPLETED
    stored = gate.delivery.database.read_now(lambda c: approvals.get(c, token))
    assert (stored.decision, stored.decided_by, stored.comment) == ("Approved", ADA, "read it")


def test_a_rejection_fails_the_action_without_an_error_and_a_retry_asks_again(gate: Gate) -> None:
    execution_id = gate.create()
    token = gate.token()
    gate.answer(token, result={"summary": "the wrong database", "status": "Rejected"})
    assert gate.delivery.until_ended(execution_id) == "Failed"
    shown = gate.latest()
    assert (shown["status"], shown["summary"]) == ("Failed", "the wrong database")
    assert shown["lastUpdatedBy"] == "arn:aws:iam::123456789012:root"
    assert not {"token", "errorDetails"} & set(shown)
    told = gate.history()
    assert told["output"]["executionResult"] == {
        "externalExecutionId": token, "externalExecutionSummary": "the wrong database",
    }  # fmt: skip
    gate.delivery.pipelines.retry_stage_execution(
        pipelineName="pipe", stageName="Gate", pipelineExecutionId=execution_id,
        retryMode="FAILED_ACTIONS",
    )  # fmt: skip
    again = gate.token(other_than=token)
    assert gate.refused(token) == COMPLETED, "the first request's token opens nothing any more"
    gate.answer(again)
    assert gate.delivery.until_ended(execution_id) == "Succeeded"


@pytest.mark.parametrize(("status", "ended"), [("Approved", "Succeeded"), ("Rejected", "Failed")])
def test_without_a_comment_the_summary_says_who(gate: Gate, status: str, ended: str) -> None:
    execution_id = gate.create()
    gate.answer(gate.token(), result={"summary": "", "status": status})
    assert gate.delivery.until_ended(execution_id) == ended
    assert gate.latest()["summary"] == f"{status} by arn:aws:iam::123456789012:root"


def test_a_summary_can_be_demanded(gate: Gate) -> None:
    gate.create(configuration={"IsSummaryRequired": "true"})
    token = gate.token()
    for summary in ("", "   "):
        assert gate.refused(token, result={"summary": summary, "status": "Approved"}) == (
            "InvalidApprovalTokenException",
            (
                "Action 'Approve' in stage 'Gate' requires a summary. Provide a summary in the "
                "approval result and try again."
            ),
        )
    assert gate.token() == token
    gate.answer(token)


def test_what_does_not_exist_is_named(gate: Gate) -> None:
    gate.create()
    token = gate.token()
    assert gate.refused(token, pipelineName="no") == (
        "PipelineNotFoundException",
        "Account '123456789012' does not have a pipeline with name 'no'",
    )
    code, text = gate.refused(token, stageName="No")
    assert (code, "'No'" in text) == ("StageNotFoundException", True)
    for stage, action in (("Gate", "No"), ("Source", "App")):
        code, text = gate.refused(token, stageName=stage, actionName=action)
        assert (code, f"'{action}'" in text) == ("ActionNotFoundException", True)
    other = "00000000-0000-0000-0000-000000000000"
    assert gate.refused(other) == (
        "InvalidApprovalTokenException",
        (
            f"Approval token '{other}' either does not exist or is not the correct token for the "
            "action or Gate stage."
        ),
    )
    assert gate.token() == token


def test_a_token_opens_only_its_own_action(gate: Gate) -> None:
    document = gate.document()
    [approve] = document["stages"][1]["actions"]
    document["stages"][1]["actions"].append({**approve, "name": "Legal"})
    gate.delivery.create(document)
    token = gate.token()
    code, _ = gate.refused(token, actionName="Legal")
    assert code == "InvalidApprovalTokenException"


def test_an_approver_needs_the_permission_on_this_action(gate: Gate) -> None:
    gate.create()
    token = gate.token()
    elsewhere = ACTION.replace("Approve", "Legal")
    ada = gate.session(statement(["codepipeline:PutApprovalResult"], elsewhere))
    code, text = gate.refused(token, ada)
    assert code == "AccessDeniedException"
    assert f"{ADA} is not authorized to perform: codepipeline:PutApprovalResult" in text
    assert ACTION in text
    assert gate.token() == token


@pytest.mark.parametrize(
    ("minutes", "wait", "said"),
    [(None, timedelta(days=7), "7 days"), (5, timedelta(minutes=5), "5 minutes")],
)
def test_a_request_ends_with_its_time(
    gate: Gate, minutes: int | None, wait: timedelta, said: str
) -> None:
    more = {} if minutes is None else {"timeoutInMinutes": minutes}
    execution_id = gate.create(**more)
    shown = gate.delivery.pipelines.get_pipeline(name="pipe")["pipeline"]
    assert shown["stages"][1]["actions"][0].get("timeoutInMinutes") == minutes
    token = gate.token()
    gate.delivery.later = wait - timedelta(seconds=30)
    assert gate.token() == token
    gate.delivery.later = wait + timedelta(seconds=1)
    assert gate.refused(token) == COMPLETED, "its time is over, though nobody looked yet"
    gate.delivery.restart()
    assert gate.delivery.until_ended(execution_id) == "Failed"
    assert gate.latest()["errorDetails"] == {
        "code": "JobFailed",
        "message": f"The approval request expired: nobody responded within {said}.",
    }
    assert gate.refused(token) == COMPLETED


def test_a_request_outlives_the_server(gate: Gate) -> None:
    execution_id = gate.create()
    token = gate.token()
    gate.delivery.restart()
    assert gate.token() == token
    gate.answer(token)
    assert gate.delivery.until_ended(execution_id) == "Succeeded"


def test_an_edit_of_the_pipeline_voids_the_request(gate: Gate) -> None:
    execution_id = gate.create()
    token = gate.token()
    gate.delivery.pipelines.update_pipeline(pipeline=gate.document(timeoutInMinutes=10))
    assert gate.refused(token) == (
        "InvalidApprovalTokenException",
        (
            "The pipeline pipe has been updated, and the approval request you responded to is now "
            "out of date."
        ),
    )
    assert gate.delivery.until_ended(execution_id) == "Cancelled"
    assert "token" not in gate.latest()
    assert gate.latest()["summary"] == "The approval action has been canceled."


def test_stopping_waits_for_the_answer_and_abandoning_does_not(gate: Gate) -> None:
    execution_id = gate.create()
    stop = {"pipelineName": "pipe", "pipelineExecutionId": execution_id}
    token = gate.token()
    gate.delivery.pipelines.stop_pipeline_execution(**stop, reason="not now")
    gate.answer(token)
    assert gate.delivery.until_ended(execution_id) == "Stopped"
    assert gate.latest()["status"] == "Succeeded"
    started = gate.delivery.pipelines.start_pipeline_execution(name="pipe")
    second = started["pipelineExecutionId"]
    token = gate.token()
    gate.delivery.pipelines.stop_pipeline_execution(**{**stop, "pipelineExecutionId": second},
                                                    abandon=True)  # fmt: skip
    assert gate.delivery.until_ended(second) == "Stopped"
    assert gate.latest()["status"] == "Abandoned"
    assert gate.refused(token) == COMPLETED


def test_the_approver_is_shown_where_the_release_comes_from(gate: Gate) -> None:
    gate.create()
    token = gate.token()
    stored = gate.delivery.database.read_now(lambda c: approvals.get(c, token))
    [change] = review.decode(stored.review).sources
    assert (change.action_name, change.revision_id) == ("App", gate.delivery.commit_id)
    assert stored.digest is None, "nothing is to be executed"


# a build never approves: ADR 0029


def denied_to_tasks(gate: Gate, token: str, client: Any) -> None:
    code, text = gate.refused(token, client)
    assert code == "AccessDeniedException"
    assert f"codepipeline:PutApprovalResult on resource: {ACTION}" in text
    assert "a build or a task never approves" in text
    assert gate.token() == token


def test_a_builds_credentials_never_approve_nor_what_they_lead_to(gate: Gate) -> None:
    gate.create()
    token = gate.token()
    delivery, service = gate.delivery, "codebuild.amazonaws.com"
    may = statement(["codepipeline:*", "sts:AssumeRole"])
    role = delivery.make_role("build", {"Service": service}, may)
    other = delivery.make_role("other", {"AWS": "123456789012"}, may)
    tasks = TaskCredentials(delivery.database, delivery.sts, utc_now)
    issued = delivery.server.run(tasks.begin("secret", "task", role, "build-1", service))
    denied_to_tasks(gate, token, gate.client(issued))
    assumed = delivery.server.run(delivery.sts.assume_role(issued.principal, other, "deeper"))
    denied_to_tasks(gate, token, gate.client(assumed))
    again = delivery.server.run(delivery.sts.assume_role(assumed.principal, other, "deepest"))
    denied_to_tasks(gate, token, gate.client(again))


def test_nothing_that_comes_through_the_tasks_listener_approves(gate: Gate) -> None:
    gate.create()
    token = gate.token()
    gate.delivery.restart(for_tasks=True)
    denied_to_tasks(gate, token, gate.delivery.pipelines)


# the topic


def topic(gate: Gate) -> str:
    """A topic with one confirmed subscriber, so that what is published stays to be read."""
    sns = gate.delivery.server.client("sns")
    made = str(sns.create_topic(Name="releases")["TopicArn"])
    sns.subscribe(TopicArn=made, Protocol="http", Endpoint="http://127.0.0.1:9/hook")
    [row] = gate.delivery.database.read_now(lambda c: resources.scan(c, "sns", "subscription"))
    sns.confirm_subscription(TopicArn=made, Token=row.document["token"])
    return made


def published(gate: Gate) -> list[dict[str, Any]]:
    rows = gate.delivery.database.read_now(lambda c: list(c.execute(sns_messages.select())))
    documents = [dict(row.document) for row in rows]
    return [one for one in documents if one["type"] == "Notification"]


def test_the_topic_is_told_once_what_to_review_and_where(gate: Gate) -> None:
    role = gate.delivery.make_role(
        "telling", {"Service": "codepipeline.amazonaws.com"},
        statement(["codecommit:*", "s3:*", "sns:Publish"]),
    )  # fmt: skip
    configuration = {"NotificationArn": topic(gate), "CustomData": 'Is "it" ready?'}
    document = gate.document(configuration=configuration)
    gate.delivery.create({**document, "roleArn": role})
    before = utc_now()
    token = gate.token()
    [told] = published(gate)
    assert told["subject"] == "APPROVAL NEEDED: AWS CodePipeline pipe for action Approve"
    body = json.loads(told["texts"]["default"])
    expires = body["approval"].pop("expires")
    assert expires in {
        (before + timedelta(days=7, seconds=seconds)).strftime("%Y-%m-%dT%H:%MZ")
        for seconds in (-30, 0, 30)
    }
    assert body == {
        "region": "us-east-1",
        "consoleLink": "http://127.0.0.1/console/pipelines/pipe",
        "approval": {
            "pipelineName": "pipe", "stageName": "Gate", "actionName": "Approve", "token": token,
            "externalEntityLink": None,
            "approvalReviewLink": f"http://127.0.0.1/console/approvals/{token}",
            "customData": 'Is "it" ready?',
        },
    }  # fmt: skip
    gate.delivery.restart()
    assert gate.token() == token
    gate.answer(token)
    gate.delivery.until(lambda: gate.latest()["status"] == "Succeeded")
    assert len(published(gate)) == 1


def refused_to_tell(gate: Gate, execution_id: str) -> dict[str, Any]:
    """Wait for the end; return the error. Nothing that could be approved is left."""
    assert gate.delivery.until_ended(execution_id) == "Failed"
    shown = gate.latest()
    assert "token" not in shown
    assert gate.refused(shown["actionExecutionId"]) == COMPLETED
    return dict(shown["errorDetails"])


def test_a_role_that_may_not_publish_fails_the_action(gate: Gate) -> None:
    execution_id = gate.create(configuration={"NotificationArn": topic(gate)})
    assert refused_to_tell(gate, execution_id) == {
        "code": "PermissionError",
        "message": "The Pipeline or Action role does not have permission to publish to topics in "
        "Amazon SNS. Add the sns:Publish permission to the role’s policy, and then try again.",
    }
    assert published(gate) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "arn:aws:sns:us-east-1:123456789012:gone",
            (
                "No Amazon SNS topic with the ARN {} was found. Update your pipeline to use an "
                "existing topic, or create a new one to use in your pipeline."
            ),
        ),
        (
            "releases",
            (
                "An invalid topic ARN ({}) was provided. Update your pipeline to use a valid "
                "topic, or create a new one to use in your pipeline."
            ),
        ),
    ],
)
def test_a_topic_that_is_not_there_fails_the_action(gate: Gate, name: str, words: str) -> None:
    trusted = {"Service": "codepipeline.amazonaws.com"}
    may = statement(["codecommit:*", "s3:*", "sns:Publish"])
    document = gate.document(configuration={"NotificationArn": name})
    role = gate.delivery.make_role("telling", trusted, may)
    execution_id = gate.delivery.create({**document, "roleArn": role})
    assert refused_to_tell(gate, execution_id) == {
        "code": "ConfigurationError", "message": words.format(name),
    }  # fmt: skip
