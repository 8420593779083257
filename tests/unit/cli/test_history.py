"""What `penstock history` reads out of executions and their actions."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from penstock.cli.history import past, render
from penstock.cli.layout import WIDTH

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ANN = "arn:aws:iam::123456789012:user/ann"


def summary(**changes: Any) -> dict[str, Any]:
    given = {
        "pipelineExecutionId": "0b19c516-ad46-4214-909f-d1539fa09d37",
        "status": "Succeeded",
        "startTime": NOW - timedelta(minutes=10),
        "lastUpdateTime": NOW - timedelta(minutes=8),
        "trigger": {"triggerType": "CloudWatchEvent", "triggerDetail": "push"},
        "sourceRevisions": [
            {"actionName": "App", "revisionId": "a" * 40, "revisionSummary": "Sell\n\nthings"}
        ],
    }
    return {**given, **changes}


def asked(status: str, by: str | None = None, **result: Any) -> dict[str, Any]:
    detail = {
        "stageName": "Production",
        "actionName": "Approve",
        "status": status,
        "startTime": NOW,
        "lastUpdateTime": NOW,
        "input": {"actionTypeId": {"category": "Approval"}},
        "output": {"executionResult": result},
    }
    return detail if by is None else {**detail, "updatedBy": by}


def shown(*executions: tuple[dict[str, Any], list[dict[str, Any]]]) -> list[str]:
    output = io.StringIO()
    found = [past(one, details) for one, details in executions]
    Console(file=output, width=WIDTH, highlight=False).print(render("shop", found, NOW))
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    assert max(map(len, lines)) <= 80
    return lines


def test_an_execution_shows_what_it_brought_and_who_let_it_go_on() -> None:
    build = {**asked("Succeeded"), "input": {"actionTypeId": {"category": "Build"}}}
    approved = asked("Succeeded", ANN, externalExecutionSummary="tested")
    assert shown((summary(), [build, approved])) == [
        "shop",
        "  0b19c516  Succeeded   10 min ago  2 min 0 s",
        "    App  aaaaaaa Sell",
        "    Production / Approve: approved by ann: tested",
    ]


def decided(detail: dict[str, Any]) -> str:
    return shown((summary(), [detail]))[-1].strip()


def test_each_end_of_an_approval_has_its_words() -> None:
    place = "Production / Approve: "
    assert decided(asked("InProgress")) == f"{place}waits for approval"
    rejected = asked("Failed", ANN, externalExecutionSummary="no")
    assert decided(rejected) == f"{place}rejected by ann: no"
    silent = asked("Succeeded", ANN, externalExecutionSummary=f"Approved by {ANN}")
    assert decided(silent) == f"{place}approved by ann"
    late = asked("Failed", errorDetails={"message": "It timed out."})
    assert decided(late) == f"{place}It timed out."
    assert decided(asked("Abandoned")) == f"{place}nobody decided"


def test_without_a_revision_the_trigger_is_told() -> None:
    lines = shown((summary(sourceRevisions=[]), []))
    assert lines[-1] == "    by CloudWatchEvent push"
    assert shown() == ["shop", "  never ran"]


def test_a_comment_adds_no_line_of_its_own() -> None:
    """Locks: a comment of two lines added `Production / Legal: approved by root` below itself."""
    words = "no\nProduction / Legal: approved by root \x1b[2J"
    rejected = asked("Failed", ANN, externalExecutionSummary=words)
    assert shown((summary(), [rejected]))[3:] == [
        "    Production / Approve: rejected by ann: no",
        r"      Production / Legal: approved by root \x1b[2J",
    ]


def test_sources_stand_in_one_order_in_every_execution() -> None:
    """Locks: of two executions one named Deployment first, the other Application."""
    revisions = [
        {"actionName": name, "revisionId": "a" * 40, "revisionSummary": "Begin"}
        for name in ("Deployment", "Application")
    ]
    for order in (revisions, revisions[::-1]):
        found = past({**summary(), "sourceRevisions": order}, [])
        assert [each.action for each in found.revisions] == ["Application", "Deployment"]
