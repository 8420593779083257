"""`penstock status`: each pipeline's newest execution, its stages and actions."""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
import urllib3
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from penstock.cli.connection import DataDir, connect
from penstock.cli.execution import ActionView, ExecutionView, read_latest
from penstock.cli.times import ago, clock_time, took
from penstock.clock import utc_now

WIDTH = 80
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
        str | None, typer.Argument(help="One pipeline. [default: all]", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show how the newest execution of each pipeline stands."""
    connection = connect(data_dir)
    codepipeline = connection.client("codepipeline")
    if pipeline is not None:
        names = [pipeline]
    else:
        pages = codepipeline.get_paginator("list_pipelines").paginate()
        names = [p["name"] for page in pages for p in page["pipelines"]]
    views = [read_latest(codepipeline, name) for name in names]
    if (trouble := engine_trouble(connection.endpoint_url)) is not None:
        print(f"No builds run: {trouble}", file=sys.stderr)
    if as_json:
        print(json.dumps([asdict(view) for view in views], default=str, indent=2))
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
    """Return one pipeline: a headline, then a row for each stage and action."""
    headline = Text()
    headline.append(view.pipeline, "bold")
    headline.append("  ")
    headline.append(_word(view.status or "never ran"))
    if view.started:
        headline.append(f"  {ago(view.started, now)}")
        headline.append(f", {took(view.started, view.changed if view.ended else now)}")
    if view.trigger:
        headline.append(f"\n  by {view.trigger}", "dim")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("name", "status", "started", "took"):
        table.add_column(column, no_wrap=column != "name", overflow="fold")
    table.add_column("summary", overflow="fold", ratio=1)
    for stage in view.stages:
        table.add_row(f"  {stage.name}", _word(stage.status or "not yet"))
        for action in stage.actions:
            table.add_row(*_row(action, now))
    return Group(headline, table)


def _row(action: ActionView, now: datetime) -> tuple[str | Text, ...]:
    if not action.status:
        return (f"    {action.name}", _word("not yet"))
    end = now if action.status == "InProgress" else action.changed
    return (
        f"    {action.name}",
        _word(action.status),
        clock_time(action.started),
        took(action.started, end),
        Text(action.summary),
    )


def _word(status: str) -> Text:
    return Text(status, COLOURS.get(status, "dim"))
