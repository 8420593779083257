"""ECS as the composition root makes it, without the server around it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock

from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Service
from penstock.clock import Clock, utc_now
from penstock.services.iam import Iam
from penstock.services.iam import api as iam_api
from penstock.services.logs import Logs
from penstock.services.logs import api as logs_api
from penstock.services.secretsmanager import Secrets
from penstock.services.secretsmanager import api as secretsmanager_api
from penstock.services.ssm import Parameters
from penstock.services.ssm import api as ssm_api
from penstock.services.sts import Sts
from penstock.services.sts.task_credentials import TaskCredentials
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.log_files import LogFiles
from penstock.storage.migrate import all_tables
from penstock.workloads.ecs import api as ecs_api
from penstock.workloads.ecs.clusters import Clusters
from penstock.workloads.ecs.ecs import Ecs
from penstock.workloads.ecs.task_definitions import TaskDefinitions
from penstock.workloads.ecs.task_preparation import PullToken, TaskPreparation
from penstock.workloads.ecs.task_secrets import TaskSecrets
from penstock.workloads.ecs.task_spec import Place
from penstock.workloads.ecs.tasks import Tasks

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROOT = root(ACCOUNT)
TRUSTS_TASKS = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": '
    '{"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
)
EVERYTHING = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
)


@dataclass
class EcsWorld:
    """One server's ECS. A second one on the same directory is a restart."""

    directory: Path
    instance_id: str = "test"
    clock: Clock = utc_now
    pull_token: PullToken = lambda repository, actions: f"token for {repository}"
    database: Database = field(init=False)

    def open(self) -> None:
        """Make every part; nothing runs yet."""
        self.database = Database.open(self.directory / "penstock.db")
        all_tables().create_all(self.database.engine)
        cipher = Cipher.open(self.directory / "key")
        place: Any = {"account_id": ACCOUNT, "region": REGION}
        self.iam = Iam(self.database, cipher, ACCOUNT, self.clock)
        self.sts = Sts(self.iam)
        self.logs = Logs(self.database, LogFiles(self.directory / "logs"), self.clock, **place)
        self.secrets = Secrets(self.database, cipher, self.clock, **place)
        self.parameters = Parameters(self.database, cipher, self.clock, **place)
        self.credentials = TaskCredentials(self.database, self.sts, self.clock)
        self.clusters = Clusters(self.database, self.clock, **place)
        self.task_definitions = TaskDefinitions(self.database, self.clock, **place)
        preparation = TaskPreparation(
            self.credentials,
            self.iam.authorize,
            TaskSecrets(self.parameters, self.secrets, self.iam.authorize, **place),
            self.logs,
            self.pull_token,
            Place(self.instance_id, REGION, 2.0),
            ACCOUNT,
        )
        self.tasks = Tasks(
            self.database, self.clock, self.task_definitions, preparation, self.logs, **place
        )
        self.ecs = Ecs(self.clusters, self.task_definitions, self.tasks, Mock(), self.instance_id)
        self.in_process = InProcess(
            self.services, self.iam.authorize, ACCOUNT, REGION, self.clock, "http://127.0.0.1:4600"
        )

    def services(self) -> list[Service]:
        return [
            ecs_api.service(self.ecs),
            iam_api.service(self.iam),
            logs_api.service(self.logs),
            secretsmanager_api.service(self.secrets),
            ssm_api.service(self.parameters),
        ]

    async def close(self) -> None:
        await self.tasks.close()
        await self.logs.close()
        self.database.close()

    async def call(self, service: str, operation: str, **request: Any) -> Any:
        return await self.in_process.call(ROOT, service, operation, request)

    async def role(self, name: str, policy: str = EVERYTHING, trust: str = TRUSTS_TASKS) -> str:
        """Make a role and return its ARN."""
        made = await self.call("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)
        await self.call(
            "iam", "PutRolePolicy", RoleName=name, PolicyName="all", PolicyDocument=policy
        )
        return str(made["Role"]["Arn"])
