import os
import sys

import pytest

from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.refusal import Refusal


def run(terminal, tmp_path, code):
    return terminal.run(
        ["python", "-c", code], sys.executable, directory=tmp_path, environment=os.environ
    )


def test_a_command_is_printed_before_it_runs_and_its_output_returned(tmp_path, capsys):
    terminal = Terminal()
    assert run(terminal, tmp_path, "import os; print(os.getcwd())") == f"{tmp_path}\n"
    assert capsys.readouterr().out == "$ python -c 'import os; print(os.getcwd())'\n"


def test_a_failed_command_says_what_it_said(tmp_path):
    with pytest.raises(Refusal, match=r"python -c .*failed \(3\):\nAccessDenied"):
        run(Terminal(), tmp_path, "import sys; sys.stderr.write('AccessDenied'); sys.exit(3)")


def test_a_steps_time_is_remembered_only_when_it_succeeds(capsys):
    terminal = Terminal()
    with terminal.step("First"):
        pass
    with pytest.raises(Refusal), terminal.step("Second"):
        raise Refusal("no")
    assert [title for title, _ in terminal.steps] == ["First"]
    assert "== Second" in capsys.readouterr().out
