"""A real `penstock serve` in a process of its own, for tests that meet it from outside.

Started as a user starts it; ended with SIGTERM or, where a test says so, with SIGKILL. What
it leaves on the engine is found by its instance's label and removed at the end.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

START_SECONDS = 60


def free_port() -> int:
    """Return a port of the loopback address that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class ServerProcess:
    """One server on one data directory; may be started again after it was stopped or killed."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    command: Sequence[str] = (sys.executable, "-m", "penstock")
    process: subprocess.Popen[bytes] | None = None
    options: Sequence[str] = ()

    def start(self, **environment: str) -> "ServerProcess":
        """Start and wait until the health page answers."""
        path = self.data_dir.parent / f"{self.data_dir.name}.server.log"
        with path.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(*self.command, "serve", f"--data-dir={self.data_dir}"),
                    *(f"--port={self.port}", *self.options),
                ],
                env={**os.environ, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/_penstock/health", timeout=2) as answer:
                    if json.load(answer)["status"] == "ok":
                        return self
            except (OSError, http.client.HTTPException):  # it may end while it answers
                time.sleep(0.1)
        raise RuntimeError(f"the server did not become ready:\n{self.log()[-4000:]}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def instance_id(self) -> str:
        return (self.data_dir / "instance-id").read_text().strip()

    def log(self) -> str:
        """Return what the server has printed so far."""
        path = self.data_dir.parent / f"{self.data_dir.name}.server.log"
        return path.read_text(errors="replace")

    def stop(self) -> int:
        """SIGTERM, and return the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """SIGKILL: the crash that loses nothing acknowledged."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def wait_until_dead(self, seconds: float) -> int:
        """Wait for a crash that the server was told to have; return the exit status."""
        assert self.process is not None
        return self.process.wait(seconds)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def credentials(self) -> dict[str, str]:
        """The root credentials, as `penstock env` finds them."""
        return dict(json.loads((self.data_dir / "root-credentials.json").read_text()))

    @property
    def environment(self) -> dict[str, str]:
        """What a user's shell has after `eval "$(penstock env)"`."""
        credentials = self.credentials
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCOUNT_ID": "123456789012",
            "AWS_PAGER": "",
        }

    def client(self, service: str, **credentials: Any) -> Any:
        """Return a boto3 client; root's unless keys are given."""
        root = self.credentials
        keys = credentials or {
            "aws_access_key_id": root["AccessKeyId"],
            "aws_secret_access_key": root["SecretAccessKey"],
        }
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 1}),
            **keys,
        )

    def aws(self, *arguments: str, check: bool = True) -> Any:
        """Run the unmodified `aws` CLI; return its JSON, or the completed process if unchecked."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("aws")), *arguments, "--output", "json"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if not check:
            return done
        assert done.returncode == 0, f"aws {' '.join(arguments)}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def penstock(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the `penstock` command as a user at an 80-column terminal."""
        done = subprocess.run(
            [*self.command, *arguments, "--data-dir", str(self.data_dir)],
            env={**self.environment, "COLUMNS": "80"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def git_url(self, repository: str) -> str:
        """A clone URL with root's access key in it."""
        credentials = self.credentials
        user = f"{credentials['AccessKeyId']}:{credentials['SecretAccessKey']}"
        return f"http://{user}@127.0.0.1:{self.port}/v1/repos/{repository}"

    def engine_objects(self, kinds: Sequence[str] = ("container", "volume", "network")) -> set[str]:
        """Return `kind name` of everything on the engine that carries this instance's label."""
        found: set[str] = set()
        for kind in kinds:
            name = "{{.Names}}" if kind == "container" else "{{.Name}}"
            listed = subprocess.run(
                [
                    "docker",
                    kind,
                    "ls",
                    *(["-a"] if kind == "container" else []),
                    "--filter",
                    f"label=penstock.instance={self.instance_id}",
                    "--format",
                    name,
                ],
                capture_output=True,
                text=True,
                check=True,
            )
            found |= {f"{kind} {line}" for line in listed.stdout.split()}
        return found

    def task_containers(self) -> set[str]:
        """Containers of this instance that belong to Tasks: not the registry, not the mirror."""
        helpers = tuple(f"penstock-{self.instance_id}-{name}" for name in ("registry", "mirror"))
        return {o for o in self.engine_objects(["container"]) if not o.endswith(helpers)}

    def remove_engine_objects(self) -> None:
        """Remove all of them, containers first."""
        for kind in ("container", "volume", "network"):
            for entry in sorted(self.engine_objects([kind])):
                force = ["-f", "-v"] if kind == "container" else ["-f"] if kind == "volume" else []
                subprocess.run(
                    ["docker", kind, "rm", *force, entry.split()[1]],
                    capture_output=True,
                    check=False,
                )
