"""CodeBuild, CodeCommit and CloudWatch Logs on one server; builds run on this host."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.aws_server import AwsServer, Backend
from tests.build_world import ROLE, World, host_world
from tests.host_runner import Machine

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal, PrincipalKind
from penstock.builds.api import service as codebuild
from penstock.repositories.api import service as codecommit
from penstock.services.logs.api import service as logs


@dataclass
class Setup:
    """A running server. Root may do everything; `denied` actions are refused to others."""

    path: Path
    start: Callable[..., AwsServer]
    machine: Machine
    denied: set[str] = field(default_factory=set)
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.server = self.start(self._build)
        self.codebuild = self.server.client("codebuild")
        self.codecommit = self.server.client("codecommit")
        self.logs = self.server.client("logs")

    async def _build(self, stack: contextlib.AsyncExitStack) -> Backend:
        directory = self.path / "data"
        directory.mkdir()
        self.world = host_world(directory, self.machine)
        self.world.open()
        await self.world.furnish()
        await self.world.repositories.start()
        await self.world.runner.start()
        stack.push_async_callback(self.world.close)
        services = [
            codebuild(self.world.builds, self.world.projects),
            codecommit(self.world.repositories),
            logs(self.world.logs),
        ]
        return Backend(services, authorize=self._authorize)

    async def _authorize(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, str] = {}
    ) -> None:
        if principal.kind is not PrincipalKind.ROOT and action in self.denied:
            raise ServiceError(
                "AccessDeniedException",
                f"User: {principal.arn} is not authorized to perform: {action} on resource: "
                f"{resource}",
            )

    def ended(self, build_id: str, seconds: float = 30) -> dict[str, Any]:
        """Wait for a build's end, as a script does, and return it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            (build,) = self.codebuild.batch_get_builds(ids=[build_id])["builds"]
            if build["buildComplete"]:
                return dict(build)
            time.sleep(0.05)
        raise AssertionError(f"{build_id} did not end within {seconds} s")


def project(name: str = "app", *commands: str, **changes: Any) -> dict[str, Any]:
    """CreateProject's input for a project without source, its commands inline."""
    listed = "".join(f"      - {command}\n" for command in commands or ("echo built",))
    return {
        "name": name,
        "source": {
            "type": "NO_SOURCE",
            "buildspec": f"version: 0.2\nphases:\n  build:\n    commands:\n{listed}",
        },
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        "serviceRole": ROLE,
        **changes,
    }


@pytest.fixture
def setup(tmp_path: Path, aws_server: Callable[..., AwsServer]) -> Iterator[Setup]:
    (tmp_path / "machine").mkdir()
    machine = Machine(tmp_path / "machine")
    yield Setup(tmp_path, aws_server, machine)
    machine.end()
