"""The command line: its table of commands, and how what goes wrong is said."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from penstock import __version__
from penstock.cli.approve import approve
from penstock.cli.changeset import changeset
from penstock.cli.connection import explain
from penstock.cli.connections import connection
from penstock.cli.console import console
from penstock.cli.demo import demo
from penstock.cli.down import down
from penstock.cli.env import env
from penstock.cli.history import history
from penstock.cli.logs import logs
from penstock.cli.refusal import Refusal
from penstock.cli.reject import reject
from penstock.cli.serve import serve
from penstock.cli.status import status
from penstock.cli.volume import volume
from penstock.errors import EngineError
from penstock.pipelines.review_words import legible
from penstock.storage.data_directory import DataDirectoryLocked

app = typer.Typer(
    name="penstock",
    help="Continuous delivery on your own machines, in AWS's own formats.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: dict[str, Callable[..., None]] = {
    "serve": serve,
    "env": env,
    "status": status,
    "logs": logs,
    "history": history,
    "approve": approve,
    "reject": reject,
    "changeset": changeset,
    "console": console,
    "demo": demo,
    "down": down,
}

GROUPS: dict[str, typer.Typer] = {"connection": connection, "volume": volume}

for _name, _function in COMMANDS.items():
    app.command(_name)(_function)
for _name, _group in GROUPS.items():
    app.add_typer(_group, name=_name)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"penstock {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; what goes wrong is one line on stderr and exit code 1 or 2."""
    try:
        app()
    except Refusal as refusal:
        print(f"penstock: {legible(str(refusal))}", file=sys.stderr)
        sys.exit(refusal.exit_code)
    except (BotoCoreError, ClientError) as error:
        print(f"penstock: {legible(explain(error))}", file=sys.stderr)
        sys.exit(1)
    except (EngineError, DataDirectoryLocked) as error:
        print(f"penstock: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        named = error.filename is not None and error.strerror
        words = f"{error.filename}: {error.strerror}" if named else str(error)
        print(f"penstock: {words}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
