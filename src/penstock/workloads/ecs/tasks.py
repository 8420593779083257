"""ECS tasks: asked for here, carried out by the task runner once there is a container engine.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from penstock.arns import arn, resource_of
from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.containers.docker_runner import DockerRunner
from penstock.errors import EngineError
from penstock.services.logs import Logs
from penstock.storage import ecs_tasks
from penstock.storage.database import Database
from penstock.workloads.ecs import stored_tasks
from penstock.workloads.ecs.task_definitions import TaskDefinition, TaskDefinitions
from penstock.workloads.ecs.task_preparation import TaskPreparation
from penstock.workloads.ecs.task_runner import TaskRunner
from penstock.workloads.task_records import (
    ContainerRecord,
    HealthStatus,
    StartTask,
    TaskRecord,
    TaskStatus,
)

REMEMBERED = timedelta(hours=1)
"""How long a STOPPED task is still described, as on AWS."""


class Tasks:
    """The account's tasks. Without an engine they wait in PROVISIONING."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        task_definitions: TaskDefinitions,
        preparation: TaskPreparation,
        logs: Logs,
        *,
        account_id: str,
        region: str,
    ) -> None:
        self.database = database
        self.clock = clock
        self._task_definitions = task_definitions
        self._preparation = preparation
        self._logs = logs
        self._account_id = account_id
        self._region = region
        self._runner: TaskRunner | None = None

    async def attach(self, docker: DockerRunner) -> None:
        """Take up every unfinished task, those of a former server too. Raises EngineError.

        Once it has succeeded, repeating it does nothing.
        """
        if self._runner is not None:
            return
        runner = TaskRunner(
            self.database,
            self.clock,
            docker,
            self._task_definitions,
            self._preparation,
            self._logs,
        )
        self._runner = runner  # what is asked for from now on wakes it
        try:
            await runner.start()
        except EngineError:
            self._runner = None
            await runner.close()
            raise

    async def close(self) -> None:
        """Stop watching; the tasks' containers go on and are found again."""
        if self._runner is not None:
            await self._runner.close()

    async def start(self, wanted: StartTask) -> TaskRecord:
        """Store a task to be run and return it; its containers are made in the background.

        A task with that id that exists already is returned as it is. Raises ServiceError
        ClientException without such a task definition.
        """
        definition = await self._task_definitions.get(wanted.task_definition_arn)
        if definition is None:
            raise ServiceError("ClientException", "TaskDefinition not found.")
        task = self._new(wanted, definition)

        def insert(connection: sa.Connection) -> TaskRecord:
            if stored_tasks.insert(connection, task):
                return task
            found = ecs_tasks.get(connection, task.task_id)
            assert found is not None
            return stored_tasks.record(found)

        stored = await self.database.write(insert)
        self._wake(stored.task_id)
        return stored

    async def stop(self, task_id: str, reason: str, stop_code: str) -> TaskRecord | None:
        """Ask for a task's end and return it; None for an unknown one. Repeating is safe.

        The first reason stays. `stop_code` is the API's (`UserInitiated`).
        """
        now = self.clock()

        def stop(connection: sa.Connection) -> TaskRecord | None:
            found = ecs_tasks.get(connection, task_id)
            if found is None:
                return None
            task = stored_tasks.record(found)
            if task.desired_status is TaskStatus.STOPPED:
                return task
            stopping = replace(
                task,
                desired_status=TaskStatus.STOPPED,
                stop_code=stop_code,
                stopped_reason=reason,
                stopping_at=now,
            )
            stored_tasks.change(connection, task, stopping, now)
            return replace(stopping, version=task.version + 1)

        stopped = await self.database.write(stop)
        self._wake(task_id)
        return stopped

    async def set_tags(
        self, task_id: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> Mapping[str, str] | None:
        """Replace a task's tags by what `change` makes of them and return them; None for an
        unknown task."""
        now = self.clock()
        name = task_id.rpartition("/")[2]

        def update(connection: sa.Connection) -> Mapping[str, str] | None:
            found = ecs_tasks.get(connection, name)
            if found is None:
                return None
            task = stored_tasks.record(found)
            changed = replace(task, tags=change(task.tags))
            stored_tasks.change(connection, task, changed, now)
            return changed.tags

        return await self.database.write(update)

    async def get(self, task_id: str) -> TaskRecord | None:
        """Return a task by its id or ARN, or None."""
        name = task_id.rpartition("/")[2]
        found = await self.database.read(lambda c: ecs_tasks.get(c, name))
        return None if found is None else stored_tasks.record(found)

    async def of_group(self, cluster_arn: str, group: str) -> list[TaskRecord]:
        """Return a group's tasks, oldest first: all that are not STOPPED, and those STOPPED within
        the last hour."""
        return await self.of_cluster(cluster_arn, group)

    async def of_cluster(self, cluster_arn: str, group: str | None = None) -> list[TaskRecord]:
        """As `of_group`, of every group."""
        after = self.clock() - REMEMBERED
        rows = await self.database.read(
            lambda c: ecs_tasks.of_cluster(c, cluster_arn, group=group, stopped_after=after)
        )
        return [stored_tasks.record(row) for row in rows]

    def arn(self, cluster_arn: str, task_id: str) -> str:
        """Return the ARN of a task in a cluster."""
        cluster = resource_of(cluster_arn, "cluster/") or cluster_arn
        return arn("ecs", self._region, self._account_id, f"task/{cluster}/{task_id}")

    def _new(self, wanted: StartTask, definition: TaskDefinition) -> TaskRecord:
        return TaskRecord(
            task_id=wanted.task_id,
            arn=self.arn(wanted.cluster_arn, wanted.task_id),
            cluster_arn=wanted.cluster_arn,
            task_definition_arn=definition.arn,
            group=wanted.group,
            started_by=wanted.started_by,
            last_status=TaskStatus.PROVISIONING,
            desired_status=TaskStatus.RUNNING,
            health_status=HealthStatus.UNKNOWN,
            containers=tuple(
                ContainerRecord(each["name"], each["image"]) for each in definition.containers
            ),
            created_at=self.clock(),
            launch_type=wanted.launch_type,
            network_mode=definition.network_mode,
            tags=wanted.tags,
            overrides=wanted.overrides,
        )

    def _wake(self, task_id: str) -> None:
        if self._runner is not None:
            self._runner.wake(task_id)
