"""What a pipeline's page is made of."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from penstock.console import statuses, times
from penstock.console.pipeline_view import Link, link, review_link, revisions, trigger_words

STACK_ID = (
    "arn:aws:cloudformation:us-east-1:123456789012:stack/todo/0b1c2d3e-1111-4222-8333-444455556666"
)
CHANGE_SET_ID = (
    "arn:aws:cloudformation:us-east-1:123456789012:changeSet/todo-1/"
    "0b1c2d3e-1111-4222-8333-444455556666"
)
CHANGE_SET_URL = (
    "https://console.aws.amazon.com/cloudformation/home?region=us-east-1#/changeset/detail"
    f"?stackId={STACK_ID}&changeSetId={CHANGE_SET_ID}"
)
QUOTED = quote(STACK_ID, safe="")
STACK_PATH = "/console/stacks/todo/0b1c2d3e-1111-4222-8333-444455556666"


@pytest.mark.parametrize(
    ("provider", "configuration", "external_id", "url", "expected"),
    [
        ("CodeBuild", {}, "p:1", "", Link("/console/builds/p%3A1", "Build and its log")),
        ("CodeBuild", {}, "", "", None),
        ("CloudFormation", {}, STACK_ID, "", Link(STACK_PATH, "Stack todo")),
        (
            "CloudFormation",
            {},
            "change-set",
            f"https://console.aws.amazon.com/cloudformation/home?stackId={QUOTED}",
            Link(STACK_PATH, "Stack todo"),
        ),
        (
            "CloudFormation",
            {"StackName": "todo"},
            "something",
            "",
            Link("/console/stacks/todo", "Stack todo"),
        ),
        (
            "CloudFormation",
            {"StackName": "todo"},
            STACK_ID,
            CHANGE_SET_URL,
            Link(f"/console/changesets?arn={quote(CHANGE_SET_ID, safe='')}", "Details"),
        ),
        ("CloudFormation", {"StackName": "todo"}, "", "", None),
        ("CloudFormation", {"StackName": "#{variables.Name}"}, "something", "", None),
        ("CodeCommit", {}, "a" * 40, "https://example.com/", None),
    ],
)
def test_where_an_actions_work_is_shown(provider, configuration, external_id, url, expected):
    assert link(provider, configuration, external_id, url) == expected


@pytest.mark.parametrize(
    ("category", "action_id", "status", "expected"),
    [
        ("Approval", "1-2", "InProgress", Link("/console/approvals/1-2", "Review", urgent=True)),
        ("Approval", "1-2", "Succeeded", Link("/console/approvals/1-2", "Review")),
        ("Approval", "", "", None),
        ("Deploy", "1-2", "InProgress", None),
    ],
)
def test_where_an_approval_is_decided_and_read(category, action_id, status, expected):
    assert review_link(category, action_id, status) == expected


def test_a_commit_is_short_and_its_message_one_line():
    found = revisions(
        [
            {"actionName": "App", "revisionId": "0123456789" * 4, "revisionSummary": "One\n\ntwo"},
            {"actionName": "S3", "revisionId": "version-of-an-object"},
            {"actionName": "Waiting"},
        ]
    )
    assert [(each.action, each.short, each.summary) for each in found] == [
        ("App", "01234567", "One"),
        ("S3", "version-of-an-object", ""),
    ]


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        ("StartPipelineExecution", "arn:aws:iam::123456789012:user/team/ann", "Released by ann"),
        ("StartPipelineExecution", "arn:aws:iam::123456789012:root", "Released by root"),
        ("CloudWatchEvent", "arn:aws:events:us-east-1:123456789012:rule/x", "Source changed"),
        ("CreatePipeline", "", "Pipeline created"),
        ("SomethingNew", "", "SomethingNew"),
    ],
)
def test_what_started_an_execution(kind, detail, words):
    assert trigger_words(kind, detail) == words


@pytest.mark.parametrize(
    ("status", "tone", "words"),
    [
        ("Succeeded", "good", "Succeeded"),
        ("InProgress", "busy", "In progress"),
        ("IN_PROGRESS", "busy", "In progress"),
        ("TIMED_OUT", "bad", "Timed out"),
        ("Superseded", "idle", "Superseded"),
        ("Abandoned", "warn", "Abandoned"),
        ("CREATE_COMPLETE", "good", "CREATE_COMPLETE"),
        ("CREATE_FAILED", "bad", "CREATE_FAILED"),
        ("UPDATE_ROLLBACK_FAILED", "bad", "UPDATE_ROLLBACK_FAILED"),
        ("UPDATE_ROLLBACK_COMPLETE", "warn", "UPDATE_ROLLBACK_COMPLETE"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "busy", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ("REVIEW_IN_PROGRESS", "idle", "REVIEW_IN_PROGRESS"),
        ("DELETE_COMPLETE", "idle", "DELETE_COMPLETE"),
        ("SomethingNew", "idle", "SomethingNew"),
    ],
)
def test_how_a_status_looks(status, tone, words):
    look = statuses.look(status)
    assert (look.tone, look.words) == (tone, words)
    assert look.icon, "a status never shows by its colour alone"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.01, "0 s"),
        (0.4, "0.4 s"),
        (38.2, "38 s"),
        (125, "2 min 5 s"),
        (4200, "1 h 10 min"),
    ],
)
def test_durations(seconds, words):
    assert times.took(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (59, "in less than a minute"),
        (60, "in 1 minute"),
        (7 * 86_400 - 12, "in 7 days"),
        (86_399, "in 24 hours"),
        (4 * 3600, "in 4 hours"),
    ],
)
def test_what_is_still_to_come(seconds, words):
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert times.until(now + timedelta(seconds=seconds), now) == words
