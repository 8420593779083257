"""The demo's server: a process of its own that outlives the command that started it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from penstock.cli.demonstration.place import Place
from penstock.cli.refusal import Refusal

_START_SECONDS = 180
_STOP_SECONDS = 60


def choose_port(wanted: int) -> int:
    """Return `wanted`, or the next port that nothing listens on."""
    for port in range(wanted, min(wanted + 100, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Refusal(f"every port from {wanted} on is taken; choose another with --port")


def clean_environment() -> dict[str, str]:
    """Return this process's environment without AWS settings: no real account is touched."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def start(place: Place, port: int) -> None:
    """Start the server and wait until it is ready; raise Refusal with its words if it fails."""
    place.files.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "penstock", "serve"]
    command += ["--data-dir", str(place.root), "--port", str(port)]
    with place.server_log.open("ab") as log:
        process = subprocess.Popen(
            command,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    place.marker.write_text(json.dumps({"pid": process.pid, "port": port}) + "\n")
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if _healthy(port):
            return
        time.sleep(0.1)
    said = place.server_log.read_text(errors="replace").splitlines()[-15:]
    raise Refusal("the server did not become ready; it said:\n" + "\n".join(said))


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_penstock/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def stop(place: Place) -> bool:
    """Stop the demo's server if it runs; return whether it did."""
    pid = running_pid(place)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while running_pid(place) is not None:
        if time.monotonic() > deadline:
            raise Refusal(f"the server (process {pid}) did not stop in {_STOP_SECONDS} seconds")
        time.sleep(0.1)
    return True


def running_pid(place: Place) -> int | None:
    """Return the server's process id; None when that process is gone or is something else."""
    try:
        pid = int(json.loads(place.marker.read_text())["pid"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    state, command = _process(pid)
    if state in ("", "Z") or f"--data-dir {place.root}" not in command:
        return None
    return pid


def _process(pid: int) -> tuple[str, str]:
    """Return a process's state letter and command line; both "" when it is gone."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            state = (proc / str(pid) / "stat").read_text().rpartition(") ")[2][:1]
            return state, (proc / str(pid) / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            return "", ""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "state=,command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    state, _, command = listed.strip().partition(" ")
    return state[:1], command
