"""Which approval the demo's person decides, and how: here, in the console, or nobody is asked."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.connection import Connection
from penstock.cli.demonstration import approval
from penstock.cli.demonstration.approval import APPROVED, REJECTED, Approvals
from penstock.cli.demonstration.place import Place
from penstock.cli.refusal import Refusal

CONNECTION = Connection("http://127.0.0.1:4711", "us-east-1", "123456789012", "key", "secret")


class Pipeline:
    """A pipeline with one approval: answers as CodePipeline does, and takes the decision."""

    def __init__(self) -> None:
        self.status = "InProgress"
        self.results: list[dict[str, str]] = []

    def get_pipeline_state(self, name: str) -> dict[str, Any]:
        latest = {"actionExecutionId": "id", "status": self.status, "token": "token"}
        return {
            "stageStates": [
                {"stageName": "Source", "actionStates": [{"actionName": "App"}]},
                {
                    "stageName": "Production",
                    "actionStates": [{"actionName": "Approve", "latestExecution": latest}],
                },
            ]
        }

    def get_paginator(self, _operation: str) -> "Pipeline":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"actionExecutionDetails": [{"actionExecutionId": "id", "status": self.status}]}]

    def aws(self, command: str) -> str:
        words = shlex.split(command)
        options = dict(zip(words[2::2], words[3::2], strict=True))
        assert options["--token"] == "token"
        self.results.append(dict(each.split("=") for each in options["--result"].split(",")))
        self.status = "Succeeded" if "status=Approved" in options["--result"] else "Failed"
        return ""


class Person:
    """Types lines, one at each look; `elsewhere` is what happens when they are used up."""

    def __init__(self, *typed: str, elsewhere: Any = None) -> None:
        self.lines: list[str] = []
        self._typed = list(typed)
        self._elsewhere = elsewhere

    def line(self, text: str = "", style: str = "") -> None:
        self.lines.append(text)

    def typed(self, _seconds: float) -> str:
        if self._typed:
            return self._typed.pop(0)
        assert self._elsewhere is not None, "nobody is asked"
        self._elsewhere()
        return ""


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    found = Pipeline()
    monkeypatch.setattr(Connection, "client", lambda *_: found)
    monkeypatch.setattr(approval, "login_link", lambda _: "http://127.0.0.1:4711/console/login")
    return found


def approvals(pipeline: Pipeline, person: Person, *, asks: bool) -> Approvals:
    place: Any = Place(Path("/data"))
    terminal: Any = person
    road: Any = pipeline
    return Approvals(place, CONNECTION, terminal, road, asks=asks)


@pytest.mark.parametrize("wanted", [APPROVED, REJECTED])
def test_nobody_is_asked_without_a_terminal(pipeline: Pipeline, wanted: str) -> None:
    assert approvals(pipeline, Person(), asks=False).decide(wanted, "Because") == wanted
    assert pipeline.results == [{"status": wanted, "summary": "Because"}]


@pytest.mark.parametrize(("typed", "decision"), [("a", APPROVED), ("R", REJECTED)])
def test_the_person_may_decide_otherwise(pipeline: Pipeline, typed: str, decision: str) -> None:
    person = Person("", "what?", typed)
    assert approvals(pipeline, person, asks=True).decide(APPROVED, "Because") == decision
    summary = "Because" if decision == APPROVED else "Decided at the terminal"
    assert pipeline.results == [{"status": decision, "summary": summary}]
    assert "expected a (approve) or r (reject)" in person.lines
    assert any(line.endswith("http://127.0.0.1:4711/console/approvals/id") for line in person.lines)


def test_a_decision_in_the_console_is_taken(pipeline: Pipeline) -> None:
    person = Person(elsewhere=lambda: setattr(pipeline, "status", "Failed"))
    assert approvals(pipeline, person, asks=True).decide(APPROVED, "Because") == REJECTED
    assert pipeline.results == [], "the demo decides nothing then"


def test_nothing_that_waits_is_said(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "_BEGIN_SECONDS", 0)
    pipeline.status = "Succeeded"
    with pytest.raises(Refusal, match="expected an approval that waits in todobackend"):
        approvals(pipeline, Person(), asks=False).decide(APPROVED, "Because")
