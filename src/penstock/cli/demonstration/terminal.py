"""What the demo prints: steps with their times, and each command before it runs."""

import select
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from penstock.cli.layout import WIDTH
from penstock.cli.refusal import Refusal

_INDENT = "      "


class Terminal:
    """Prints to stdout; remembers how long each step took."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self.steps: list[tuple[str, float]] = []
        self.current = ""
        """The title of the step that runs, or ran last."""
        self._input_ended = False

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line as it is."""
        self._console.print(Text(text, style))

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print a heading, then how long the step took."""
        self.line()
        self.line(f"== {title}", "bold")
        self.current = title
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        self.steps.append((title, seconds))
        self.line(f"   {seconds:.1f} s", "dim")

    def run(
        self,
        command: Sequence[str],
        *program: str,
        directory: Path,
        environment: Mapping[str, str],
        into: Path | None = None,
    ) -> str:
        """Print `command`, run it with `program` in its first word's place, return its output.

        `into` is a file that gets the output, too, a path below `directory` or beside it. Raises
        Refusal with the program's own words when it fails.
        """
        for line in command_lines(command, into):
            self.line(line, "cyan")
        done = subprocess.run(
            [*program, *command[1:]],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise Refusal(f"{shlex.join(command[:3])} failed ({done.returncode}):\n{said}")
        if into is not None:
            (directory / into).write_text(done.stdout)
        return done.stdout

    def typed(self, seconds: float) -> str:
        """Return a line that the person typed within so many seconds; "" when none was."""
        if self._input_ended:
            time.sleep(seconds)
            return ""
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return ""
        line = sys.stdin.readline()
        self._input_ended = not line
        return line.strip()


def command_lines(command: Sequence[str], into: Path | None = None) -> list[str]:
    """Return the command as it can be typed, broken between its options at 80 columns."""
    words = [_quoted(word) for word in command]
    if into is not None:
        words += [">", str(into)]
    groups: list[str] = []
    for word in words:
        if groups and ((not word.startswith("-") and groups[-1].startswith("-")) or word == ">"):
            groups[-1] += f" {word}"
        else:
            groups.append(word)
    lines = ["$"]
    for group in groups:
        if len(lines[-1]) + len(group) + 1 > WIDTH - 2 and lines[-1] != "$":
            lines[-1] += " \\"
            lines.append(f"{_INDENT}{group}")
        else:
            lines[-1] += f" {group}"
    return lines


def _quoted(word: str) -> str:
    """Quote a word for the shell; one with apostrophes and nothing that "" expands in double."""
    if "'" in word and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)
