"""`penstock changeset`: what a template, or a change set that there is already, would change."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from penstock.cli.change_document import document, endings
from penstock.cli.change_preview import previewed
from penstock.cli.cloudformation_endpoint import CloudFormationEndpoint, cloudformation_endpoint
from penstock.cli.connection import Connection, DataDir, connect
from penstock.cli.layout import WIDTH
from penstock.cli.own_requests import ask
from penstock.cli.preview_request import is_template, preview_request
from penstock.cli.preview_text import preview_text
from penstock.cli.refusal import Refusal
from penstock.cli.review_text import change_set_text
from penstock.pipelines.review import ReviewedChangeSet
from penstock.pipelines.review_endpoints import CHANGE_SETS_PATH

_ENDING = 2
"""The exit code of `--fail-on-replacement` when something does not stay what it is."""
_OF_TEMPLATE = "What a template would change"
_UNKNOWN_KEY = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
_WHERE = "Which CloudFormation"


def changeset(
    template_or_stack: Annotated[
        str,
        typer.Argument(
            metavar="TEMPLATE|STACK",
            help="A template's file (- for standard input), or a stack.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[CHANGE-SET]",
            help="Of a stack: a change set's name or ARN.",
            show_default="the newest",
        ),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(
            help="The template's stack.",
            show_default="the file's name",
            rich_help_panel=_OF_TEMPLATE,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "--parameters",
            help="CodePipeline's template configuration, or the aws CLI's list of parameters.",
            rich_help_panel=_OF_TEMPLATE,
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "--parameter",
            metavar="NAME=VALUE",
            help="A parameter, over the file's.",
            rich_help_panel=_OF_TEMPLATE,
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A tag of the stack, over the file's.",
            rich_help_panel=_OF_TEMPLATE,
        ),
    ] = None,
    capability: Annotated[
        list[str] | None,
        typer.Option(
            help="What the template may do.",
            show_default="all; none with --keep",
            rich_help_panel=_OF_TEMPLATE,
        ),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            metavar="ARN", help="The role that would deploy.", rich_help_panel=_OF_TEMPLATE
        ),
    ] = None,
    nested: Annotated[
        bool,
        typer.Option(
            "--nested", help="Show inside nested stacks, too.", rich_help_panel=_OF_TEMPLATE
        ),
    ] = False,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Keep the change set, to execute it.", rich_help_panel=_OF_TEMPLATE
        ),
    ] = False,
    fail_on_replacement: Annotated[
        bool,
        typer.Option(
            "--fail-on-replacement",
            help="Exit code 2 when something is or may be replaced, or is removed.",
        ),
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="List every property of what is added.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    template: Annotated[
        Path | None,
        typer.Option(help="Of a stack: the template; as TEMPLATE --stack STACK.", hidden=True),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Another CloudFormation; `aws` is AWS.", rich_help_panel=_WHERE
        ),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="The region there.", rich_help_panel=_WHERE)
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Credentials of the aws CLI's profile.", rich_help_panel=_WHERE),
    ] = None,
    s3_bucket: Annotated[
        str | None,
        typer.Option(
            help="A bucket there, for a template over 51,200 bytes.", rich_help_panel=_WHERE
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Show what a template would change in its stack, and why; nothing is deployed.

    Of a STACK: show a change set that was made before.
    """
    if template is not None:
        template_or_stack, stack = str(template), stack or template_or_stack
    of_template = template is not None or is_template(template_or_stack)
    end = _End(as_json, full, fail_on_replacement)
    if not of_template:
        given = (stack, config, parameter, tag, capability, role, endpoint, region, profile)
        if any(given) or s3_bucket or nested or keep:
            raise Refusal(
                f"{template_or_stack} is no file, so a stack; only --full, --json, "
                "--fail-on-replacement and --data-dir go with a stack"
            )
        _show_existing(connect(data_dir), template_or_stack, name, end)
        return
    if name is not None:
        raise Refusal(
            f"{template_or_stack} is a template: a change set ({name}) is named with a stack"
        )
    request = preview_request(
        template_or_stack, stack, config, parameter or (), tag or (), capability or (),
        role_arn=role, nested=nested, keep=keep,
    )  # fmt: skip
    where = cloudformation_endpoint(data_dir, endpoint, region, profile)
    try:
        with previewed(where, request, s3_bucket) as preview:
            text = preview_text(preview, full=full)
            end.show(document(preview), text)
    except ClientError as error:
        raise Refusal(f"{where.name}: {error}{_hint(error, where)}") from error
    except BotoCoreError as error:
        if where.own is not None:
            raise
        raise Refusal(f"{where.name}: {error}") from error
    end.judge(list(preview.change_sets))


def _hint(error: ClientError, where: CloudFormationEndpoint) -> str:
    """Say what is wrong where Penstock's own key was sent to somebody else."""
    if error.response["Error"]["Code"] not in _UNKNOWN_KEY or where.own is not None:
        return ""
    if "AWS_ENDPOINT_URL" not in os.environ:
        return ""
    return "; the key in this shell's variables is Penstock's: give --profile, or use another shell"


@dataclass(frozen=True, slots=True)
class _End:
    """How what was found is printed, and what the exit code is."""

    as_json: bool
    full: bool
    fails_on_replacement: bool

    def show(self, found: Any, text: Any) -> None:
        if self.as_json:
            print(json.dumps(found, indent=2))
        else:
            Console(width=WIDTH, highlight=False).print(text)

    def judge(self, change_sets: list[ReviewedChangeSet]) -> None:
        ends = endings(change_sets)
        if self.fails_on_replacement and ends:
            print(f"penstock: {ends} (--fail-on-replacement)", file=sys.stderr)
            raise typer.Exit(_ENDING)


def _show_existing(connection: Connection, stack: str, name: str | None, end: _End) -> None:
    found = read(connection, stack, name or _newest(connection, stack))
    shown = msgspec.convert(found, ReviewedChangeSet)
    end.show(found, change_set_text(shown, full=end.full))
    end.judge([shown])


def read(connection: Connection, stack: str, name_or_arn: str) -> Any:
    """Return the change set as the server describes it for review."""
    key = "arn" if name_or_arn.startswith("arn:") else "name"
    return ask(connection, CHANGE_SETS_PATH, {"stack": stack, key: name_or_arn})


def _newest(connection: Connection, stack: str) -> str:
    cloudformation = connection.client("cloudformation")
    pages = cloudformation.get_paginator("list_change_sets").paginate(StackName=stack)
    found = [each for page in pages for each in page["Summaries"]]
    if not found:
        [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        if executed := described.get("ChangeSetId"):
            return str(executed)
        raise Refusal(
            f"the stack {stack} has no change set; see what a template would change: "
            f"penstock changeset FILE --stack {stack}"
        )
    return str(max(found, key=lambda each: each["CreationTime"])["ChangeSetId"])
