"""The demo's account of an execution: in the order of events, with the execution's own times."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.cli.demonstration import live
from penstock.cli.execution import ActionView, ExecutionView, StageView
from penstock.cli.refusal import Refusal

START = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)


class Lines:
    def __init__(self) -> None:
        self.printed: list[str] = []

    def line(self, text: str, _style: str) -> None:
        self.printed.append(text)


class NoClients:
    def client(self, _service: str) -> None:
        return None


class Log:
    def more(self) -> list[str]:
        return ["all", "of it"]


def at(seconds: float) -> Any:
    return START + timedelta(seconds=seconds)


def execution(build: str, status: str) -> ExecutionView:
    stages = [
        StageView("Source", [ActionView("Source", "App", "S3", "Succeeded", at(0), at(1), "v1")]),
        StageView("Build", [ActionView("Build", "Test", "CodeBuild", build, at(2), at(50))]),
    ]
    return ExecutionView("road", "id", status, at(0), at(50), "", stages)


def test_what_ran_before_anyone_followed_stands_before_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Locks: the log came before `Source: Succeeded`, and a build of 48 s was told as 18 s, since
    times began with whoever followed."""
    views = [execution("InProgress", "InProgress"), execution("Succeeded", "Succeeded")]
    monkeypatch.setattr(live, "read_latest", lambda _client, _name: views.pop(0))
    monkeypatch.setattr(live.time, "sleep", lambda _seconds: None)
    lines = Lines()
    follower = live.Follower(NoClients(), lines)  # type: ignore[arg-type]
    follower._log = Log()  # type: ignore[assignment]
    follower.follow("road")
    assert lines.printed[:3] == [
        "      1 s  Source/App: Succeeded  v1",
        "      2 s  Build/Test: InProgress",
        "    | all",
    ]
    assert "     50 s  Build/Test: Succeeded" in lines.printed


def approving(status: str) -> ExecutionView:
    approve = ActionView("Production", "Approve", "Manual", status, at(0), at(9), "waits " * 20)
    return ExecutionView("road", "new", "InProgress", at(0), None, "", [StageView("P", [approve])])


def test_an_execution_before_is_passed_over_and_an_approval_ends_the_following(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    views = [execution("Succeeded", "Succeeded"), approving("InProgress")]
    monkeypatch.setattr(live, "read_latest", lambda _client, _name: views.pop(0))
    monkeypatch.setattr(live.time, "sleep", lambda _seconds: None)
    lines = Lines()
    follower = live.Follower(NoClients(), lines, after="id", with_log=False)  # type: ignore[arg-type]
    assert follower.follow("road").execution_id == "new"
    assert lines.printed[0] == "      0 s  Production/Approve: InProgress"
    assert len(lines.printed) == 3, "a long summary stands below, once"
    assert all(len(line) <= 80 for line in lines.printed)


def test_a_push_that_starts_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "read_latest", lambda *_: execution("Succeeded", "Succeeded"))
    monkeypatch.setattr(live.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(live, "_BEGIN_SECONDS", 0)
    follower = live.Follower(NoClients(), Lines(), after="id")  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="no execution of road began"):
        follower.follow("road")
