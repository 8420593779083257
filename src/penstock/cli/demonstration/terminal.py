"""What the demo prints: steps with their times, and each command before it runs."""

import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from penstock.cli.refusal import Refusal


class Terminal:
    """Prints to stdout; remembers how long each step took."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self.steps: list[tuple[str, float]] = []

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line as it is."""
        self._console.print(Text(text, style))

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print a heading, then how long the step took."""
        self.line()
        self.line(f"== {title}", "bold")
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        self.steps.append((title, seconds))
        self.line(f"   {seconds:.1f} s", "dim")

    def run(
        self,
        command: Sequence[str],
        program: str,
        *,
        directory: Path,
        environment: Mapping[str, str],
    ) -> str:
        """Print `command`, run it with `program` as its executable, and return its output.

        Raises Refusal with the program's own words when it fails.
        """
        self.line(f"$ {shlex.join(command)}", "cyan")
        done = subprocess.run(
            [program, *command[1:]],
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
        return done.stdout
