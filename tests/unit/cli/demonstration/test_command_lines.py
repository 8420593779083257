"""Commands as the demo prints them: to be copied into a shell, and read in 80 columns."""

import shlex
from pathlib import Path

import pytest

from penstock.cli.demonstration.terminal import command_lines

DEPLOY = [
    *("aws", "cloudformation", "deploy", "--stack-name", "todobackend-pipeline"),
    *("--template-file", "pipeline.yml", "--capabilities", "CAPABILITY_IAM"),
]


@pytest.mark.parametrize(
    "command",
    [
        DEPLOY,
        ["git", "push", "--quiet"],
        ["aws", "x", "--query", "Outputs[?OutputKey=='PublicURL'].OutputValue"],
        ["aws", "x", "--query", "it's $HOME and `this`"],
        ["aws", "x", "--result", "status=Approved,summary=First release"],
        ["python3", "add-stage.py", "a.json", "b.json", "A=" + "x" * 90, "B=" + "y" * 90],
    ],
)
def test_what_is_printed_is_the_command(command: list[str]) -> None:
    lines = command_lines(command)
    assert lines[0].startswith("$ ")
    typed = "\n".join(lines).removeprefix("$ ").replace("\\\n", "")  # as a shell joins them
    assert shlex.split(typed) == command


def test_a_long_command_is_broken_between_its_options() -> None:
    assert command_lines(DEPLOY) == [
        "$ aws cloudformation deploy --stack-name todobackend-pipeline \\",
        "      --template-file pipeline.yml --capabilities CAPABILITY_IAM",
    ]


def test_the_file_that_gets_the_output_stands_last() -> None:
    assert command_lines(["aws", "x"], Path("../pipeline.json")) == ["$ aws x > ../pipeline.json"]


def test_apostrophes_stay_readable() -> None:
    assert command_lines(["aws", "O[?K=='P']"]) == ["$ aws \"O[?K=='P']\""]
