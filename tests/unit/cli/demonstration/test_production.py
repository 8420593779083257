"""The demo's second half believes nothing: what production runs is compared after each decision."""

from collections.abc import Callable
from typing import Any

import pytest

from penstock.cli.demonstration import production
from penstock.cli.demonstration.approval import APPROVED, REJECTED
from penstock.cli.demonstration.deployed import Deployed
from penstock.cli.demonstration.production import Production
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.execution import ActionView, ExecutionView, StageView
from penstock.cli.refusal import Refusal


class World:
    """A pipeline and its two stacks: releases reach development, approved ones production."""

    def __init__(self, *decisions: str) -> None:
        self.decisions = list(decisions)
        self.commit = ("1.0.0", "local")
        self.deployed = {"todobackend": self.stack("dev"), "todobackend-prod": self.stack("none")}
        self.status = "Succeeded"
        self.retries = 0
        self.after_push: Callable[[], None] = lambda: None
        self.failures: list[str] = []

    def stack(self, container: str) -> Deployed:
        return Deployed("http://app/", *self.commit, (f"{container}-{self.commit[0]}",))

    # the road
    def add_production(self) -> None: ...

    def release(self) -> None:
        self.status = "InProgress"

    def change(self, files: dict[str, str], _message: str) -> None:
        self.commit = (files["VERSION"], files["NONCE"])
        self.deployed["todobackend"] = self.stack("dev")
        self.status = "InProgress"
        self.after_push()

    def retry(self, _stage: str, _execution_id: str) -> None:
        self.retries += 1
        self.status = "InProgress"

    def penstock(self, command: str) -> str:
        return f"the change set of {command}"

    # approvals
    def decide(self, _wanted: str, _summary: str) -> str:
        decision = self.decisions.pop(0)
        self.status = "Succeeded" if decision == APPROVED else "Failed"
        if decision == APPROVED:
            self.deployed["todobackend-prod"] = self.stack("prod")
        return decision

    # what is read
    def execution(self) -> ExecutionView:
        approve = ActionView("Production", "Approve", "Manual", self.status)
        stage = StageView("Production", [approve])
        return ExecutionView("todobackend", "id", self.status, None, None, "", [stage])

    def client(self, _service: str) -> None: ...

    def load(self, _url: str, _key: str) -> "Requests":
        return Requests(self.failures)


class Requests:
    def __init__(self, failures: list[str]) -> None:
        self.failures, self.answers = failures, {"1.0.0": 3, "1.2.0": 4}
        self.requests = 7 + len(failures)

    def __enter__(self) -> "Requests":
        return self

    def __exit__(self, *_: object) -> None: ...


class Followed:
    def __init__(self, world: World) -> None:
        self.follow: Callable[[str], ExecutionView] = lambda _pipeline: world.execution()


def release(monkeypatch: pytest.MonkeyPatch, world: World) -> Deployed:
    """Make the three releases."""
    monkeypatch.setattr(production, "look", lambda _c, stack, _url: world.deployed[stack])
    monkeypatch.setattr(production, "public_url", lambda _road, _stack: "http://app/")
    monkeypatch.setattr(production, "read_latest", lambda _client, _name: world.execution())
    monkeypatch.setattr(production, "Follower", lambda *_, **__: Followed(world))
    monkeypatch.setattr(production, "Load", world.load)
    stands_in: Any = world
    return Production(
        stands_in, Terminal(), stands_in, stands_in, world.deployed["todobackend"]
    ).release()


def test_the_second_is_rejected_and_the_third_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(APPROVED, REJECTED, APPROVED)
    assert release(monkeypatch, world).version == "1.2.0"
    said = capsys.readouterr().out
    assert "Untouched: the same answer from the same containers." in said
    assert "7 requests meanwhile: 3 from 1.0.0, 4 from 1.2.0; 0 failed" in said
    assert said.count("the change set of changeset todobackend-prod release") == 3


def test_what_a_person_rejects_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(REJECTED, REJECTED, APPROVED, REJECTED, APPROVED)
    assert release(monkeypatch, world).version == "1.2.0"
    assert world.retries == 2


def test_the_second_may_be_approved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release(monkeypatch, World(APPROVED, APPROVED, APPROVED)).version == "1.2.0"
    said = capsys.readouterr().out
    assert "You approved it, so production runs it now." in said
    assert "Untouched" not in said


def test_a_production_that_moved_unasked_stops_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(APPROVED, REJECTED, APPROVED)
    world.after_push = lambda: world.deployed.update({"todobackend-prod": world.stack("other")})
    with pytest.raises(Refusal, match="expected production unchanged before anybody approved"):
        release(monkeypatch, world)


def test_a_failed_request_is_counted_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(APPROVED, REJECTED, APPROVED)
    world.failures = ["HTTP 503: b''"]
    with pytest.raises(Refusal, match="1 of 8 requests failed:\nHTTP 503"):
        release(monkeypatch, world)
