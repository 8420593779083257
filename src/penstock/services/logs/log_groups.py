"""Log groups, their streams, and writing and reading them by offset.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
Texts, also those of `api/`: as recorded from AWS in github.com/localstack/localstack
tests/aws/services/logs/*.snapshot.json (groups, streams, order and tokens of events, prefix and
pattern); the others are unverified.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.ids import new_uuid
from penstock.storage import log_streams, resources
from penstock.storage.database import Database
from penstock.storage.log_files import LogEvent, LogFiles
from penstock.storage.log_streams import StoredLogStream
from penstock.storage.resources import Resource, ResourceExists

_SERVICE, _GROUP = "logs", "log-group"
_EXPIRY_INTERVAL_SECONDS = 3600.0
_logger = logging.getLogger(__name__)


class Logs:
    """The account's log groups. `start` begins to expire old events, `close` ends it."""

    def __init__(
        self,
        database: Database,
        log_files: LogFiles,
        clock: Clock,
        *,
        account_id: str,
        region: str,
    ) -> None:
        self._database = database
        self.files = log_files
        self.clock = clock
        self._account_id = account_id
        self._region = region
        self._expiry: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Remove files that a crash left without a stream; expire events from now on."""
        known = await self._database.read(log_streams.ids)
        for stream_id in set(await self.files.stream_ids()) - known:
            await self.files.delete(stream_id)
        self._expiry = asyncio.create_task(self._expire_hourly(), name="penstock-log-expiry")

    async def close(self) -> None:
        """Stop expiring; repeating it does nothing."""
        if self._expiry is not None:
            self._expiry.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._expiry
            self._expiry = None

    async def create_group(
        self, name: str, *, log_class: str = "STANDARD", tags: Mapping[str, str] | None = None
    ) -> None:
        """Make a group; ServiceError when its name is taken."""
        now = self.clock()
        group = Resource(
            _SERVICE, _GROUP, name, self.group_arn(name), {"class": log_class}, tags or {}, now, now
        )  # fmt: skip
        try:
            await self._database.write(lambda c: resources.insert(c, group))
        except ResourceExists:
            raise ServiceError(
                "ResourceAlreadyExistsException", "The specified log group already exists"
            ) from None

    async def create_stream(self, group: str, name: str) -> None:
        """Make a stream; ServiceError when the group is absent or the name taken."""
        stream = StoredLogStream(group, name, new_uuid(), self.clock())

        def insert(connection: sa.Connection) -> bool:
            _existing_group(connection, group)
            return log_streams.insert(connection, stream)

        if not await self._database.write(insert):
            raise ServiceError(
                "ResourceAlreadyExistsException", "The specified log stream already exists"
            )

    async def ensure_group(self, name: str) -> None:
        """Make the group unless it is there."""
        try:
            await self.group(name)
        except ServiceError:
            with contextlib.suppress(ServiceError):  # made meanwhile
                await self.create_group(name)

    async def ensure_stream(self, group: str, stream: str) -> None:
        """Make the group and the stream unless they are there."""
        await self.ensure_group(group)
        try:
            await self.stream(group, stream)
        except ServiceError:
            with contextlib.suppress(ServiceError):  # made meanwhile
                await self.create_stream(group, stream)

    async def put(
        self, group: str, stream: str, events: Sequence[LogEvent], at_offset: int | None = None
    ) -> int:
        """Append `events` and return the next offset, once they are durable.

        With `at_offset`, the offset of the first of them, repeating is safe. Raises
        ServiceError when group or stream are absent.
        """
        stored = await self.stream(group, stream)
        now_ms = milliseconds(self.clock())
        arrived = [replace(event, ingested_ms=now_ms) for event in events]
        return await self.files.append(stored.id, arrived, at_offset)

    async def read(
        self, group: str, stream: str, offset: int, limit: int
    ) -> tuple[list[LogEvent], int]:
        """Return at most `limit` events from `offset` on, and the offset after them."""
        return await self.files.read((await self.stream(group, stream)).id, offset, limit)

    async def size(self, group: str, stream: str) -> int:
        """Return the offset after the stream's last event."""
        return await self.files.size((await self.stream(group, stream)).id)

    async def follow(
        self, group: str, stream: str, offset: int = 0
    ) -> AsyncIterator[tuple[list[LogEvent], int]]:
        """Yield events from `offset` on, with the offset after them, as they come.

        Ends when the stream is deleted; otherwise it is the caller who stops.
        """
        stored = await self.stream(group, stream)
        async for page in self.files.follow(stored.id, offset):
            yield page

    async def group(self, name: str) -> Resource:
        """Return the group; ServiceError when there is none."""
        return await self._database.read(lambda c: _existing_group(c, name))

    async def groups(self, prefix: str = "") -> list[Resource]:
        """Return the groups whose names start with `prefix`, in order of name."""
        return await self._database.read(
            lambda c: resources.scan(c, _SERVICE, _GROUP, prefix=prefix)
        )

    async def stream(self, group: str, name: str) -> StoredLogStream:
        """Return the stream; ServiceError when it or its group is absent."""

        def get(connection: sa.Connection) -> StoredLogStream:
            stored = log_streams.get(connection, group, name)
            if stored is None:
                _existing_group(connection, group)
                raise ServiceError(
                    "ResourceNotFoundException", "The specified log stream does not exist."
                )
            return stored

        return await self._database.read(get)

    async def streams(self, group: str, prefix: str = "") -> list[StoredLogStream]:
        """Return the group's streams in order of name; ServiceError without such a group."""

        def scan(connection: sa.Connection) -> list[StoredLogStream]:
            _existing_group(connection, group)
            return log_streams.scan(connection, group, prefix)

        return await self._database.read(scan)

    async def delete_group(self, name: str) -> None:
        """Remove the group with its streams and events; ServiceError when there is none."""

        def delete(connection: sa.Connection) -> list[str]:
            _existing_group(connection, name)
            resources.delete(connection, _SERVICE, _GROUP, name)
            return log_streams.delete(connection, name)

        for stream_id in await self._database.write(delete):
            await self.files.delete(stream_id)

    async def delete_stream(self, group: str, name: str) -> None:
        """Remove the stream with its events; ServiceError when it or its group is absent."""
        await self.stream(group, name)
        for stream_id in await self._database.write(lambda c: log_streams.delete(c, group, name)):
            await self.files.delete(stream_id)

    async def set_retention(self, name: str, days: int | None) -> None:
        """Keep the group's events for `days`; None keeps them for ever."""
        await self._update(name, lambda group: {"document": {**group.document, "retention": days}})

    async def set_tags(
        self, name: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> None:
        """Replace the group's tags by what `change` makes of them, in one unit of work."""
        await self._update(name, lambda group: {"tags": change(group.tags)})

    async def expire(self) -> None:
        """Free the space of events older than their group's retention."""
        for group in await self.groups():
            oldest_ms = expired_before_ms(group, self.clock())
            if oldest_ms is not None:
                for stream in await self.streams(group.name):
                    await self.files.drop_before(stream.id, oldest_ms)

    def group_arn(self, name: str) -> str:
        """Return the group's ARN, without the trailing `:*` that means its streams."""
        return arn(_SERVICE, self._region, self._account_id, f"log-group:{name}")

    async def _update(self, name: str, change: Callable[[Resource], Mapping[str, Any]]) -> None:
        def update(connection: sa.Connection) -> None:
            group = _existing_group(connection, name)
            resources.update(connection, _SERVICE, _GROUP, name, now=self.clock(), **change(group))

        await self._database.write(update)

    async def _expire_hourly(self) -> None:
        while True:
            try:
                await self.expire()
            except (EngineError, ServiceError, OSError):
                _logger.warning(
                    "old log events were not removed; trying again later", exc_info=True
                )
            await asyncio.sleep(_EXPIRY_INTERVAL_SECONDS)


def _existing_group(connection: sa.Connection, name: str) -> Resource:
    group = resources.get(connection, _SERVICE, _GROUP, name)
    if group is None:
        raise ServiceError("ResourceNotFoundException", "The specified log group does not exist.")
    return group


def expired_before_ms(group: Resource, now: datetime) -> int | None:
    """Return the time before which the group's events are no longer shown; None: all are."""
    days = group.document.get("retention")
    return None if days is None else milliseconds(now - timedelta(days=days))


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since the epoch, CloudWatch Logs' unit of time."""
    return int(moment.timestamp() * 1000)
