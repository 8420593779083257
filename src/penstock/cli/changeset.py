"""`penstock changeset`: what a change set, or a template that is not deployed, would change."""

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from penstock.cli.change_preview import previewed
from penstock.cli.connection import Connection, DataDir, connect
from penstock.cli.layout import WIDTH
from penstock.cli.own_requests import ask
from penstock.cli.refusal import Refusal
from penstock.cli.review_text import change_set_text
from penstock.pipelines.review import ReviewedChangeSet
from penstock.pipelines.review_endpoints import CHANGE_SETS_PATH


def changeset(
    stack: Annotated[str, typer.Argument(help="A stack.")],
    name: Annotated[
        str | None, typer.Argument(help="A change set's name or ARN.", show_default="the newest")
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(help="Show what this template would change; nothing is kept of it."),
    ] = None,
    parameters: Annotated[
        Path | None,
        typer.Option(help="With --template: a JSON file, as CodePipeline's or the aws CLI's."),
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(help="With --template: NAME=VALUE, over the file's.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="List every property of what is added.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show what a stack's change set would change, and why."""
    if template is not None and name is not None:
        raise Refusal("name a change set or give --template, not both", exit_code=2)
    if template is None and (parameters or parameter):
        raise Refusal("--parameters and --parameter go with --template", exit_code=2)
    connection = connect(data_dir)
    if template is None:
        wanted = name or _newest(connection, stack)
        found = read(connection, stack, wanted)
    else:
        with previewed(connection, stack, template, parameters, parameter or ()) as arn:
            found = read(connection, stack, arn)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    shown = msgspec.convert(found, ReviewedChangeSet)
    text = change_set_text(shown, full=full, preview=template is not None)
    Console(width=WIDTH, highlight=False).print(text)


def read(connection: Connection, stack: str, name_or_arn: str) -> Any:
    """Return the change set as the server describes it for review."""
    key = "arn" if name_or_arn.startswith("arn:") else "name"
    return ask(connection, CHANGE_SETS_PATH, {"stack": stack, key: name_or_arn})


def _newest(connection: Connection, stack: str) -> str:
    cloudformation = connection.client("cloudformation")
    pages = cloudformation.get_paginator("list_change_sets").paginate(StackName=stack)
    found = [each for page in pages for each in page["Summaries"]]
    if not found:
        raise Refusal(
            f"the stack {stack} has no change set; see what a template would change: "
            f"penstock changeset {stack} --template FILE"
        )
    return str(max(found, key=lambda each: each["CreationTime"])["ChangeSetId"])
