"""`penstock history`: a pipeline's executions, newest first, with who decided about them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.text import Text

from penstock.cli.connection import DataDir, connect
from penstock.cli.execution import ENDED, decision_words
from penstock.cli.layout import WIDTH, below, short_commits
from penstock.cli.refusal import Refusal
from penstock.cli.status import COLOURS
from penstock.cli.times import ago, took
from penstock.clock import utc_now


@dataclass(frozen=True, slots=True)
class Revision:
    """What one source action took; `summary` is its first line."""

    action: str
    id: str
    summary: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one approval: `status` is Succeeded, Failed, Abandoned or InProgress."""

    stage: str
    action: str
    status: str
    by: str
    comment: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Past:
    """One execution of a pipeline."""

    execution_id: str
    status: str
    summary: str
    trigger: str
    started: datetime | None
    changed: datetime | None
    revisions: Sequence[Revision]
    decisions: Sequence[Decision]


def history(
    pipeline: Annotated[
        str | None, typer.Argument(help="One pipeline.", show_default="all")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many executions of each.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data_dir: DataDir = None,
) -> None:
    """List executions, newest first: what they brought, and who approved or rejected them."""
    codepipeline = connect(data_dir).client("codepipeline")
    pages = codepipeline.get_paginator("list_pipelines").paginate()
    names = [each["name"] for page in pages for each in page["pipelines"]]
    if pipeline is not None:
        if pipeline not in names:
            known = ", ".join(names) or "none"
            raise Refusal(f"no pipeline is called {pipeline}; pipelines: {known}")
        names = [pipeline]
    found = {name: read(codepipeline, name, limit) for name in names}
    if as_json:
        document = [
            {"pipeline": name, "executions": [asdict(each) for each in executions]}
            for name, executions in found.items()
        ]
        print(json.dumps(document, default=datetime.isoformat, indent=2))
    elif found:
        console, now = Console(width=WIDTH, highlight=False), utc_now()
        for number, (name, executions) in enumerate(found.items()):
            if number:
                console.print()
            console.print(render(name, executions, now))
    else:
        print("No pipelines yet; make one: aws codepipeline create-pipeline")


def read(codepipeline: Any, pipeline: str, limit: int) -> list[Past]:
    """Read the pipeline's newest executions through a boto3 client."""
    pages = codepipeline.get_paginator("list_pipeline_executions").paginate(
        pipelineName=pipeline, PaginationConfig={"MaxItems": limit}
    )
    summaries = [each for page in pages for each in page["pipelineExecutionSummaries"]]
    return [past(each, _details(codepipeline, pipeline, each)) for each in summaries]


def _details(
    codepipeline: Any, pipeline: str, summary: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": summary["pipelineExecutionId"]}
    )
    return [each for page in pages for each in page["actionExecutionDetails"]]


def past(summary: Mapping[str, Any], details: Sequence[Mapping[str, Any]]) -> Past:
    """Combine an execution's summary with the details of its actions."""
    trigger = summary.get("trigger", {})
    words = (trigger.get(key) for key in ("triggerType", "triggerDetail"))
    approvals = [
        each
        for each in details
        if each.get("input", {}).get("actionTypeId", {}).get("category") == "Approval"
    ]
    return Past(
        execution_id=summary["pipelineExecutionId"],
        status=summary["status"],
        summary=summary.get("statusSummary", ""),
        trigger=" ".join(word for word in words if word),
        started=summary.get("startTime"),
        changed=summary.get("lastUpdateTime"),
        revisions=[
            Revision(
                each["actionName"],
                each.get("revisionId", ""),
                (each.get("revisionSummary") or "").split("\n", maxsplit=1)[0],
            )
            for each in sorted(
                summary.get("sourceRevisions", []), key=lambda each: str(each["actionName"])
            )
        ],
        decisions=[
            _decision(each) for each in sorted(approvals, key=lambda each: each["startTime"])
        ],
    )


def _decision(detail: Mapping[str, Any]) -> Decision:
    result = detail.get("output", {}).get("executionResult", {})
    error = result.get("errorDetails", {}).get("message", "")
    return Decision(
        stage=detail["stageName"],
        action=detail["actionName"],
        status=detail["status"],
        by=detail.get("updatedBy", ""),
        comment=result.get("externalExecutionSummary", "") or error,
        at=detail.get("lastUpdateTime"),
    )


def render(pipeline: str, executions: Sequence[Past], now: datetime) -> Group:
    """Return one pipeline's executions: a headline each, below it revisions and decisions."""
    rows: list[RenderableType] = [Text(pipeline, "bold")]
    if not executions:
        rows.append(below("never ran", 2, "dim"))
    for each in executions:
        rows += _execution(each, now)
    return Group(*rows)


def _execution(each: Past, now: datetime) -> list[RenderableType]:
    headline = Text(f"  {each.execution_id[:8]}  ")
    headline.append(f"{each.status:<11}", COLOURS.get(each.status, "dim"))
    if each.started:
        headline.append(f" {ago(each.started, now):<11}")
        headline.append(f" {took(each.started, each.changed if each.status in ENDED else now)}")
    rows: list[RenderableType] = [headline]
    rows += [
        below(f"{revision.action}  {short_commits(revision.id)} {revision.summary}", 4)
        for revision in each.revisions
    ]
    if not each.revisions and each.trigger:
        rows.append(below(f"by {each.trigger}", 4, "dim"))
    rows += [below(*_decided(decision)) for decision in each.decisions]
    return rows


def _decided(decision: Decision) -> tuple[str, int, str]:
    place, comment = f"{decision.stage} / {decision.action}", decision.comment
    if decision.status == "InProgress":
        return f"{place}: waits for approval", 4, "yellow"
    if not decision.by or decision.status == "Abandoned":
        return f"{place}: {comment or 'nobody decided'}", 4, "dim"
    colour = "green" if decision.status == "Succeeded" else "red"
    comment = comment.replace("\n", "\n  ")  # it begins no line that looks like one of ours
    said = decision_words(decision.status, decision.by, comment)
    return f"{place}: {said}", 4, colour
