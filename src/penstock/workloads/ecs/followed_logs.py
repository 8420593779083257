"""The output of running tasks that is being followed, one follower per container."""

import asyncio
import logging

from penstock.containers.docker_runner import DockerRunner
from penstock.containers.engine import EngineRefusal
from penstock.errors import EngineError
from penstock.services.logs import Logs
from penstock.storage.database import Database
from penstock.workloads.ecs.task_definitions import TaskDefinition
from penstock.workloads.ecs.task_log import Destination, TaskLog, destination
from penstock.workloads.task_records import TaskRecord

_LOG = logging.getLogger(__name__)
_GONE = {404, 409}
"""The container is not there any more, or is being removed."""
_RETRY_SECONDS = 1.0
_FINISH_SECONDS = 30.0
"""How long a stopped task waits for what is left of its output."""


class FollowedLogs:
    """Follows what has started, once each."""

    def __init__(self, database: Database, docker: DockerRunner, logs: Logs) -> None:
        self._database = database
        self._docker = docker
        self._logs = logs
        self._followers: dict[tuple[str, str], asyncio.Task[None]] = {}

    def ensure(self, task: TaskRecord, definition: TaskDefinition) -> None:
        """Follow each container that has started and sends its output to awslogs."""
        started = {each.name for each in task.containers if each.started_at is not None}
        for container in definition.containers:
            key = (task.task_id, container["name"])
            to = destination(container, task.task_id)
            if to is not None and container["name"] in started and key not in self._followers:
                self._followers[key] = asyncio.create_task(self._follow(*key, to))

    async def finish(self, task_id: str) -> None:
        """Wait until the rest of an ended task's output is stored, for a while at most."""
        followers = self._of(task_id)
        if followers:
            _, unfinished = await asyncio.wait(followers, timeout=_FINISH_SECONDS)
            for each in unfinished:
                _LOG.warning("task %s: the end of its output is not kept", task_id)
                each.cancel()
        for key in [key for key in self._followers if key[0] == task_id]:
            del self._followers[key]

    async def close(self) -> None:
        """Stop following; what is not stored is found again."""
        followers = list(self._followers.values())
        for each in followers:
            each.cancel()
        if followers:
            await asyncio.wait(followers)

    def _of(self, task_id: str) -> list["asyncio.Task[None]"]:
        return [follower for key, follower in self._followers.items() if key[0] == task_id]

    async def _follow(self, task_id: str, container: str, to: Destination) -> None:
        log = TaskLog(self._database, self._docker, self._logs, to)
        while True:
            try:
                await log.follow(task_id, container)
            except EngineRefusal as refusal:
                if refusal.status in _GONE:
                    return
                _LOG.warning("the output of %s of task %s: %s", container, task_id, refusal)
            except EngineError as error:
                _LOG.warning("the output of %s of task %s: %s", container, task_id, error)
            except Exception:  # noqa: BLE001 (the boundary of a follower)
                _LOG.exception("the output of %s of task %s is not followed", container, task_id)
            else:
                return
            await asyncio.sleep(_RETRY_SECONDS)
