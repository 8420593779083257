"""Serve the API, or ask a running one whether it is well.

Environment: TODO_DATABASE (the SQLite file), TODO_PORT (8000), TODO_RELEASE (the directory
of VERSION and NONCE).
"""

import os
import signal
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

from todobackend.release import read_release
from todobackend.store import Store
from todobackend.web import TodoServer


def main(arguments: list[str]) -> int:
    """Run one of `serve` and `health`; return the exit code."""
    port = int(os.environ.get("TODO_PORT", "8000"))
    match arguments:
        case [] | ["serve"]:
            return serve(port)
        case ["health"]:
            return health(port)
    print("usage: todobackend [serve | health]", file=sys.stderr)
    return 2


def serve(port: int) -> int:
    """Serve until SIGTERM or SIGINT."""
    store = Store(Path(os.environ.get("TODO_DATABASE", "todo.sqlite3")))
    release = read_release(Path(os.environ.get("TODO_RELEASE", ".")))
    server = TodoServer(("0.0.0.0", port), store, release)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"todobackend {release['version']} on port {port}", flush=True)
    server.serve_forever()
    server.server_close()
    return 0


def health(port: int) -> int:
    """Return 0 when the server on this machine answers that it is well."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return 0 if answer.status == 200 else 1
    except urllib.error.URLError as error:
        print(f"not well: {error}", file=sys.stderr)
        return 1


def run() -> None:
    """Run as a program."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
