"""Where a demo lives: a server's data directory, with the demo's own files inside it.

DIR/demo/server.json   which process serves it; also marks DIR as a demo's, to be removed
DIR/demo/server.log    what the server prints
DIR/demo/trees/        working trees of the two example repositories
"""

import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from penstock.cli.refusal import Refusal

REPOSITORIES = ("todobackend", "todobackend-aws")


@dataclass(frozen=True, slots=True)
class Place:
    """The paths of one demo; `root` is its server's data directory."""

    root: Path

    @property
    def files(self) -> Path:
        """The demo's own directory inside the data directory."""
        return self.root / "demo"

    @property
    def marker(self) -> Path:
        """The file that marks the directory as a demo's."""
        return self.files / "server.json"

    @property
    def server_log(self) -> Path:
        """What the server prints."""
        return self.files / "server.log"

    def tree(self, repository: str) -> Path:
        """The working tree of one example repository."""
        return self.files / "trees" / repository

    @property
    def exists(self) -> bool:
        """Whether a demo was started here and not removed."""
        return self.marker.exists()

    def check_free(self) -> None:
        """Raise Refusal when the directory holds something that is not a demo's."""
        if not self.exists and self.root.is_dir() and any(self.root.iterdir()):
            raise Refusal(
                f"{self.root} holds something that is not a demo's; choose another --data-dir"
            )


def examples_directory() -> Path:
    """Return where the example repositories are: beside the sources, or installed."""
    candidates = [
        Path(__file__).parents[4] / "examples",
        Path(sysconfig.get_path("data")) / "share" / "penstock" / "examples",
        Path(sys.prefix) / "share" / "penstock" / "examples",
    ]
    for candidate in candidates:
        if all((candidate / name).is_dir() for name in REPOSITORIES):
            return candidate
    raise Refusal(f"the examples are not at any of: {', '.join(map(str, candidates))}")
