"""What `--help` tells of each command."""

import pytest
from typer.testing import CliRunner

from penstock.cli.application import app


@pytest.mark.parametrize(
    ("command", "default"),
    [
        ("status", "(all)"),
        ("logs", "(what ran last)"),
        ("env", "(~/.penstock/data)"),
        ("serve", "(its default socket)"),
        ("serve", "(in the data directory)"),
        ("serve", "(one of 127.0.0.0/8 each)"),
    ],
)
def test_help_tells_the_default_of_what_is_left_out(command: str, default: str) -> None:
    """Locks: `[default: …]` within a help text was taken for markup and not shown."""
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "160"}).output
    assert f"[default: {default}]" in " ".join(shown.replace("│", " ").split())
