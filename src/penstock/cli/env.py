"""`penstock env`: point AWS's own tools at the server: eval "$(penstock env --data-dir DIR)"."""

import os
import shlex
from collections.abc import Mapping

from penstock.cli.connection import Connection, DataDir, directory, from_data_dir


def env(data_dir: DataDir = None) -> None:
    """Print `export` lines for the shell: the server's address and root's access key."""
    connection = from_data_dir(directory(data_dir))
    print("\n".join(lines(connection, os.environ)))


def lines(connection: Connection, environment: Mapping[str, str]) -> list[str]:
    """Return the shell's lines; what other credentials left behind would void these.

    A session token goes with no key of ours, and version 2 of the `aws` command prefers
    AWS_REGION to AWS_DEFAULT_REGION.
    """
    exports = [
        f"export {name}={shlex.quote(value)}" for name, value in connection.environment().items()
    ]
    stale = [
        name for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION") if name in environment
    ]
    return exports + [f"unset {name}" for name in stale]
