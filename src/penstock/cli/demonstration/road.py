"""The example's road, driven as a user drives it: git and the unmodified `aws` CLI."""

import shlex
import shutil
import sys
from pathlib import Path

from penstock.cli.connection import Connection
from penstock.cli.demonstration.place import REPOSITORIES, Place, examples_directory
from penstock.cli.demonstration.server_process import clean_environment
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.refusal import Refusal

PIPELINE = "todobackend"
PIPELINE_STACK = "todobackend-pipeline"
DEVELOPMENT_STACK = "todobackend"
_IDENTITY = ("-c", "user.name=Penstock demo", "-c", "user.email=demo@example.com")


class Road:
    """Builds the road on one server, printing each command that it runs."""

    def __init__(self, place: Place, connection: Connection, terminal: Terminal) -> None:
        self._place = place
        self._connection = connection
        self._terminal = terminal
        self._aws = find_aws()

    def aws(self, command: str) -> str:
        """Run one `aws` command, given as a user would type it; return its output."""
        environment = {**clean_environment(), **self._connection.environment(), "AWS_PAGER": ""}
        return self._terminal.run(
            ["aws", *shlex.split(command)],
            self._aws,
            directory=self._place.tree("todobackend-aws"),
            environment=environment,
        )

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
            self._git(name, *_IDENTITY, "commit", "--quiet", "-m", "Begin", shown=False)
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
