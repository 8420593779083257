"""A server's builds over real services on a data directory, with a Machine for an engine."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from penstock.aws.service import Call, Principal, PrincipalKind, Service
from penstock.builds.build import ArtifactLocation, Build, PipelineSource, StartBuild
from penstock.builds.builds import Builds
from penstock.builds.execution import Execution
from penstock.builds.plan import Layout
from penstock.builds.preparation import Preparation
from penstock.builds.projects import Projects
from penstock.builds.results import ArtifactStore
from penstock.builds.runner import BuildRunner
from penstock.builds.sources import Sources
from penstock.builds.task import Limits
from penstock.builds.variables import VariableResolver
from penstock.clock import utc_now
from penstock.config import Config
from penstock.containers.docker_runner import DockerRunner
from penstock.repositories.hosting import Repositories
from penstock.services.iam import Iam, identity, identity_policies
from penstock.services.iam.identity import Kind
from penstock.services.logs import Logs
from penstock.services.s3 import Objects, buckets
from penstock.services.secretsmanager import Secrets
from penstock.services.secretsmanager.api import service as secrets_service
from penstock.services.ssm import Parameters
from penstock.services.ssm.api import service as parameters_service
from penstock.services.sts import Sts
from penstock.services.sts.task_credentials import TaskCredentials
from penstock.storage.blobs import Blobs
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.log_files import LogFiles
from penstock.storage.outbox import read_after
from penstock.storage.schema import metadata
from tests.host_runner import HostRunner, Machine

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/build"
BUCKET = "artifact-store"
ROOT = Principal(PrincipalKind.ROOT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, ACCOUNT, "AKIAROOT")
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return buffer.getvalue()


async def one(content: bytes) -> AsyncIterator[bytes]:
    yield content


def host_world(directory: Path, machine: Machine, runner: HostRunner | None = None) -> "World":
    """Return a server whose engine is this host."""
    docker = cast(DockerRunner, runner or HostRunner(machine))
    return World(directory, docker, Layout(str(machine.root / "codebuild")))


@dataclass
class World:
    """One server. A second one on the same directory is a restart."""

    directory: Path
    docker: DockerRunner
    layout: Layout
    database: Database = field(init=False)

    @property
    def machine(self) -> Machine:
        """The engine's stand-in."""
        return cast(HostRunner, self.docker).machine

    def open(self) -> None:
        """Make every part, as the composition root does; nothing runs yet."""
        config = Config(data_dir=self.directory)
        self.database = Database.open(self.directory / "penstock.db")
        metadata.create_all(self.database.engine)
        cipher = Cipher.open(self.directory / "key")
        place: Any = {"account_id": ACCOUNT, "region": REGION}
        self.iam = Iam(self.database, cipher, ACCOUNT, utc_now)
        self.sts = Sts(self.iam)
        self.objects = Objects(self.database, Blobs(self.directory / "blobs"), utc_now, REGION)
        self.logs = Logs(self.database, LogFiles(self.directory / "logs"), utc_now, **place)
        self.secrets = Secrets(self.database, cipher, utc_now, **place)
        self.parameters = Parameters(self.database, cipher, utc_now, **place)
        self.repositories = Repositories(
            self.database, self.directory / "repositories", utc_now, **place
        )
        self.builds = Builds(self.database, config, utc_now)
        self.projects = Projects(self.database, config, utc_now, self.sts)
        self.credentials = TaskCredentials(self.database, self.sts, utc_now)
        preparation = Preparation(
            config=config, clock=utc_now, runner=self.docker, iam=self.iam,
            credentials=self.credentials, sources=Sources(self.objects, self.repositories),
            resolver=VariableResolver(self.parameters, self.secrets),
            pull_token=lambda name, actions: f"token for {name}",
            limits=Limits(), layout=self.layout,
        )  # fmt: skip
        execution = Execution(
            self.database, utc_now, cipher, self.docker, self.logs, preparation,
            ArtifactStore(self.objects),
        )  # fmt: skip
        self.runner = BuildRunner(self.builds, self.docker, self.credentials, execution)

    async def close(self) -> None:
        await self.runner.close()
        await self.repositories.close()
        self.database.close()

    async def ask(self, service: Service, operation: str, **request: Any) -> Any:
        call = Call(
            service.name, operation, REGION, ACCOUNT, "request", ROOT, utc_now(),
            self.iam.authorize, "http://127.0.0.1:4600",
        )  # fmt: skip
        return await service.operations[operation](call, request)

    async def furnish(self, statements: Sequence[Mapping[str, Any]] = (EVERYTHING,)) -> None:
        """Make the bucket, and the role that builds run with."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "codebuild.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }

        def work(connection: sa.Connection) -> None:
            buckets.create(connection, BUCKET, REGION, {}, utc_now())
            identity.insert(
                connection, Kind.ROLE, "build", "/", ACCOUNT, {}, utc_now(),
                trust=json.dumps(trust), description=None, max_session_seconds=3600,
            )  # fmt: skip

        await self.iam.write(work)
        await self.allow(statements)

    async def allow(self, statements: Sequence[Mapping[str, Any]]) -> None:
        """Let the role do this, and nothing else."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})

        def work(connection: sa.Connection) -> None:
            role = identity.get_role(connection, "build")
            identity_policies.put_inline(connection, role, "p", policy, utc_now())

        await self.iam.write(work)

    async def secret(self, name: str, value: str) -> None:
        await self.ask(
            secrets_service(self.secrets), "CreateSecret", Name=name, SecretString=value,
            ClientRequestToken="0" * 32,
        )  # fmt: skip

    async def parameter(self, name: str, value: str) -> None:
        await self.ask(
            parameters_service(self.parameters), "PutParameter", Name=name, Value=value,
            Type="SecureString",
        )  # fmt: skip

    async def project(self, buildspec: str | None = None, **document: Any) -> None:
        """Keep a project `app` of no source, with its buildspec inline, unless told otherwise."""
        source = {"type": "NO_SOURCE", "buildspec": buildspec}
        if buildspec is None:
            source = {"type": "CODEPIPELINE"}
        whole = {
            "source": source,
            "artifacts": {
                "type": "CODEPIPELINE" if source["type"] == "CODEPIPELINE" else "NO_ARTIFACTS"
            },
            "environment": {
                "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            "serviceRole": ROLE,
            **document,
        }  # fmt: skip
        await self.projects.create("app", whole, {})

    async def pipeline_build(
        self,
        files: Mapping[str, str | bytes],
        token: str = "token",
        outputs: int = 1,
        more: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Build:
        """Start a build as a pipeline does, from a zip of `files`."""
        inputs = {"App": files, **(more or {})}
        for name, content in inputs.items():
            await self.objects.put(BUCKET, f"in/{name}", one(zipped(content)))
        locations = [ArtifactLocation(name, BUCKET, f"in/{name}") for name in inputs]
        source = PipelineSource(
            primary=locations[0],
            secondary=locations[1:],
            outputs=[ArtifactLocation(f"Out{n}", BUCKET, f"out/{n}") for n in range(outputs)],
            revision_id="0123abc",
        )
        start = StartBuild("app", token, "codepipeline/road", source=source)
        return await self.builds.start(start)

    async def start(self, **overrides: Any) -> Build:
        return await self.builds.start(StartBuild("app", None, "root", overrides=overrides))

    async def ended(self, build: Build, seconds: float = 30) -> Build:
        """Wait for a build's end and return it."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.builds.get(build.id)
                assert found is not None
                if found.complete:
                    return found
                await asyncio.sleep(0.02)

    async def reached(self, build: Build, phase: str, seconds: float = 10) -> Build:
        """Wait until a build is in a phase."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.builds.get(build.id)
                assert found is not None
                if found.current_phase == phase:
                    return found
                await asyncio.sleep(0.01)

    async def log(self, build: Build) -> list[str]:
        """The build's log, each line as it was written."""
        assert build.log_group is not None
        assert build.log_stream is not None
        events, _ = await self.logs.read(build.log_group, build.log_stream, 0, 100_000)
        return [event.message for event in events]

    async def said(self, build: Build, text: str, seconds: float = 10) -> None:
        """Wait until the log holds `text`."""
        async with asyncio.timeout(seconds):
            while True:
                if any(text in line for line in await self.log(build)):
                    return
                await asyncio.sleep(0.02)

    async def artifact(self, key: str) -> dict[str, bytes]:
        """The files of a stored zip."""
        _, chunks = await self.objects.get(BUCKET, key)
        content = b"".join([chunk async for chunk in chunks])
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            return {name: opened.read(name) for name in opened.namelist()}

    def events(self, kind: str) -> list[Mapping[str, Any]]:
        found = self.database.read_now(lambda c: read_after(c, 0, 10_000))
        return [event.detail for event in found if event.kind == kind]


def phases(build: Build) -> dict[str, str]:
    return {phase.phase_type.value: str(phase.phase_status) for phase in build.phases}
