"""Deciding at a terminal: what is refused, what is asked, and what is sent."""

import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.cli import decision
from penstock.cli.connection import Connection
from penstock.cli.decision import Given, decide
from penstock.cli.refusal import Refusal

DIGEST = f"sha256:{'1' * 64}"
NOTHING = Given("", None, yes=False, dry_run=False, full=False, as_json=False)
YES = Given("fine", None, yes=True, dry_run=False, full=False, as_json=False)
ANY = (None, None, None)


class CodePipeline:
    """Two pipelines' states, and the answers that were given."""

    def __init__(self, *places: tuple[str, str, str]) -> None:
        self.places = places
        self.answers: list[dict[str, Any]] = []

    def get_paginator(self, _name: str) -> "CodePipeline":
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"pipelines": [{"name": "shop"}]}, {"pipelines": [{"name": "road"}]}]

    def get_pipeline_state(self, name: str) -> dict[str, Any]:
        if name not in {"shop", "road"}:
            error = {"Code": "PipelineNotFoundException", "Message": "no such pipeline"}
            raise ClientError({"Error": error}, "GetPipelineState")
        return {
            "stageStates": [
                {
                    "stageName": stage,
                    "actionStates": [
                        {"actionName": "Never"},
                        {
                            "actionName": action,
                            "latestExecution": {
                                "status": "InProgress",
                                "token": "old",
                                "actionExecutionId": f"{pipeline}-{stage}-{action}",
                            },
                        },
                    ],
                }
                for pipeline, stage, action in self.places
                if pipeline == name
            ]
        }

    def put_approval_result(self, **given: Any) -> None:
        self.answers.append(given)


class CloudFormation:
    """A change set as it stands now; None when it is gone."""

    now: dict[str, Any] | None = None

    def describe_change_set(self, StackName: str, ChangeSetName: str) -> dict[str, Any]:
        assert (StackName, ChangeSetName) == ("arn:stack", "arn:set")
        if self.now is None:
            error = {"Code": "ChangeSetNotFound", "Message": "ChangeSet [arn:set] does not exist"}
            raise ClientError({"Error": error}, "DescribeChangeSet")
        return self.now


class Server:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, *places: tuple[str, str, str]) -> None:
        self.codepipeline = CodePipeline(*places)
        self.connection = Connection("http://x", "us-east-1", "1", "AKIA", "secret")
        self.approval: dict[str, Any] = {
            "pipeline": "shop", "stage": "Production", "action": "Approve", "status": "Waiting",
            "token": "seen", "digest": DIGEST, "custom_data": None, "link": None,
            "summary_required": False, "created_at": "2026-01-02T03:04:05+00:00",
            "expires_at": "2026-01-09T03:04:05+00:00", "decided_by": None, "decided_at": None,
            "comment": None, "error": None, "execution_id": "e", "review": {},
        }  # fmt: skip
        self.paths: list[str] = []

        def ask(_connection: Connection, path: str) -> Any:
            self.paths.append(path)
            return self.approval

        self.cloudformation = CloudFormation()
        clients = {"codepipeline": self.codepipeline, "cloudformation": self.cloudformation}
        monkeypatch.setattr(decision, "ask", ask)
        monkeypatch.setattr(Connection, "client", lambda _self, service: clients[service])

    def decide(self, given: Given, *place: str | None) -> None:
        pipeline, stage, action = (*place, None, None, None)[:3]
        decide("Approved", self.connection, (pipeline, stage, action), given)

    def refused(self, given: Given, *place: str | None) -> tuple[str, int]:
        with pytest.raises(Refusal) as refusal:
            self.decide(given, *place)
        assert self.codepipeline.answers == []
        return str(refusal.value), refusal.value.exit_code


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(monkeypatch, ("shop", "Production", "Approve"))


def typing(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _prompt: answer)


def test_the_only_one_that_waits_needs_no_name(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.decide(YES)
    assert server.paths == ["/_penstock/approvals/shop-Production-Approve"]
    assert server.codepipeline.answers == [
        {
            "pipelineName": "shop",
            "stageName": "Production",
            "actionName": "Approve",
            "token": "seen",
            "result": {"status": "Approved", "summary": "fine"},
        }
    ]
    said = capsys.readouterr().out
    assert said.index(f"Digest {DIGEST}") < said.index("Approved. Follow it: penstock status shop")


def test_several_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, ("shop", "A", "Ask"), ("shop", "B", "Ask"), ("road", "C", "Ask"))
    said, code = server.refused(YES)
    assert code == 2
    assert said == (
        "3 approvals wait, name one: penstock approve shop --stage A --action Ask; penstock "
        "approve shop --stage B --action Ask; penstock approve road --stage C --action Ask"
    )
    server.decide(YES, "shop", "B")
    server.decide(YES, "road")
    assert [each["stageName"] for each in server.codepipeline.answers] == ["B", "C"]


def test_what_does_not_wait_is_said(server: Server) -> None:
    assert server.refused(YES, "road") == ("nothing waits for approval in road", 1)
    said, code = server.refused(YES, "shop", "Dev")
    assert code == 1
    assert said == (
        "nothing waits for approval in shop / Dev; what waits: penstock approve shop --stage "
        "Production --action Approve"
    )
    said, _ = server.refused(YES, "other")
    assert said == "no pipeline is called other"


def test_another_digest_decides_nothing(server: Server) -> None:
    other = f"sha256:{'2' * 64}"
    said, code = server.refused(Given("", other, True, False, False, False))
    assert (code, said) == (1, f"you named {other}, what waits is {DIGEST}; nothing was decided")
    server.approval["digest"] = None
    assert (
        "what waits is nothing that has a digest"
        in server.refused(Given("", other, True, False, False, False))[0]
    )


def test_the_digest_seen_needs_no_question(server: Server) -> None:
    server.decide(Given("", DIGEST, False, False, False, False))
    assert len(server.codepipeline.answers) == 1


@pytest.mark.parametrize(("typed", "decided"), [("y", 1), (" YES ", 1)])
def test_yes_at_the_terminal_decides(
    server: Server, monkeypatch: pytest.MonkeyPatch, typed: str, decided: int
) -> None:
    typing(monkeypatch, typed)
    server.decide(NOTHING)
    assert len(server.codepipeline.answers) == decided


@pytest.mark.parametrize("typed", ["", "n", "yep", "approve"])
def test_anything_else_decides_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    typing(monkeypatch, typed)
    assert server.refused(NOTHING) == ("nothing was decided", 1)


def test_without_a_terminal_nobody_is_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    said, code = server.refused(NOTHING)
    assert code == 2
    assert "approve with --digest sha256:…" in said
    typing(monkeypatch, "y")
    assert (
        "--json asks no question" in server.refused(Given("", None, False, False, False, True))[0]
    )


def test_a_dry_run_shows_and_decides_nothing(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.decide(Given("", None, False, True, False, False))
    assert server.codepipeline.answers == []
    assert f"Digest {DIGEST}" in capsys.readouterr().out


def test_what_ended_meanwhile_is_not_decided(server: Server) -> None:
    server.approval |= {"token": None, "status": "Voided"}
    assert server.refused(YES) == ("this approval cannot be decided: it is Voided now", 1)


def test_a_comment_that_is_asked_for_is_needed(server: Server) -> None:
    server.approval["summary_required"] = True
    said, code = server.refused(Given(" ", DIGEST, True, False, False, False))
    assert (code, said) == (2, "this approval asks for a comment: --comment TEXT")
    server.decide(YES)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (None, "ChangeSet [arn:set] does not exist"),
        ({"ExecutionStatus": "OBSOLETE", "StatusReason": "The stack moved on"}, "OBSOLETE. The"),
        ({"ExecutionStatus": "AVAILABLE"}, None),
    ],
)
def test_a_change_set_that_cannot_be_executed_any_more_is_said(
    server: Server,
    capsys: pytest.CaptureFixture[str],
    now: dict[str, Any] | None,
    reason: str | None,
) -> None:
    """Locks: somebody deleted it while it waited, and `approve` showed it as if it stood there."""
    server.approval["review"] = {
        "change_sets": [
            {
                "action_name": "Execute", "stack_name": "app", "stack_id": "arn:stack",
                "name": "release", "arn": "arn:set", "kind": "UPDATE", "digest": DIGEST,
                "status": "AVAILABLE", "status_reason": "", "created_at": "2026-01-02T03:04:05Z",
                "empty": False,
            },
        ]
    }  # fmt: skip
    server.cloudformation.now = now
    server.decide(Given("", None, False, True, False, False))
    said = capsys.readouterr().out
    assert ("cannot be executed any more" in said) is (reason is not None)
    assert reason is None or f"any more: {reason}" in " ".join(said.split())
