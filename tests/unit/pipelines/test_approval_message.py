"""The message's members and order are those that AWS sent, recorded in github.com/radkawar/stackd
testdata/aws/codepipeline/approval_notification_native_complete.json; its links are ours."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from penstock.pipelines.approval_message import Request, by_protocol, mail_text, message, subject

MINIMAL = Request(
    pipeline="stackd-approval-da8ea374bb604e74b9c4",
    stage="Minimal",
    action="Minimal",
    action_execution_id="f50d8b3e-54a5-4d9d-ac27-cb6d552bcec6",
    token="f50d8b3e-54a5-4d9d-ac27-cb6d552bcec6",
    expires_at=datetime(2026, 10, 5, 20, 22, 5, 612000, tzinfo=UTC),
    external_entity_link=None,
    custom_data=None,
    region="us-east-1",
    console_url="http://127.0.0.1:4600/console",
)


def test_the_message_is_awss() -> None:
    assert message(MINIMAL) == (
        '{"region":"us-east-1","consoleLink":"http://127.0.0.1:4600/console/pipelines/'
        'stackd-approval-da8ea374bb604e74b9c4","approval":{"pipelineName":'
        '"stackd-approval-da8ea374bb604e74b9c4","stageName":"Minimal","actionName":"Minimal",'
        '"token":"f50d8b3e-54a5-4d9d-ac27-cb6d552bcec6","expires":"2026-10-05T20:22Z",'
        '"externalEntityLink":null,"approvalReviewLink":"http://127.0.0.1:4600/console/approvals/'
        'f50d8b3e-54a5-4d9d-ac27-cb6d552bcec6","customData":null}}'
    )


def test_text_is_not_escaped_beyond_json() -> None:
    link, words = "https://example.com/r?source=zip&check=1", 'Schön "ready" & safe'
    text = message(replace(MINIMAL, external_entity_link=link, custom_data=words))
    assert f'"externalEntityLink":"{link}"' in text
    assert '"customData":"Schön \\"ready\\" & safe"' in text


def test_names_in_the_subject_are_cut_so_that_it_fits() -> None:
    assert subject(MINIMAL) == (
        "APPROVAL NEEDED: AWS CodePipeline stackd-approval-da8ea374... for action Minimal"
    )
    assert "AWS CodePipeline " + 24 * "p" + " for" in subject(replace(MINIMAL, pipeline=24 * "p"))
    longest = replace(MINIMAL, pipeline=100 * "p", action=100 * "a")
    assert len(subject(longest)) <= 100


def test_subscribers_by_mail_read_text_and_the_others_json() -> None:
    """Locks: an approver's mail was one line of JSON, the link somewhere in it."""
    texts = json.loads(by_protocol(MINIMAL))
    assert texts == {"default": message(MINIMAL), "email": mail_text(MINIMAL)}
    link = "http://127.0.0.1:4600/console/approvals/f50d8b3e-54a5-4d9d-ac27-cb6d552bcec6"
    lines = mail_text(MINIMAL).splitlines()
    assert f"Approve or reject: {link}" in lines
    assert "Deadline: This review request will expire on 2026-10-05T20:22Z" in lines
    assert "Pipeline name: stackd-approval-da8ea374bb604e74b9c4" in lines
    assert not any(line.startswith(("Additional", "URL")) for line in lines)
    told = mail_text(replace(MINIMAL, custom_data="ready", external_entity_link="https://e.com/"))
    assert "URL for review: https://e.com/\nAdditional information: ready\nDeadline" in told
