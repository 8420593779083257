"""Everything that happens before a task's containers start: roles, secrets, logs, images.

Each part may be repeated: nothing of the user's has run yet. What its user got wrong is
CannotStart, with the text of
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Authorize, Principal
from penstock.containers.docker_runner import DockerRunner
from penstock.containers.engine import EngineRefusal
from penstock.containers.images import ImageUnavailable
from penstock.containers.task import TaskSpec
from penstock.ids import new_token
from penstock.services.logs import Logs
from penstock.services.sts.task_credentials import TaskCredentials
from penstock.workloads.ecs.cannot_start import CannotStart
from penstock.workloads.ecs.task_definitions import TaskDefinition
from penstock.workloads.ecs.task_log import destination
from penstock.workloads.ecs.task_secrets import TaskSecrets
from penstock.workloads.ecs.task_spec import Given, Place, role, task_spec
from penstock.workloads.task_records import TaskRecord

PullToken = Callable[[str, tuple[str, ...]], str]
"""(ECR repository, actions) → a bearer token for our registry: `Ecr.mint`."""

SERVICE_PRINCIPAL = "ecs-tasks.amazonaws.com"
_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/"
    r"(?P<repository>[^:@]+)"
)
_PORT_TAKEN = ("port is already allocated", "address already in use")


@dataclass(frozen=True, slots=True)
class TaskPreparation:
    """Makes the Tasks of ECS tasks, not started."""

    credentials: TaskCredentials
    authorize: Authorize
    secrets: TaskSecrets
    logs: Logs
    pull_token: PullToken
    place: Place
    account_id: str

    async def prepare(
        self, docker: DockerRunner, task: TaskRecord, definition: TaskDefinition
    ) -> None:
        """Have the task's sandbox running and its containers made.

        Raises CannotStart or EngineError.
        """
        execution_role = await self._execution_role(task, definition)
        try:
            given = Given(
                await self._task_role(task, definition),
                await self.secrets.read(definition.containers, execution_role),
                await self._pull_tokens(definition.containers, execution_role),
            )
            await self._make_log_streams(task, definition.containers)
        finally:
            await self.credentials.end(_execution_id(task))
        await _make(docker, task_spec(task, definition, given, self.place))

    async def end(self, task: TaskRecord) -> None:
        """Revoke the task's credentials. Repeating is safe."""
        await self.credentials.end(task.task_id)
        await self.credentials.end(_execution_id(task))

    async def _execution_role(
        self, task: TaskRecord, definition: TaskDefinition
    ) -> Principal | None:
        found = role(task, definition, "executionRoleArn")
        if found is None:
            return None
        return await self._assume(found, _execution_id(task), new_token(), task)

    async def _task_role(self, task: TaskRecord, definition: TaskDefinition) -> str | None:
        """Return the token of the task's role; None without a role."""
        found = role(task, definition, "taskRoleArn")
        if found is None:
            return None
        token = new_token()
        await self._assume(found, task.task_id, token, task)
        return token

    async def _assume(self, role_arn: str, owner: str, token: str, task: TaskRecord) -> Principal:
        try:
            issued = await self.credentials.begin(
                token, owner, role_arn, task.task_id, SERVICE_PRINCIPAL
            )
        except ServiceError as error:
            raise CannotStart(
                f"ECS was unable to assume the role '{role_arn}' that was provided for this task. "
                "Please verify that the role being passed has the proper trust relationship and "
                "permissions and that your IAM user has permissions to pass this role."
            ) from error
        return issued.principal

    async def _pull_tokens(
        self, containers: Sequence[Mapping[str, Any]], execution_role: Principal | None
    ) -> dict[str, str]:
        """Return a token for each image of this account's ECR.

        Without an execution role the container instance's counts, which is this host: it may.
        """
        tokens = {}
        for container in containers:
            match = _ECR_IMAGE.match(container["image"])
            if match is None or match["account"] != self.account_id:
                continue
            if match["region"] != self.place.region:
                continue
            if execution_role is not None:
                await self._may_pull(match["repository"], execution_role, container["name"])
            tokens[container["image"]] = self.pull_token(match["repository"], ("pull",))
        return tokens

    async def _may_pull(self, repository: str, execution_role: Principal, container: str) -> None:
        place = arn("ecr", self.place.region, self.account_id, f"repository/{repository}")
        for action, resource in (
            ("ecr:GetAuthorizationToken", "*"),
            ("ecr:BatchGetImage", place),
            ("ecr:GetDownloadUrlForLayer", place),
        ):
            try:
                await self.authorize(execution_role, action, resource)
            except ServiceError as error:
                if action == "ecr:GetAuthorizationToken":
                    raise CannotStart(
                        "ResourceInitializationError: unable to pull secrets or registry auth: "
                        "execution resource retrieval failed: unable to retrieve ecr registry "
                        f"auth: service call has been retried 1 time(s): {error}",
                        container,
                    ) from error
                raise CannotStart(
                    "CannotPullContainerError: pull access denied, repository does not exist or "
                    f"may require authorization: {error.message}",
                    container,
                ) from error

    async def _make_log_streams(
        self, task: TaskRecord, containers: Sequence[Mapping[str, Any]]
    ) -> None:
        for container in containers:
            found = destination(container, task.task_id)
            if found is None:
                continue
            if found.create_group:
                await self.logs.ensure_group(found.group)
            try:
                await self.logs.group(found.group)
            except ServiceError as error:
                raise CannotStart(
                    "ResourceInitializationError: failed to validate logger args: create stream "
                    "has been retried 1 times: failed to create Cloudwatch log stream: "
                    f"{error.code}: {error.message}",
                    container["name"],
                ) from error
            await self.logs.ensure_stream(found.group, found.stream)


def engines_words(error: EngineRefusal) -> str:
    """Return a refusal as ECS quotes it."""
    return f"Error response from daemon: {error.message}"


async def _make(docker: DockerRunner, spec: TaskSpec) -> None:
    try:
        await docker.prepare(spec)
    except ImageUnavailable as error:
        raise CannotStart(
            f"CannotPullContainerError: Error response from daemon: {error}",
            next((each.name for each in spec.containers if each.image == error.image), None),
        ) from error
    except EngineRefusal as error:
        if any(text in error.message for text in _PORT_TAKEN):
            reason = f"CannotStartContainerError: {engines_words(error)}"
            raise CannotStart(reason) from error
        if error.retryable:
            raise
        raise CannotStart(f"CannotCreateContainerError: {engines_words(error)}") from error


def _execution_id(task: TaskRecord) -> str:
    return f"{task.task_id}-execution"
