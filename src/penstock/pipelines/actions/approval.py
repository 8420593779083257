"""The manual approval action: it asks, tells a topic, and waits for somebody's answer.

What is asked stands in the database before anybody hears of it, and is never asked twice: the
request's token, its end and the review that the approver is shown are those of the first `start`.
Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html; the texts of
refused notifications as recorded from AWS in github.com/radkawar/stackd testdata/aws/codepipeline/
approval_notification_native_complete.json and approval_notification_native_topic_errors.json.
"""

from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.clock import Clock
from penstock.pipelines import approval_message, review
from penstock.pipelines.actions.provider import (
    ActionJob,
    ActionResult,
    Failed,
    InProgress,
    Succeeded,
)
from penstock.pipelines.approvals import Decision, said
from penstock.pipelines.review import Review
from penstock.pipelines.roles import Roles
from penstock.pipelines.states import ActionStatus
from penstock.storage import action_executions, approvals
from penstock.storage.approvals import ApprovalRow
from penstock.storage.database import Database

DEFAULT_MINUTES = 7 * 24 * 60
_LONGEST_WAIT_SECONDS = 300.0
"""Between looks at the clock: a machine that slept notices a time that is over soon after."""
_SHORTEST_WAIT_SECONDS = 0.1


class CompileReview(Protocol):
    """Return what the approver of an action execution is to be shown."""

    async def __call__(self, *, action_execution_id: str) -> Review: ...  # noqa: D102


class ManualApproval:
    """Requests for approval. The continuation token is the request's token.

    As on AWS, the token is the action execution's id. The topic is told once, but for one case: a
    server that dies between the topic's answer and the note of it tells the topic again.
    """

    def __init__(
        self,
        database: Database,
        in_process: InProcess,
        roles: Roles,
        compile_review: CompileReview,
        console_url: str,
        clock: Clock,
    ) -> None:
        """`console_url` is where people reach the console: `http://host:port/console`."""
        self._database = database
        self._in_process = in_process
        self._roles = roles
        self._compile_review = compile_review
        self._console_url = console_url
        self._clock = clock

    async def start(self, job: ActionJob) -> ActionResult:
        """Ask and tell the topic, or find what an earlier call with the same id asked."""
        request, now = await self._find(job)
        if request is None:
            request = await self._ask(job)
        if request is None:
            return Failed("JobFailed", "The action ended before its approval was asked for.")
        result = self._result(request, now)
        untold = request.notification_arn is not None and request.notified_at is None
        if untold and isinstance(result, InProgress):
            return await self._notify(job, request) or result
        return result

    async def poll(self, job: ActionJob, continuation_token: str) -> ActionResult:
        """Say whether somebody answered, or the time is over."""
        request, now = await self._find(job)
        if request is None:
            return Failed("JobFailed", "The request for approval does not exist any more.")
        return self._result(request, now)

    async def abandon(self, job: ActionJob, continuation_token: str) -> None:
        """Nothing is to be undone: a request whose action ended can be answered no more."""

    async def _find(self, job: ActionJob) -> tuple[ApprovalRow | None, datetime]:
        """Return the stored request, and a moment at which it stood so.

        One that is over is read where answers are written: behind those given in time.
        """
        now = self._clock()

        def work(connection: sa.Connection) -> ApprovalRow | None:
            return approvals.get(connection, job.action_execution_id)

        request = await self._database.read(work)
        if request is not None and request.decision is None and now >= request.expires_at:
            request = await self._database.write(work)
        return request, now

    async def _ask(self, job: ActionJob) -> ApprovalRow | None:
        """Store the request with its review; None when the action has ended meanwhile."""
        reviewed = await self._compile_review(action_execution_id=job.action_execution_id)
        now = self._clock()
        minutes = job.timeout_minutes or DEFAULT_MINUTES

        def work(connection: sa.Connection) -> ApprovalRow | None:
            action = action_executions.get(connection, job.action_execution_id)
            if action is None or action.status != ActionStatus.IN_PROGRESS:
                return None
            request = ApprovalRow(
                action_execution_id=action.id,
                pipeline_id=action.pipeline_id,
                pipeline_name=action.pipeline_name,
                execution_id=action.execution_id,
                stage_name=action.stage_name,
                action_name=action.action_name,
                token=action.id,
                review=review.encode(reviewed),
                created_at=now,
                expires_at=now + timedelta(minutes=minutes),
                digest=reviewed.digest,
                custom_data=job.configuration.get("CustomData"),
                external_entity_link=job.configuration.get("ExternalEntityLink"),
                notification_arn=job.configuration.get("NotificationArn"),
            )
            approvals.insert(connection, request, [each.arn for each in reviewed.change_sets])
            return approvals.get(connection, action.id)

        return await self._database.write(work)

    def _result(self, request: ApprovalRow, now: datetime) -> ActionResult:
        """Return what the stored request says."""
        work = request.action_execution_id
        if request.decision is not None:
            by = request.decided_by or ""
            summary = said(request.decision, by, request.comment or "")
            if request.decision == Decision.APPROVED:
                return Succeeded(external_execution_id=work, summary=summary)
            message = f"{request.decision} by {by}"
            if request.comment and request.comment.strip():
                message = f"{message}: {request.comment}"
            return Failed("ApprovalRejected", message, work, summary=summary)
        remaining = (request.expires_at - now).total_seconds()
        if remaining <= 0:
            waited = _in_words(request.expires_at - request.created_at)
            message = f"The approval request expired: nobody responded within {waited}."
            return Failed("JobFailed", message, work)  # unverified: code and words
        wait = min(max(remaining, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
        return InProgress(request.token, work, poll_after_seconds=wait)

    async def _notify(self, job: ActionJob, request: ApprovalRow) -> Failed | None:
        """Tell the topic and note it; return why that could not be done, else None."""
        topic = request.notification_arn
        told = approval_message.Request(
            pipeline=request.pipeline_name,
            stage=request.stage_name,
            action=request.action_name,
            action_execution_id=request.action_execution_id,
            token=request.token,
            expires_at=request.expires_at,
            external_entity_link=request.external_entity_link,
            custom_data=request.custom_data,
            region=job.region,
            console_url=self._console_url,
        )
        publication = {
            "TopicArn": topic,
            "Subject": approval_message.subject(told),
            "MessageStructure": "json",
            "Message": approval_message.by_protocol(told),
        }
        try:
            async with self._roles.acting(job) as principal:
                await self._in_process.call(principal, "sns", "Publish", publication)
        except ServiceError as error:
            return _not_told(error, str(topic), request.action_execution_id)
        now = self._clock()
        await self._database.write(
            lambda c: approvals.set_notified(c, request.action_execution_id, now)
        )
        return None


def _not_told(error: ServiceError, topic: str, work: str) -> Failed:
    advice = "or create a new one to use in your pipeline."
    match error.code.removesuffix("Exception"):
        case "AccessDenied" | "AuthorizationError":
            return Failed(
                "PermissionError",
                "The Pipeline or Action role does not have permission to publish to topics in "
                "Amazon SNS. Add the sns:Publish permission to the role\u2019s policy, and then "
                "try again.",
                work,
            )
        case "NotFound":
            return Failed(
                "ConfigurationError",
                f"No Amazon SNS topic with the ARN {topic} was found. Update your pipeline to use "
                f"an existing topic, {advice}",
                work,
            )
        case "InvalidParameter":
            return Failed(
                "ConfigurationError",
                f"An invalid topic ARN ({topic}) was provided. Update your pipeline to use a valid "
                f"topic, {advice}",
                work,
            )
        case _:
            message = f"Error calling Publish on topic {topic}: {error.message}"
            return Failed("ConfigurationError", message, work)


def _in_words(duration: timedelta) -> str:
    minutes = round(duration.total_seconds() / 60)
    return f"{minutes // 1440} days" if minutes % 1440 == 0 else f"{minutes} minutes"
