"""A server that dies where it is told to, as often as it is told to, and is started again."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError

from tests.faults.crashing_server import REPORT, VARIABLE
from tests.server_process import ServerProcess


@dataclass
class MortalServer:
    """Its command is `tests.faults.crashing_server`."""

    server: ServerProcess
    deaths: list[str] = field(default_factory=list, kw_only=True)
    """Where the server died in the last `survive`."""

    def said(self) -> str:
        """What to show of a server that did not come to an end."""
        return ""

    def start(self, crashes: Sequence[str] = ()) -> None:
        """Start the server anew, to die at the first of these places; it may at once."""
        if self.server.running:
            self.server.stop()
        self._report.unlink(missing_ok=True)
        environment = {VARIABLE: " ".join(crashes), REPORT: str(self._report)}
        try:
            self.server.start(**environment)
        except RuntimeError:
            if self.server.running or not self._report.exists():
                raise

    @property
    def _report(self) -> Path:
        return self.server.data_dir.parent / "crashed"

    def survive(
        self,
        crashes: Sequence[str],
        begin: Callable[[], None],
        ended: Callable[[], bool],
        seconds: float = 480,
        while_dead: Callable[[], None] = lambda: None,
        first: str | None = None,
        late: str | None = None,
    ) -> list[str]:
        """Begin something, have the server die at each place, whichever comes first (but after
        `first`, where given, and at `late` not the first time); return the places that were not
        reached when it had ended."""
        left = [first, *crashes] if first else list(crashes)
        self.start(left[:1] if first else [place for place in left if place != late])
        self.deaths, begun = [], False
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.server.running:
                died = self._report.read_text()
                self.deaths.append(died)
                left.remove(died)
                while_dead()
                self.start(left)
                continue
            try:
                if not begun:
                    begin()
                    begun = True
                elif ended():
                    return left
            except (BotoCoreError, OSError, AssertionError):
                if self.server.wait_until_dead(10) != -9:
                    raise
            time.sleep(0.2)
        raise AssertionError(
            f"did not end in {seconds} s, died at {self.deaths}\n"
            f"{self.said()}\n{self.server.log()[-6000:]}"
        )
