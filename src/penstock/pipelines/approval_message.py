"""What a topic is told of a manual approval: AWS's subject, its JSON, and its text for mail.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html; the
members without a value, and how names are cut, as recorded from AWS in github.com/radkawar/stackd
testdata/aws/codepipeline/approval_notification_native_complete.json. Mail is laid out as users
quote theirs; its signature and the links are ours.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

_LONGEST_NAME = 24
"""In a subject, whose limit is 100 characters. That actions are cut like pipelines: unverified."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the message is about. `console_url` is where people reach the console."""

    pipeline: str
    stage: str
    action: str
    action_execution_id: str
    token: str
    expires_at: datetime
    external_entity_link: str | None
    custom_data: str | None
    region: str
    console_url: str


def subject(request: Request) -> str:
    """Return the message's subject."""
    pipeline, action = _cut(request.pipeline), _cut(request.action)
    return f"APPROVAL NEEDED: AWS CodePipeline {pipeline} for action {action}"


def message(request: Request) -> str:
    """Return the message: JSON as AWS's own approvals send it."""
    return json.dumps(
        {
            "region": request.region,
            "consoleLink": f"{request.console_url}/pipelines/{quote(request.pipeline)}",
            "approval": {
                "pipelineName": request.pipeline,
                "stageName": request.stage,
                "actionName": request.action,
                "token": request.token,
                "expires": _expires(request),
                "externalEntityLink": request.external_entity_link,
                "approvalReviewLink": review_link(request),
                "customData": request.custom_data,
            },
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def mail_text(request: Request) -> str:
    """Return what subscribers by mail read in place of the JSON."""
    link, words = request.external_entity_link, request.custom_data
    lines = [
        "Hello,",
        "",
        "The following Approval action is waiting for your response:",
        "",
        "--Pipeline Details--",
        "",
        f"Pipeline name: {request.pipeline}",
        f"Stage name: {request.stage}",
        f"Action name: {request.action}",
        f"Region: {request.region}",
        "",
        "--Approval Details--",
        "",
        f"Approve or reject: {review_link(request)}",
        *([f"URL for review: {link}"] if link else []),  # unverified: label and place
        *([f"Additional information: {words}"] if words else []),
        f"Deadline: This review request will expire on {_expires(request)}",
        "",
        "Sincerely,",
        "Penstock",
    ]
    return "\n".join(lines)


def by_protocol(request: Request) -> str:
    """Return Publish's Message, MessageStructure json: text for mail, the JSON for the others."""
    texts = {"default": message(request), "email": mail_text(request)}
    return json.dumps(texts, ensure_ascii=False)


def _expires(request: Request) -> str:
    return request.expires_at.strftime("%Y-%m-%dT%H:%MZ")


def review_link(request: Request) -> str:
    """Return the page on which the request can be read and answered."""
    return f"{request.console_url}/approvals/{request.action_execution_id}"


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
