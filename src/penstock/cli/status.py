"""`penstock status`: each pipeline's newest execution, its stages and actions."""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
import urllib3
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.text import Text

from penstock.cli.connection import DataDir, connect
from penstock.cli.execution import ActionView, ExecutionView, StageView, read_latest
from penstock.cli.layout import WIDTH, below, short_commits
from penstock.cli.refusal import Refusal
from penstock.cli.times import ago, clock_time, took
from penstock.clock import utc_now
from penstock.pipelines.review_words import legible

_READY = "ready"
COLOURS = {
    "Succeeded": "green",
    "Failed": "red",
    "InProgress": "yellow",
    "Stopping": "yellow",
    "Stopped": "magenta",
    "Abandoned": "magenta",
    "Superseded": "dim",
}


def status(
    pipeline: Annotated[
        str | None, typer.Argument(help="One pipeline.", show_default="all")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show how the newest execution of each pipeline stands."""
    connection = connect(data_dir)
    codepipeline = connection.client("codepipeline")
    pages = codepipeline.get_paginator("list_pipelines").paginate()
    names = [p["name"] for page in pages for p in page["pipelines"]]
    if pipeline is not None:
        if pipeline not in names:
            known = ", ".join(names) or "none"
            raise Refusal(f"no pipeline is called {pipeline}; pipelines: {known}")
        names = [pipeline]
    views = [read_latest(codepipeline, name) for name in names]
    if (trouble := engine_trouble(connection.endpoint_url)) is not None:
        print(f"No builds run: {trouble}", file=sys.stderr)
    if as_json:
        print(json.dumps([asdict(view) for view in views], default=datetime.isoformat, indent=2))
    elif views:
        console = Console(width=WIDTH, highlight=False)
        now = utc_now()
        for number, view in enumerate(views):
            if number:
                console.print()
            console.print(render(view, now))
    else:
        print("No pipelines yet; make one: aws codepipeline create-pipeline")


def engine_trouble(endpoint_url: str) -> str | None:
    """Return why the server has no container engine; None when it has, or does not say."""
    try:
        answer = urllib3.request("GET", f"{endpoint_url}/_penstock/health", timeout=5, retries=1)
        state = answer.json().get("engine", _READY)
    except (urllib3.exceptions.HTTPError, ValueError):  # no Penstock behind AWS_ENDPOINT_URL
        return None
    return None if state == _READY else f"the container engine is not ready: {state}"


def render(view: ExecutionView, now: datetime) -> Group:
    """Return one pipeline: a headline, a row for each stage and action, a failure's words below."""
    headline = Text()
    headline.append(view.pipeline, "bold")
    headline.append("  ")
    headline.append(_word(view.status or "never ran"))
    if view.started:
        headline.append(f"  {ago(view.started, now)}")
        headline.append(f", {took(view.started, view.changed if view.ended else now)}")
    rows: list[RenderableType] = [headline]
    if view.trigger:
        rows.append(below(f"by {short_commits(view.trigger)}", 2, "dim"))
    width = max(
        (
            4 + len(a.name) if a else 2 + len(s.name)
            for s in view.stages
            for a in (None, *s.actions)
        ),
        default=0,
    )
    for stage in view.stages:
        rows += _stage(stage, width)
        for action in stage.actions:
            rows += _action(action, width, now)
    return Group(*rows)


def _stage(stage: StageView, width: int) -> list[RenderableType]:
    row = Text(f"  {stage.name}".ljust(width + 2))
    if not stage.waits_for or stage.status:
        return [row.append(_word(stage.status or "not yet"))]
    return [row.append("waiting", "yellow"), below(f"waits for {stage.waits_for}", 6)]


def _action(action: ActionView, width: int, now: datetime) -> list[RenderableType]:
    row = Text(f"    {action.name}".ljust(width + 2), overflow="ellipsis", no_wrap=True)
    if not action.status:
        return [row.append(_word("not yet"))]
    end = now if action.status == "InProgress" else action.changed
    row.append(_word(action.status))
    row.append(" " * (12 - len(action.status)))
    row.append(f"{clock_time(action.started)}  {took(action.started, end)}")
    if not action.summary:
        return [row]
    words = _one_line(action.summary)
    if action.status == "Failed" or row.cell_len + 2 + cell_len(words) > WIDTH:
        return [row, below(action.summary if action.status == "Failed" else words, 6)]
    return [row.append(f"  {words}")]


def _one_line(words: str) -> str:
    """Return text for a row: what others wrote (commits, comments) begins no row of its own."""
    return legible(" ".join(words.splitlines()))


def _word(status: str) -> Text:
    return Text(status, COLOURS.get(status, "dim"))
