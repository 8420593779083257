"""What `--help` tells of each command, and what is told of a file that cannot be read."""

import pytest
from typer.testing import CliRunner

from penstock.cli import application
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


def test_a_file_that_cannot_be_read_is_named_without_a_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Locks: `[Errno 2] No such file or directory: 'nope.yml'`."""

    def missing() -> None:
        raise FileNotFoundError(2, "No such file or directory", "nope.yml")

    monkeypatch.setattr(application, "app", missing)
    with pytest.raises(SystemExit) as ended:
        application.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "penstock: nope.yml: No such file or directory\n"
