"""From a push to the answer of the new version, beside a shell script of the same steps.

    python -m benchmarks.push_to_deployed [rounds]

Penstock: git push → source → build (unit, integration and acceptance tests, image, push) → stack
update → two versions behind the load balancer → the old one drained. The script: git clone, the
same docker builds, tests and push to a registry on this host, then `docker run` of the new
container and `docker rm` of the old one, with no load balancer and no drain. Both start with the
base image and warm layer caches; both are done when the URL answers with the pushed nonce.
"""

import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.delivery import commit_files, push, wait_for_execution
from tests.deployment import STACK, Delivery, outputs, read_json
from tests.server_process import ServerProcess, free_port

_SCRIPT = """
set -eu
rm -rf "$WORK/clone" && git clone -q "$REPOSITORY" "$WORK/clone" && cd "$WORK/clone"
TAG=127.0.0.1:$REGISTRY_PORT/todobackend:$(git rev-parse --short HEAD)
docker build -q --target test -t $NAME-test . >/dev/null
docker run --rm $NAME-test >/dev/null 2>&1
docker build -q --target release -t $TAG . >/dev/null
docker network create $NAME-tests >/dev/null
docker run -d --name $NAME-app --network $NAME-tests --network-alias app $TAG >/dev/null
until docker exec $NAME-app python3 /app/todobackend.pyz health 2>/dev/null; do sleep 0.2; done
for kind in integration acceptance; do
    docker run --rm --network $NAME-tests -e TODO_URL=http://app:8000 $NAME-test \
        python3 -m unittest discover --start-directory tests/$kind >/dev/null 2>&1
done
docker rm -f -v $NAME-app >/dev/null && docker network rm $NAME-tests >/dev/null
docker push -q $TAG >/dev/null
docker rm -f -v $NAME-live >/dev/null 2>&1 || true
docker run -d --name $NAME-live -p 127.0.0.1:$PORT:8000 $TAG >/dev/null
"""


def _answers(url: str, nonce: str) -> bool:
    try:
        return bool(read_json(url)["nonce"] == nonce)
    except OSError:
        return False


def _until(url: str, nonce: str, started: float) -> float:
    while not _answers(url, nonce):
        if time.monotonic() - started > 600:
            raise SystemExit(f"{url} never answered with {nonce}")
        time.sleep(0.05)
    return time.monotonic() - started


class _Script:
    """The shell script's world: a bare repository, a registry, one live container."""

    def __init__(self, directory: Path, tree: Path, registry_image: str) -> None:
        self.directory = directory
        self.name = f"penstock-bench-{secrets.token_hex(3)}"
        self.repository = directory / "bare.git"
        subprocess.run(["git", "clone", "-q", "--bare", tree, self.repository], check=True)
        self.tree, self.port, self.registry_port = tree, free_port(), free_port()
        command = ["docker", "run", "-d", "--name", f"{self.name}-registry", "--network", "host"]
        command += ["-e", f"REGISTRY_HTTP_ADDR=127.0.0.1:{self.registry_port}"]
        configuration = directory / "registry.yml"
        configuration.write_text(
            "version: 0.1\nstorage: {filesystem: {rootdirectory: /tmp/registry}}\n"
            f"http: {{addr: '127.0.0.1:{self.registry_port}'}}\n"
        )
        command += ["-v", f"{configuration}:/registry.yml:ro", "--entrypoint", "docker-registry"]
        command += [registry_image, "serve", "/registry.yml"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def release(self, nonce: str) -> float:
        """Push the tree's commit to the bare repository and run the script."""
        started = time.monotonic()
        subprocess.run(["git", "push", "-q", self.repository, "main"], cwd=self.tree, check=True)
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "WORK": str(self.directory),
            "REPOSITORY": str(self.repository),
            "REGISTRY_PORT": str(self.registry_port),
            "PORT": str(self.port),
            "NAME": self.name,
        }
        subprocess.run(["sh", "-c", _SCRIPT], env=environment, check=True)
        return _until(f"http://127.0.0.1:{self.port}/version", nonce, started)

    def close(self) -> None:
        """Remove its containers."""
        for part in ("live", "registry", "app"):
            subprocess.run(
                ["docker", "rm", "-f", "-v", f"{self.name}-{part}"],
                capture_output=True,
                check=False,
            )


def _penstock(delivery: Delivery, url: str, nonce: str) -> tuple[float, float]:
    """Return seconds until the new version answers, and until the execution has ended."""
    commit = commit_files(delivery.application, {"NONCE": nonce + "\n"}, f"nonce {nonce}")
    started = time.monotonic()
    push(delivery.server, delivery.application, "todobackend")
    answered = _until(url, nonce, started)
    execution = wait_for_execution(delivery.server, STACK, commit=commit, seconds=600)
    if execution["status"] != "Succeeded":
        raise SystemExit(f"the execution ended as {execution['status']}")
    return answered, time.monotonic() - started


def _image(repository: str) -> str:
    listed = subprocess.run(
        ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return listed[0]


def main(rounds: int) -> None:
    """Print the medians of both and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = ServerProcess(directory / "data")
        server.start()
        script: _Script | None = None
        try:
            (directory / "trees").mkdir()
            delivery = Delivery.begin(server, directory / "trees")
            wait_for_execution(server, STACK, seconds=900)
            url = outputs(server)["PublicURL"] + "version"
            subprocess.run(
                ["docker", "tag", _image("penstock/python"), "python:3.11-slim"], check=True
            )
            tree = directory / "script"
            shutil.copytree(delivery.application, tree)
            script = _Script(directory, tree, _image("penstock/registry"))
            nonce = secrets.token_hex(8)
            commit_files(tree, {"NONCE": nonce + "\n"})
            script.release(nonce)  # warms its layer cache, as the first execution did ours
            ours, ended, raw = [], [], []
            for _ in range(rounds):
                answered, done = _penstock(delivery, url, secrets.token_hex(8))
                ours.append(answered)
                ended.append(done)
                nonce = secrets.token_hex(8)
                commit_files(tree, {"NONCE": nonce + "\n"})
                raw.append(script.release(nonce))
            mine, theirs = statistics.median(ours), statistics.median(raw)
            print(f"shell script, push to answer:   {theirs:6.1f} s  ({_range(raw)})")
            print(f"penstock, push to answer:       {mine:6.1f} s  ({_range(ours)})")
            print(f"penstock, until all is drained: {statistics.median(ended):6.1f} s")
            print(f"ratio, push to answer:          {mine / theirs:6.2f}")
        finally:
            if script is not None:
                script.close()
            server.stop()
            server.remove_engine_objects()


def _range(seconds: list[float]) -> str:
    return f"{min(seconds):.1f}-{max(seconds):.1f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
