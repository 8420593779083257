"""ECR's domain behind a real registry process, on real sockets; docker is the client."""

import asyncio
import io
import json
import os
import socket
import tarfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal, PrincipalKind
from penstock.clock import utc_now
from penstock.containers.certificates import Certificates
from penstock.containers.registry import (
    NOTIFICATIONS_PATH,
    TOKEN_ISSUER,
    TOKEN_PATH,
    TOKEN_SERVICE,
)
from penstock.services.ecr.ecr import Ecr
from penstock.services.ecr.notifications import NotificationEndpoint
from penstock.services.ecr.token_endpoint import TokenEndpoint
from penstock.storage.database import Database

ACCOUNT = "123456789012"
SECRET = "the registry's own secret"
BUILDER = Principal(
    PrincipalKind.ASSUMED_ROLE,
    f"arn:aws:sts::{ACCOUNT}:assumed-role/builder/AWSCodeBuild-1",
    ACCOUNT,
    "AROAEXAMPLE:AWSCodeBuild-1",
    "ASIAEXAMPLE",
    f"arn:aws:iam::{ACCOUNT}:role/builder",
)


@dataclass
class Setup:
    """A running registry and what stands behind it. `deny` holds actions nobody may do."""

    ecr: Ecr
    address: str
    deny: set[str] = field(default_factory=set)
    notifications_lost: bool = False

    @property
    def password(self) -> str:
        return self.ecr.signer.password(BUILDER, utc_now())


@dataclass
class Docker:
    """The docker command with a configuration of its own."""

    directory: Path
    made: list[str] = field(default_factory=list)

    async def __call__(
        self, *arguments: str, input: bytes = b"", check: bool = True
    ) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            "docker",
            "--config",
            str(self.directory),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "DOCKER_CLI_HINTS": "false"},
        )
        output, _ = await process.communicate(input)
        assert process.returncode is not None
        if check:
            assert process.returncode == 0, output.decode()
        return process.returncode, output.decode()

    async def login(self, address: str, password: str, *, check: bool = True) -> tuple[int, str]:
        return await self(
            "login",
            "-u",
            "AWS",
            "--password-stdin",
            address,
            input=password.encode(),
            check=check,
        )

    async def image(self, name: str, content: bytes) -> None:
        """Make an image of one file, removed after the test."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            info = tarfile.TarInfo("content")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        _, output = await self("import", "-", name, input=archive.getvalue())
        self.made.append(output.strip())


@pytest.fixture
async def docker(tmp_path: Path) -> AsyncIterator[Docker]:
    docker = Docker(tmp_path / "docker")
    docker.directory.mkdir()
    yield docker
    for name in docker.made:
        await docker("image", "rm", "-f", name, check=False)


@pytest.fixture
async def setup(database: Database, tmp_path: Path) -> AsyncIterator[Setup]:
    pair = _signing(tmp_path)
    port = _free_port()
    listener = socket.create_server(("127.0.0.1", 0))
    setup: Setup

    async def authorize(
        principal: Principal, action: str, resource: str, context: Mapping[str, str] = {}
    ) -> None:
        if action in setup.deny:
            raise ServiceError(
                "AccessDeniedException",
                f"User: {principal.arn} is not authorized to perform: {action} on resource: "
                f"{resource} because no identity-based policy allows the {action} action",
            )

    ecr = Ecr(
        database,
        authorize,
        utc_now,
        registry_url=lambda: f"http://127.0.0.1:{port}",
        ca=None,
        signing_key_pem=pair.key_pem,
        signing_certificate_pem=pair.certificate_pem,
        account_id=ACCOUNT,
        region="us-east-1",
    )
    setup = Setup(ecr, f"127.0.0.1:{port}")
    token, notifications = TokenEndpoint(ecr), NotificationEndpoint(ecr, SECRET)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == TOKEN_PATH:
            await token(scope, receive, send)
        elif not setup.notifications_lost:
            assert scope["path"] == NOTIFICATIONS_PATH
            await notifications(scope, receive, send)

    server = uvicorn.Server(
        uvicorn.Config(app, http="httptools", lifespan="off", log_level="critical")
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    config = tmp_path / "registry.json"
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config.write_text(json.dumps(_configuration(port, base, pair.certificate, tmp_path)))
    log = (tmp_path / "registry.log").open("wb")
    registry = await asyncio.create_subprocess_exec(
        "docker-registry",
        "serve",
        str(config),
        stdout=log,
        stderr=log,
        env={"OTEL_TRACES_EXPORTER": "none", "PATH": os.environ["PATH"]},
    )
    await _listening(port)
    yield setup
    registry.terminate()
    await registry.wait()
    log.close()
    await ecr.close()
    server.should_exit = True
    await serving
    listener.close()


def _signing(directory: Path) -> Any:
    certificates = directory / "certificates"
    certificates.mkdir()
    return Certificates(certificates, "us-east-1", utc_now).registry_signing


def _configuration(port: int, base: str, certificate: Path, directory: Path) -> dict[str, Any]:
    """The product's configuration but for TLS, which docker does not ask of loopback."""
    return {
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {
            "filesystem": {"rootdirectory": str(directory / "registry")},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"127.0.0.1:{port}", "secret": "test"},
        "auth": {
            "token": {
                "realm": base + TOKEN_PATH,
                "service": TOKEN_SERVICE,
                "issuer": TOKEN_ISSUER,
                "rootcertbundle": str(certificate),
            }
        },
        "notifications": {
            "endpoints": [
                {
                    "name": "penstock",
                    "url": base + NOTIFICATIONS_PATH,
                    "headers": {"Authorization": [f"Bearer {SECRET}"]},
                    "timeout": "2s",
                    "threshold": 5,
                    "backoff": "1s",
                    "ignore": {"mediatypes": ["application/octet-stream"], "actions": ["pull"]},
                }
            ]
        },
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def _listening(port: int) -> None:
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return
    raise TimeoutError(f"the registry does not listen on port {port}")
