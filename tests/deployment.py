"""What a user does to deploy: the example's templates with `aws cloudformation deploy`, two pushed
repositories, and what they then watch: the stack, its URL, its containers."""

import json
import shutil
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.delivery import commit_files, push, wait_for_execution
from tests.server_process import ServerProcess

EXAMPLES = Path(__file__).parents[1] / "examples"
REPOSITORIES = ("todobackend", "todobackend-aws")
PIPELINE_STACK = "todobackend-pipeline"
STACK = "todobackend"


def deploy(
    server: ServerProcess, template: Path, stack: str, *options: str, check: bool = True
) -> Any:
    """`aws cloudformation deploy`, as a user runs it."""
    done = server.aws(
        "cloudformation",
        "deploy",
        f"--template-file={template}",
        f"--stack-name={stack}",
        "--capabilities=CAPABILITY_NAMED_IAM",
        *options,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr + events(server, stack)
    return done


def stack(server: ServerProcess, name: str = STACK) -> dict[str, Any]:
    """The stack as DescribeStacks tells it."""
    found = server.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return dict(found[0])


def outputs(server: ServerProcess, name: str = STACK) -> dict[str, str]:
    """The stack's outputs by name."""
    return {o["OutputKey"]: o["OutputValue"] for o in stack(server, name).get("Outputs", [])}


def resources(server: ServerProcess, name: str = STACK) -> dict[str, dict[str, Any]]:
    """The stack's resources by logical id."""
    answer = server.client("cloudformation").describe_stack_resources(StackName=name)
    return {r["LogicalResourceId"]: r for r in answer["StackResources"]}


def events(server: ServerProcess, name: str = STACK) -> str:
    """The stack's events as text, oldest first."""
    answer = server.client("cloudformation").describe_stack_events(StackName=name)
    return "\n".join(
        f"{e['LogicalResourceId']} {e['ResourceStatus']} {e.get('ResourceStatusReason', '')}"
        for e in reversed(answer["StackEvents"])
    )


def wait_for_stack(
    server: ServerProcess, name: str, *statuses: str, seconds: float = 180
) -> dict[str, Any]:
    """Wait until the stack has one of the statuses; return it."""
    deadline = time.monotonic() + seconds
    found: dict[str, Any] = {}
    while time.monotonic() < deadline:
        found = stack(server, name)
        if found["StackStatus"] in statuses:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{name} is {found.get('StackStatus')}\n{events(server, name)}")


def read_json(url: str) -> Any:
    """The JSON document at a URL."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def service_containers(server: ServerProcess) -> dict[str, str]:
    """Engine id → image digest's reference, of every running container of an ECS task."""
    listed = subprocess.run(
        [
            "docker", "container", "ls", "--no-trunc", "--format", "{{.ID}} {{.Image}}",
            "--filter", f"label=penstock.instance={server.instance_id}",
            "--filter", "label=penstock.kind=ecs",
        ],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    found = dict(line.split(" ", 1) for line in listed.stdout.splitlines())
    return {id: image for id, image in found.items() if "penstock/" not in image}


@dataclass
class Delivery:
    """The example, delivered: working trees and the pipeline's stack."""

    server: ServerProcess
    application: Path
    deployment: Path

    @classmethod
    def begin(cls, server: ServerProcess, directory: Path) -> "Delivery":
        """Push both repositories and deploy pipeline.yml, which starts the first execution."""
        for name in REPOSITORIES:
            shutil.copytree(EXAMPLES / name, directory / name)
            commit_files(directory / name, {})
            server.aws("codecommit", "create-repository", "--repository-name", name)
            push(server, directory / name, name)
        deploy(server, EXAMPLES / "todobackend-aws" / "pipeline.yml", PIPELINE_STACK)
        return cls(server, directory / "todobackend", directory / "todobackend-aws")

    def release(
        self, files: dict[str, str], message: str = "change", repository: str = "todobackend"
    ) -> tuple[str, dict[str, Any]]:
        """Push a commit with `files`; return its id and the ended execution."""
        tree = self.application if repository == "todobackend" else self.deployment
        commit = commit_files(tree, files, message)
        push(self.server, tree, repository)
        execution = wait_for_execution(self.server, STACK, commit=commit, seconds=600)
        return commit, execution

    def version(self) -> dict[str, str]:
        """What the development stack says that it runs: `version` and `nonce`."""
        return dict(read_json(outputs(self.server)["PublicURL"] + "version"))
