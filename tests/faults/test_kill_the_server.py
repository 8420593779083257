"""SIGKILL the server around every kind of effect of a push, start it again, and compare.

Whatever the moment: one execution per push, the commands ran once in one container, the
artifact is there, the execution ends as it would have, and the engine holds nothing more
than the registry. What Docker itself reports counts, not what the server says.
"""

import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.delivery import (
    action_states,
    build_action,
    commit_files,
    create_foundations,
    create_project,
    executions,
    git,
    pipeline,
    source_action,
    wait_for_execution,
)
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.docker, pytest.mark.faults, pytest.mark.timeout(300)]

SPEC = """version: 0.2
env:
  exported-variables: [RUNS]
phases:
  install:
    commands: [echo install >> runs.txt]
  pre_build:
    commands: [echo pre_build >> runs.txt]
  build:
    commands:
      - echo build >> runs.txt
      - sleep 1
  post_build:
    commands:
      - echo post_build >> runs.txt
      - RUNS=$(wc -l < runs.txt)
artifacts:
  files: [runs.txt]
"""

HEADS = "penstock.repositories.hosting:Repositories.compare"
EXECUTION = "penstock.storage.pipeline_executions:insert"
UPLOAD = "penstock.services.s3:Objects.put"
ACTION = "penstock.storage.action_executions:insert"
ACTION_END = "penstock.storage.action_executions:finish"
BUILD = "penstock.storage.builds:insert"
PHASE = "penstock.storage.builds:update"
PREPARE = "penstock.containers.docker_runner:DockerRunner.prepare"
LAUNCH = "penstock.containers.docker_runner:DockerRunner.launch"
REMOVE = "penstock.containers.docker_runner:DockerRunner.remove"

CRASHES = [
    f"{HEADS}:before:2",  # the first is the start-up comparison
    f"{HEADS}:after:2",
    f"{EXECUTION}:before:1",
    f"{EXECUTION}:committed:1",
    f"{ACTION}:committed:1",
    f"{UPLOAD}:before:1",
    f"{UPLOAD}:after:1",
    f"{ACTION_END}:before:1",
    f"{ACTION_END}:committed:1",
    f"{BUILD}:before:1",
    f"{BUILD}:committed:1",
    f"{PREPARE}:before:1",
    f"{PREPARE}:after:1",
    f"{LAUNCH}:before:1",
    f"{LAUNCH}:after:1",
    *(f"{PHASE}:{moment}:{n}" for n in range(1, 9) for moment in ("before", "committed")),
    f"{UPLOAD}:before:2",
    f"{UPLOAD}:after:2",
    f"{REMOVE}:before:1",
    f"{REMOVE}:after:1",
    f"{ACTION_END}:before:2",
    f"{ACTION_END}:committed:2",
]


@dataclass
class Plant:
    """A server with a pipeline over one repository; it may be killed and started again."""

    server: ServerProcess
    tree: Path

    def push(self, commit: str) -> bool:
        """Push as a client that retries when the server dies before answering.

        Return whether it did; the server runs again then.
        """
        for attempt in range(2):
            if not self.server.running:
                self.server.start()
            done = subprocess.run(
                ["git", "push", "-q", self.server.git_url("plant"), "HEAD:refs/heads/main"],
                cwd=self.tree,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                return attempt == 1
            assert self.server.wait_until_dead(10) == -9, done.stderr
        raise AssertionError(f"{commit} could not be pushed: {done.stderr}")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    place = tmp_path_factory.mktemp("plant")
    server = ServerProcess(
        place / "data", command=(sys.executable, "-m", "tests.faults.crashing_server")
    )
    server.start()
    create_foundations(server)
    server.client("codecommit").create_repository(repositoryName="plant")
    create_project(server, "plant")
    plant = Plant(server, place / "tree")
    commit = commit_files(plant.tree, {"buildspec.yml": SPEC})
    plant.push(commit)
    server.client("codepipeline").create_pipeline(
        pipeline=pipeline("plant", [source_action("plant", "App")], build_action("plant", "App"))
    )
    assert wait_for_execution(server, "plant")["status"] == "Succeeded"
    server.stop()
    yield plant
    if server.running:
        server.kill()
    server.remove_engine_objects()


@pytest.mark.parametrize("crash", CRASHES)
def test_a_killed_server_goes_on_where_it_was(plant: Plant, crash: str) -> None:
    server = plant.server
    if server.running:  # an earlier crash was never reached, and its test failed
        server.kill()
    began = time.time()
    commit = commit_files(plant.tree, {"marker": crash}, crash)
    server.start(PENSTOCK_TEST_CRASH=crash)
    before = {e["pipelineExecutionId"] for e in executions(server, "plant")}
    if not plant.push(commit):
        assert server.wait_until_dead(60) == -9, f"{crash} was never reached"
        server.start()

    execution = wait_for_execution(server, "plant", commit=commit, seconds=90)
    assert execution["status"] == "Succeeded", server.penstock("logs").stdout
    made = {e["pipelineExecutionId"] for e in executions(server, "plant")} - before
    assert made == {execution["pipelineExecutionId"]}
    assert git(plant.tree, "ls-remote", server.git_url("plant"), "main").split()[0] == commit

    assert artifact(server, execution["pipelineExecutionId"]) == [
        "install",
        "pre_build",
        "build",
        "post_build",
    ]
    build_id = action_states(server, "plant")["Build"]["externalExecutionId"]
    assert starts(server, build_id, began) == 1, "the build's container ran once"
    build = server.client("codebuild").batch_get_builds(ids=[build_id])["builds"][0]
    assert {v["name"]: v["value"].strip() for v in build["exportedEnvironmentVariables"]} == {
        "RUNS": "4"
    }
    assert nothing_left(server)
    server.stop()


def artifact(server: ServerProcess, execution_id: str) -> list[str]:
    """The lines that the build's commands wrote, from the artifact in the bucket."""
    details = server.client("codepipeline").list_action_executions(
        pipelineName="plant", filter={"pipelineExecutionId": execution_id}
    )["actionExecutionDetails"]
    assert sorted(d["actionName"] for d in details) == ["App", "Build"], "each action ran once"
    build = next(d for d in details if d["actionName"] == "Build")
    place = build["output"]["outputArtifacts"][0]["s3location"]
    body = server.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.read("runs.txt").decode().split()


def starts(server: ServerProcess, build_id: str, since: float) -> int:
    """How often Docker started the build's own container, by Docker's events."""
    listed = subprocess.run(
        [
            *("docker", "events", "--since", str(int(since)), "--until", str(int(time.time()) + 1)),
            *("--filter", "event=start", "--format", "{{json .Actor.Attributes}}"),
            *("--filter", f"label=penstock.task={build_id.split(':')[1]}"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in listed.stdout.splitlines()]
    return sum(1 for each in found if not each["name"].endswith("-sandbox"))


def nothing_left(server: ServerProcess) -> bool:
    """Wait for the last removals; tell whether only the instance's helpers are on the engine."""
    name = f"penstock-{server.instance_id}"
    helpers = {f"container {name}-{helper}" for helper in ("registry", "mirror")}
    expected = helpers | {f"network {name}", f"volume {name}-registry"}
    deadline = time.monotonic() + 15
    while (left := server.engine_objects()) - expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left - expected == set()
    return True
