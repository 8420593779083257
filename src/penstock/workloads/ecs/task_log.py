"""The awslogs driver: a container's output, followed and stored in CloudWatch Logs.

The engine keeps every line in order, so what is stored is known by a place in that order: the
lines from a marked moment on, and how many of them. After a restart those are skipped. Each line
has a fixed offset in its stream, so storing it again adds nothing.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.containers.docker_runner import DockerRunner
from penstock.containers.observation import Line
from penstock.errors import EngineError
from penstock.services.logs import Logs
from penstock.storage import ecs_tasks
from penstock.storage.database import Database
from penstock.storage.ecs_tasks import LogPosition
from penstock.storage.log_files import LogEvent, OffsetGap

_LOG = logging.getLogger(__name__)
_GATHER_SECONDS = 0.3
_MOST_WAITING = 2000
_MARK_EVERY = 5000
_MARK_BEHIND_NS = 10_000_000_000
"""The two streams of a container may be this far out of order, and are not in practice."""
_MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a container's output goes."""

    group: str
    stream: str
    create_group: bool


def destination(container: Mapping[str, Any], task_id: str) -> Destination | None:
    """Return where a container definition sends its output; None unless to awslogs."""
    log = container.get("logConfiguration") or {}
    if log.get("logDriver") != "awslogs":
        return None
    options = log.get("options", {})
    prefix = options.get("awslogs-stream-prefix")
    name = container["name"]
    stream = f"{prefix}/{name}/{task_id}" if prefix else f"{name}/{task_id}"
    return Destination(
        options["awslogs-group"], stream, options.get("awslogs-create-group") == "true"
    )


class TaskLog:
    """One container's output on its way. `follow` ends when the container has ended."""

    def __init__(
        self, database: Database, docker: DockerRunner, logs: Logs, to: Destination
    ) -> None:
        self._database = database
        self._docker = docker
        self._logs = logs
        self._to = to

    async def follow(self, task_id: str, container: str) -> None:
        """Store the output from where it was left. Raises EngineError.

        A log group or stream that is deleted meanwhile ends it: the rest is not kept.
        """
        stored = await self._database.read(lambda c: ecs_tasks.log_position(c, task_id, container))
        place = Progress(stored or LogPosition(task_id, container, 0, 0, 0, 0))
        queue: asyncio.Queue[Line | None] = asyncio.Queue(_MOST_WAITING)
        reading = asyncio.create_task(self._read(place.position, queue))
        try:
            while (lines := await _gather(queue)) is not None:
                if not await self._store(place, lines):
                    return
            await reading
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([reading])

    async def _read(self, position: LogPosition, queue: asyncio.Queue[Line | None]) -> None:
        output = self._docker.lines(position.task_id, position.container, position.since_ns)
        try:
            async with contextlib.aclosing(output) as lines:
                async for line in lines:
                    await queue.put(line)
        except EngineError:
            await queue.put(None)
            raise
        await queue.put(None)

    async def _store(self, place: "Progress", lines: Sequence[Line]) -> bool:
        """Store what is new of the lines; False when there is nowhere to store it."""
        new = place.take(lines)
        events = [LogEvent(line.at_ns // _MILLISECOND, line.text) for line in new if line.text]
        try:
            if events:
                await self._logs.put(self._to.group, self._to.stream, events, place.position.offset)
        except (ServiceError, OffsetGap) as error:
            _LOG.warning("the log %s %s is not kept: %s", self._to.group, self._to.stream, error)
            return False
        if new:
            position = place.stored(len(events))
            await self._database.write(lambda c: ecs_tasks.put_log_position(c, position))
        return True


class Progress:
    """Which lines are stored: `take` drops those, `stored` goes on behind the taken ones."""

    def __init__(self, position: LogPosition) -> None:
        self.position = position
        self._to_skip = position.skip
        self._rotated: bool | None = None
        self._seen: list[int] = []
        """The times of the lines from the marked moment on."""

    def take(self, lines: Sequence[Line]) -> list[Line]:
        """Return those of the engine's next lines that are not stored."""
        new = []
        for line in lines:
            if self._rotated is None:
                self._rotated = bool(self.position.skip) and self._is_not_the_mark(line)
            self._seen.append(line.at_ns)
            if self._rotated:
                if line.at_ns > self.position.last_ns:
                    self._rotated = False
                    self._to_skip = 0
                    new.append(line)
            elif self._to_skip:
                self._to_skip -= 1
            else:
                new.append(line)
        return new

    def stored(self, events: int) -> LogPosition:
        """Return the position behind all that was taken; `events` of it are in the stream."""
        since, last = self.position.since_ns, max(self._seen)
        if since == 0:
            since = max(1, min(self._seen) - _MARK_BEHIND_NS // 2)
        if len(self._seen) > _MARK_EVERY and last - _MARK_BEHIND_NS > since:
            since = last - _MARK_BEHIND_NS
            self._seen = [at for at in self._seen if at >= since]
        before = self.position
        self.position = LogPosition(
            before.task_id, before.container, since, len(self._seen), last, before.offset + events
        )
        return self.position

    def _is_not_the_mark(self, line: Line) -> bool:
        """The engine dropped what was marked: what is stored is then known by its time."""
        return self.position.since_ns > 0 and line.at_ns > self.position.since_ns + _MARK_BEHIND_NS


async def _gather(queue: asyncio.Queue[Line | None]) -> list[Line] | None:
    """Return the lines of a moment, as soon as there is one; None at the end."""
    first = await queue.get()
    if first is None:
        return None
    if queue.empty():
        await asyncio.sleep(_GATHER_SECONDS)
    lines = [first]
    while not queue.empty() and len(lines) < _MOST_WAITING:
        line = queue.get_nowait()
        if line is None:
            queue.put_nowait(None)
            break
        lines.append(line)
    return lines
