"""Deciding an approval at a terminal: the review first, then the answer to exactly that."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import typer
from botocore.exceptions import ClientError
from rich.console import Console

from penstock.cli.connection import Connection
from penstock.cli.layout import WIDTH, below
from penstock.cli.own_requests import ask
from penstock.cli.refusal import Refusal
from penstock.cli.review_text import approval_text
from penstock.clock import utc_now
from penstock.pipelines.review import Review
from penstock.pipelines.review_endpoints import APPROVALS_PATH
from penstock.pipelines.review_words import unusable_words

Pipeline = Annotated[
    str | None, typer.Argument(help="Its pipeline.", show_default="the one that waits")
]
Stage = Annotated[str | None, typer.Option(help="Its stage, where several wait.")]
Action = Annotated[str | None, typer.Option(help="Its action, where several wait.")]
Comment = Annotated[str, typer.Option(help="Kept with the decision.", show_default=False)]
Digest = Annotated[
    str | None,
    typer.Option(help="sha256:… of what you saw: decide only if it is what waits; no question."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Decide without a question.")]
Full = Annotated[bool, typer.Option("--full", help="List every property of what is added.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show it; decide nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was decided about as JSON.")]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One approval that waits, as GetPipelineState tells it."""

    pipeline: str
    stage: str
    action: str
    action_execution_id: str

    @property
    def options(self) -> str:
        """What names it on the command line."""
        return f"{self.pipeline} --stage {self.stage} --action {self.action}"


@dataclass(frozen=True, slots=True)
class Given:
    """The options of a decision."""

    comment: str
    digest: str | None
    yes: bool
    dry_run: bool
    full: bool
    as_json: bool


def decide(
    decision: str,
    connection: Connection,
    place: tuple[str | None, str | None, str | None],
    given: Given,
) -> None:
    """Show what waits at `place` (pipeline, stage, action; None for any), ask, and answer it.

    `decision` is Approved or Rejected. Raises Refusal when nothing, or more than one, waits,
    when it is not what `--digest` names, or when somebody says no.
    """
    codepipeline = connection.client("codepipeline")
    command = "approve" if decision == "Approved" else "reject"
    wanted = _the_one(_waiting(codepipeline, place[0]), place, command)
    path = f"{APPROVALS_PATH}/{wanted.action_execution_id}"
    approval = ask(connection, path)
    if not given.as_json:
        _show(approval, given.full, _unusable(connection, approval))
    _check(approval, given)
    if not given.dry_run:
        if not given.yes and given.digest is None:
            _agree(command, given)
        codepipeline.put_approval_result(
            pipelineName=wanted.pipeline,
            stageName=wanted.stage,
            actionName=wanted.action,
            token=approval["token"],
            result={"status": decision, "summary": given.comment},
        )
    if given.as_json:
        print(json.dumps(approval if given.dry_run else ask(connection, path), indent=2))
    elif not given.dry_run:
        print(f"{decision}. Follow it: penstock status {wanted.pipeline}")


def _waiting(codepipeline: Any, pipeline: str | None) -> list[Waiting]:
    """Return the approvals that wait, of one pipeline where it is given."""
    names = [pipeline] if pipeline is not None else _pipelines(codepipeline)
    return [
        Waiting(name, state["stageName"], each["actionName"], latest["actionExecutionId"])
        for name in names
        for state in _stages(codepipeline, name)
        for each in state["actionStates"]
        if (latest := each.get("latestExecution", {})).get("status") == "InProgress"
        and "token" in latest
    ]


def _pipelines(codepipeline: Any) -> list[str]:
    pages = codepipeline.get_paginator("list_pipelines").paginate()
    return [each["name"] for page in pages for each in page["pipelines"]]


def _stages(codepipeline: Any, name: str) -> Sequence[Mapping[str, Any]]:
    try:
        found: Sequence[Mapping[str, Any]] = codepipeline.get_pipeline_state(name=name)[
            "stageStates"
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "PipelineNotFoundException":
            raise Refusal(f"no pipeline is called {name}") from error
        raise
    return found


def _the_one(
    waiting: Sequence[Waiting], place: tuple[str | None, str | None, str | None], command: str
) -> Waiting:
    """Return the only one that waits at a place; raise Refusal, and say what waits, otherwise."""
    _pipeline, stage, action = place
    found = [e for e in waiting if stage in {None, e.stage} and action in {None, e.action}]
    if len(found) == 1:
        return found[0]
    listed = "; ".join(f"penstock {command} {each.options}" for each in found or waiting)
    if not found:
        named = " / ".join(each for each in place if each)
        instead = f"; what waits: {listed}" if waiting else ""
        raise Refusal(f"nothing waits for approval{' in ' if named else ''}{named}{instead}")
    raise Refusal(f"{len(found)} approvals wait, name one: {listed}", exit_code=2)


def _show(approval: Mapping[str, Any], full: bool, unusable: Sequence[str]) -> None:
    review = msgspec.convert(approval["review"], Review)
    console = Console(width=WIDTH, highlight=False)
    console.print(approval_text(approval, review, utc_now(), full=full))
    for words in unusable:
        console.print()
        console.print(below(words, 0, "red"))
    console.print()


def _unusable(connection: Connection, approval: Mapping[str, Any]) -> list[str]:
    """Say of each change set under review that waits whether it cannot be executed any more."""
    if approval["token"] is None:
        return []
    cloudformation = connection.client("cloudformation")
    found = []
    for each in msgspec.convert(approval["review"], Review).change_sets:
        if each.empty:
            continue
        place = {"StackName": each.stack_id, "ChangeSetName": each.arn}
        try:
            now = cloudformation.describe_change_set(**place)
        except ClientError as error:
            found.append(unusable_words(each.name, error.response["Error"]["Message"]))
            continue
        if now["ExecutionStatus"] != "AVAILABLE":
            reason = f"{now['ExecutionStatus']}. {now.get('StatusReason', '')}".strip()
            found.append(unusable_words(each.name, reason))
    return found


def _check(approval: Mapping[str, Any], given: Given) -> None:
    """Raise Refusal unless what waits can be decided, and is what `--digest` names."""
    if given.digest is not None and given.digest != approval["digest"]:
        waits = approval["digest"] or "nothing that has a digest"
        raise Refusal(f"you named {given.digest}, what waits is {waits}; nothing was decided")
    if approval["token"] is None:
        status = str(approval["status"])
        reason = f"it is {status} now" if status != "Waiting" else "its message is being sent"
        raise Refusal(f"this approval cannot be decided: {reason}")
    if approval["summary_required"] and not given.comment.strip() and not given.dry_run:
        raise Refusal("this approval asks for a comment: --comment TEXT", exit_code=2)


def _agree(command: str, given: Given) -> None:
    """Ask at the terminal; raise Refusal unless somebody says yes."""
    if given.as_json or not sys.stdin.isatty():
        why = "--json asks no question" if given.as_json else "nobody can be asked here"
        raise Refusal(
            f"{why}: {command} with --digest sha256:… (what you saw and nothing else) or with "
            "--yes; --dry-run shows it",
            exit_code=2,
        )
    if input(f"{command.capitalize()} this? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise Refusal("nothing was decided")
