"""CodePipeline, its sources, S3, SNS, SSM and CloudFormation on one server, with real roles.

Builds are ended by hand; stacks are real ones, of types that need no container engine.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.aws_server import Backend
from tests.databases import opened_database
from tests.identities import make_role, statement
from tests.pipeline_world import build, document, source

from penstock.aws.in_process import InProcess
from penstock.aws.service import Service
from penstock.builds import project as projects
from penstock.builds.build import BuildPhase, BuildStatus, PhaseContext, PhaseType, phase_to_json
from penstock.builds.builds import Builds
from penstock.clock import utc_now
from penstock.config import Config
from penstock.pipelines.actions.remote_git import GitHubHost
from penstock.pipelines.actions.table import Places
from penstock.pipelines.api import service as codepipeline
from penstock.pipelines.pipelines import Pipelines
from penstock.repositories.api import service as codecommit
from penstock.repositories.hosting import Repositories
from penstock.repositories.remote import RemoteRepositories
from penstock.services import s3
from penstock.services.codeconnections import Connections
from penstock.services.iam import Iam
from penstock.services.s3 import api as s3_api
from penstock.services.secretsmanager import Secrets
from penstock.services.sns import Sns
from penstock.services.sns import api as sns_api
from penstock.services.ssm import Parameters
from penstock.services.ssm import api as ssm_api
from penstock.services.sts import Sts
from penstock.stacks.api import service as cloudformation
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.registration import handlers
from penstock.stacks.stacks import Stacks
from penstock.storage import builds as stored
from penstock.storage import resources
from penstock.storage.blobs import Blobs
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import Outbox, publish

ACCOUNT, REGION = "123456789012", "us-east-1"
PROJECT = (projects.SERVICE, projects.RESOURCE_TYPE, "project")
TRUST = {"Service": "codepipeline.amazonaws.com"}
MAY_DO_ALL = statement(["codecommit:*", "codebuild:*", "s3:*"])


@dataclass
class Delivery:
    """A server with a repository `app` (one commit on main), a bucket and a build project."""

    path: Path
    start: Callable[..., Any]
    database: Database = field(init=False)
    iam: Iam = field(init=False)
    sts: Sts = field(init=False)
    later: timedelta = timedelta()
    """How far the pipelines' clock is ahead."""

    def __post_init__(self) -> None:
        self._serve()
        self.objects.create_bucket(Bucket="artifacts")
        self.repositories.create_repository(repositoryName="app")
        self.commit_id = self.commit("first")
        self.role = self.make_role(
            "pipeline", {"Service": "codepipeline.amazonaws.com"}, MAY_DO_ALL
        )

    def _serve(self, **options: Any) -> None:
        self.server = self.start(self._build, **options)
        self.pipelines = self.server.client("codepipeline")
        self.repositories = self.server.client("codecommit")
        self.objects = self.server.client("s3")

    def restart(self, **options: Any) -> None:
        """End the server and start the next one on what it left."""
        self.server.close()
        self._serve(**options)

    def clock(self) -> datetime:
        return utc_now() + self.later

    async def _find_credential(
        self, access_key_id: str, session_token: str | None, now: datetime
    ) -> Any:
        key = self.server.keys.get(access_key_id)
        return key or await self.iam.find_credential(access_key_id, session_token, now)

    async def _build(self, stack: contextlib.AsyncExitStack) -> Backend:
        database = self.database = stack.enter_context(opened_database(self.path))
        self.iam = Iam(database, Cipher.open(self.path / "key"), ACCOUNT, utc_now)
        account = {"account_id": ACCOUNT, "region": REGION}
        repositories = Repositories(database, self.path / "repositories", utc_now, **account)
        await repositories.start()
        stack.push_async_callback(repositories.close)
        (self.path / "blobs").mkdir(exist_ok=True)
        objects = s3.Objects(database, Blobs(self.path / "blobs"), utc_now, REGION)
        builds = Builds(database, Config(data_dir=self.path), utc_now)
        if await database.read(lambda c: resources.get(c, *PROJECT)) is None:
            await database.write(lambda c: resources.insert(c, self._project()))
        services: list[Service] = []
        in_process = InProcess(
            lambda: services, self.iam.authorize, ACCOUNT, REGION, utc_now, "http://127.0.0.1"
        )
        cipher = Cipher.open(self.path / "key")
        secrets = Secrets(database, cipher, utc_now, **account)
        places = Places(
            builds=builds,
            repositories=repositories,
            remotes=RemoteRepositories(repositories.git),
            connections=Connections(database, secrets, utc_now, **account),
            objects=objects,
            in_process=in_process,
            github=GitHubHost("https://github.invalid", cipher.decrypt),
            change_sets=lambda: change_sets,
            console_url="http://127.0.0.1/console",
        )
        sts = self.sts = Sts(self.iam)
        sns = Sns(database, utc_now, **account, sends_mail=True)
        parameters = Parameters(database, cipher, utc_now, **account)
        stacks = Stacks(
            database, Outbox(database), cipher, in_process, sts, utc_now,
            lambda: handlers(in_process, stacks), ACCOUNT, REGION,
        )  # fmt: skip
        change_sets = ChangeSets(database, cipher, stacks, in_process, utc_now)
        pipelines = Pipelines(
            database, Outbox(database), places, self.iam, sts, cipher, self.clock,
            REGION, ACCOUNT,
        )  # fmt: skip
        await pipelines.start()
        stack.push_async_callback(pipelines.close)
        await stacks.start()
        stack.push_async_callback(stacks.close)
        services += [
            codepipeline(pipelines), codecommit(repositories), s3_api.service(objects),
            cloudformation(stacks, change_sets), sns_api.service(sns), ssm_api.service(parameters),
        ]  # fmt: skip
        return Backend(services, self._find_credential, self.iam.authorize)

    def _project(self) -> resources.Resource:
        document = {
            "source": {"type": "CODEPIPELINE"},
            "artifacts": {"type": "CODEPIPELINE"},
            "environment": {
                "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/build",
        }  # fmt: skip
        place = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/project"
        return resources.Resource(*PROJECT, place, document, {}, utc_now(), utc_now())

    def make_role(self, name: str, trusted: dict[str, str], *statements: dict[str, object]) -> str:
        return str(self.server.run(make_role(self.iam, utc_now, name, trusted, *statements)))

    def commit(self, content: str, branch: str = "main") -> str:
        """Put a file on the branch, as `aws codecommit put-file` does."""
        request: dict[str, Any] = {}
        with contextlib.suppress(self.repositories.exceptions.BranchDoesNotExistException):
            head = self.repositories.get_branch(repositoryName="app", branchName=branch)
            request["parentCommitId"] = head["branch"]["commitId"]
        made = self.repositories.put_file(
            repositoryName="app", branchName=branch, filePath="file.txt",
            fileContent=content.encode(), commitMessage=f"put {content}", name="Ada",
            email="ada@example.com", **request,
        )  # fmt: skip
        return str(made["commitId"])

    def document(self, *stages: dict[str, Any], **more: Any) -> dict[str, Any]:
        return document(*stages, **{"roleArn": self.role, **more})

    def create(self, declaration: dict[str, Any] | None = None, **more: Any) -> str:
        """Create a pipeline and return the id of its first execution."""
        declaration = declaration or self.document()
        self.pipelines.create_pipeline(pipeline=declaration, **more)
        return str(self.executions(declaration["name"])[0]["pipelineExecutionId"])

    def executions(self, name: str = "pipe") -> list[dict[str, Any]]:
        found = self.pipelines.list_pipeline_executions(pipelineName=name)
        return list(found["pipelineExecutionSummaries"])

    def stage(self, name: str) -> dict[str, Any]:
        state = self.pipelines.get_pipeline_state(name="pipe")
        return dict(next(one for one in state["stageStates"] if one["stageName"] == name))

    def until(self, condition: Callable[[], Any], seconds: float = 15.0) -> Any:
        """Wait until `condition` gives something true, and return it."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"in vain: {self.executions()}"
            time.sleep(0.01)
        return found

    def until_ended(self, execution_id: str, name: str = "pipe") -> str:
        def status() -> str | None:
            found = self.pipelines.get_pipeline_execution(
                pipelineName=name, pipelineExecutionId=execution_id
            )["pipelineExecution"]["status"]
            return None if found in ("InProgress", "Stopping") else str(found)

        return str(self.until(status))

    def building(self, action: str = "Build") -> str:
        """Wait until the action has a build, and return the build's id."""

        def build_id() -> str | None:
            for one in self.stage("Build")["actionStates"]:
                latest = one.get("latestExecution", {})
                if one["actionName"] == action and latest.get("status") == "InProgress":
                    return str(latest.get("externalExecutionId", "")) or None
            return None

        return str(self.until(build_id))

    def end_build(self, build_id: str, status: BuildStatus = BuildStatus.SUCCEEDED) -> None:
        """End the build as its runner would: the row and the event are one."""
        now = utc_now()
        failed = status is not BuildStatus.SUCCEEDED
        context = PhaseContext("COMMAND_EXECUTION_ERROR", "make: exit status 2")
        phases = [
            BuildPhase(PhaseType.BUILD, now, status, now, (context,) if failed else ()),
            BuildPhase(PhaseType.COMPLETED, now),
        ]

        def work(connection: Any) -> None:
            done = {
                "step": "DONE", "status": status.value, "ended_at": now,
                "phases": [phase_to_json(phase) for phase in phases],
                "exported_variables": {"Version": "7"},
            }  # fmt: skip
            assert stored.update(connection, build_id, "QUEUED", **done)
            publish(connection, "build.Completed", build_id, {}, now)

        self.server.run(self.database.write(work))


@pytest.fixture
def delivery(tmp_path: Path, aws_server: Callable[..., Any]) -> Delivery:
    return Delivery(tmp_path, aws_server)


__all__ = ["Delivery", "build", "source"]
