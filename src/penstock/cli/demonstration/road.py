"""The example's road, driven as a user drives it: git and the unmodified `aws` CLI."""

import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from penstock.cli.connection import Connection
from penstock.cli.demonstration.place import REPOSITORIES, Place, examples_directory
from penstock.cli.demonstration.server_process import clean_environment
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.refusal import Refusal

PIPELINE = "todobackend"
PIPELINE_STACK = "todobackend-pipeline"
DEVELOPMENT_STACK = "todobackend"
PRODUCTION_STACK = "todobackend-prod"
APPLICATION = "todobackend"
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Penstock demo"), ("EMAIL", "demo@example.com"))
}


class Road:
    """Builds the road on one server, printing each command that it runs."""

    def __init__(self, place: Place, connection: Connection, terminal: Terminal) -> None:
        self._place = place
        self._connection = connection
        self._terminal = terminal
        self._aws = find_aws()

    def aws(self, command: str, *, into: Path | None = None) -> str:
        """Run one `aws` command, given as a user would type it; return its output.

        `into` is a file that gets it, too, seen from the tree of todobackend-aws.
        """
        return self._run(["aws", *shlex.split(command)], self._aws, into=into)

    def penstock(self, command: str) -> str:
        """Run one `penstock` command on the demo's server; return its output."""
        program = [sys.executable, "-m", "penstock"]
        return self._run(["penstock", *shlex.split(command)], *program)

    def make_trees(self) -> None:
        """Copy the example repositories and commit them, ready to be pushed."""
        examples = examples_directory()
        for name in REPOSITORIES:
            tree = self._place.tree(name)
            shutil.copytree(
                examples / name, tree, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3")
            )
            url = f"{self._connection.endpoint_url}/v1/repos/{name}"
            self._git(name, "init", "--quiet", "--initial-branch", "main", shown=False)
            self._git(name, "config", "credential.helper", "", shown=False)
            self._git(
                name, "config", "--add", "credential.helper", self._credentials(), shown=False
            )
            self._git(name, "add", ".", shown=False)
            self._git(name, "commit", "--quiet", "-m", "Begin", shown=False)
            self._git(name, "remote", "add", "origin", url, shown=False)
            self._git(name, "config", "branch.main.remote", "origin", shown=False)
            self._git(name, "config", "branch.main.merge", "refs/heads/main", shown=False)

    def make_repositories(self) -> None:
        """Create the git repositories."""
        for name in REPOSITORIES:
            self.aws(f"codecommit create-repository --repository-name {name}")

    def push(self) -> None:
        """Push both repositories."""
        for name in REPOSITORIES:
            url = f"{self._connection.endpoint_url}/v1/repos/{name}"
            self._git(name, "push", "--quiet", url, "main")

    def make_pipeline(self) -> None:
        """Deploy the pipeline's own stack; the pipeline starts at once."""
        self.aws(
            f"cloudformation deploy --stack-name {PIPELINE_STACK} --template-file pipeline.yml"
            " --capabilities CAPABILITY_IAM"
        )

    def add_production(self) -> None:
        """Add the stage Production to the pipeline that runs, by hand."""
        query = "Stacks[0].Outputs[].[OutputKey, OutputValue]"
        told = self.aws(
            f"cloudformation describe-stacks --stack-name {PIPELINE_STACK}"
            f" --query '{query}' --output json"
        )
        outputs = dict(json.loads(told))
        file = Path("..") / "pipeline.json"
        self.aws(
            f"codepipeline get-pipeline --name {PIPELINE} --query '{{pipeline: pipeline}}'"
            " --output json",
            into=file,
        )
        values = [f"{name}={outputs[name]}" for name in ("DeploymentRole", "Approvals")]
        command = ["python3", "add-stage.py", str(file), "production-stage.json", *values]
        self._run(command, sys.executable)
        self.aws(f"codepipeline update-pipeline --cli-input-json file://{file}")

    def release(self) -> None:
        """Release what the branches hold now: Release change."""
        self.aws(f"codepipeline start-pipeline-execution --name {PIPELINE}")

    def retry(self, stage: str, execution_id: str) -> None:
        """Do a stage that failed again, from its first action."""
        self.aws(
            f"codepipeline retry-stage-execution --pipeline-name {PIPELINE} --stage-name {stage}"
            f" --pipeline-execution-id {execution_id} --retry-mode ALL_ACTIONS"
        )

    def change(self, files: Mapping[str, str], message: str) -> None:
        """Write files of the application, commit and push them."""
        tree = self._place.tree(APPLICATION)
        for name, content in files.items():
            before = (tree / name).read_text().strip()
            (tree / name).write_text(f"{content}\n")
            self._terminal.line(f"{name:9} {before} \u2192 {content}")
        self._git(APPLICATION, "commit", "--quiet", "--all", "-m", message)
        self._git(APPLICATION, "push", "--quiet")

    def _run(self, command: Sequence[str], *program: str, into: Path | None = None) -> str:
        """Run a command among the deployment's files, pointed at the server."""
        environment = {**clean_environment(), **self._connection.environment(), "AWS_PAGER": ""}
        return self._terminal.run(
            command,
            *program,
            directory=self._place.tree("todobackend-aws"),
            environment=environment,
            into=into,
        )

    def _git(self, repository: str, *arguments: str, shown: bool = True) -> None:
        """Run git in one tree, free of the user's own git configuration."""
        terminal = self._terminal if shown else _Silent()
        program = shutil.which("git")
        if program is None:
            raise Refusal("expected git on the PATH, found none; install it")
        terminal.run(
            ["git", *arguments],
            program,
            directory=self._place.tree(repository),
            environment={
                **clean_environment(),
                **_IDENTITY,
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_TERMINAL_PROMPT": "0",
            },
        )

    def _credentials(self) -> str:
        """A git credential helper that asks `penstock env`, so that no key stands in a file."""
        command = [sys.executable, "-m", "penstock", "env", "--data-dir", str(self._place.root)]
        return (
            f'!f() {{ eval "$({shlex.join(command)})"; echo "username=$AWS_ACCESS_KEY_ID"; '
            'echo "password=$AWS_SECRET_ACCESS_KEY"; }; f'
        )


class _Silent(Terminal):
    """Runs commands without printing them."""

    def line(self, text: str = "", style: str = "") -> None:
        """Print nothing."""


def find_aws() -> str:
    """Return the path of the `aws` CLI: the one installed beside Penstock, or the user's."""
    beside = Path(sys.executable).with_name("aws")
    found = str(beside) if beside.exists() else shutil.which("aws")
    if found is None:
        raise Refusal(
            "expected the aws CLI on the PATH, found none; install it: pip install awscli"
        )
    return found
