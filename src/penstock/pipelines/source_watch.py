"""Looks at sources that nobody tells us of: other git hosts, and objects of S3.

What a place holds now is compared with what it held at the last look, which is stored with the
start of the pipeline: a change during a restart is found, and none counts twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.pipelines import triggers
from penstock.pipelines.snapshot import parsed
from penstock.repositories.remote import RemoteUnavailable
from penstock.storage import pipelines
from penstock.storage.database import Database
from penstock.storage.pipelines import SourceRow

_LOG = logging.getLogger(__name__)

Head = Callable[[Mapping[str, str]], Awaitable[str | None]]
"""An action's configuration → the revision that its place holds now, None for none."""

_NOTHING_THERE = {"NoSuchKey", "NoSuchBucket"}

LOCAL_SECONDS = 2.0
"""Between looks at this server's own objects."""


class SourceWatch:
    """Follows the sources of every pipeline. `heads` maps a provider to how its place is read."""

    def __init__(
        self,
        database: Database,
        heads: Mapping[str, Head],
        clock: Clock,
        remote_seconds: float,
    ) -> None:
        self._database = database
        self._heads = heads
        self._clock = clock
        self._seconds = {
            provider: LOCAL_SECONDS if provider == "S3" else remote_seconds for provider in heads
        }
        self._loops: list[asyncio.Task[None]] = []
        self._troubles: dict[tuple[str, str, str], str] = {}

    async def start(self) -> None:
        """Begin to look, each provider at its own pace."""
        self._loops = [asyncio.create_task(self._follow(provider)) for provider in self._heads]

    async def close(self) -> None:
        """Stop looking."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def look(self, provider: str) -> int:
        """Look once at every place of a provider; return how many executions that started."""
        rows = await self._database.read(lambda c: pipelines.sources_of(c, [provider]))
        places: dict[tuple[str, str, str], list[SourceRow]] = {}
        for row in rows:
            token_of = row.pipeline_id if provider == "GitHub" else ""  # each has its own token
            places.setdefault((token_of, row.repository, row.branch), []).append(row)
        started = 0
        for place, watching in places.items():
            revision = await self._revision(place, watching)
            if revision is not None:
                seen = partial(self._seen, watching, revision)
                started += await self._database.write(seen)
        return started

    async def _follow(self, provider: str) -> None:
        while True:
            try:
                await self.look(provider)
            except Exception:  # noqa: BLE001 - the loop's boundary: log, look again later
                _LOG.exception("sources of %s could not be looked at", provider)
            await asyncio.sleep(self._seconds[provider])

    async def _revision(
        self, place: tuple[str, str, str], watching: Sequence[SourceRow]
    ) -> str | None:
        configuration = await self._database.read(lambda c: _configuration(c, watching[0]))
        if configuration is None:
            return None
        try:
            revision = await self._heads[watching[0].provider](configuration) or ""
        except ServiceError as problem:
            if problem.code in _NOTHING_THERE:
                return ""
            self._say(place, f"{watching[0].branch} of {watching[0].repository}: {problem}")
            return None
        except (RemoteUnavailable, EngineError) as problem:
            self._say(place, f"{watching[0].branch} of {watching[0].repository}: {problem}")
            return None
        self._troubles.pop(place, None)
        return revision

    def _say(self, place: tuple[str, str, str], problem: str) -> None:
        """Log a trouble once, until it is another or over."""
        if self._troubles.get(place) != problem:
            self._troubles[place] = problem
            _LOG.warning("a source can't be looked at: %s", problem)

    def _seen(self, watching: Sequence[SourceRow], revision: str, connection: sa.Connection) -> int:
        now = self._clock()
        return sum(
            triggers.on_revision_seen(connection, source, revision, now) for source in watching
        )


def _configuration(connection: sa.Connection, source: SourceRow) -> Mapping[str, str] | None:
    """Return the action's configuration as it is now; None once it is gone."""
    pipeline = pipelines.get_by_id(connection, source.pipeline_id)
    if pipeline is None:
        return None
    actions = parsed(pipeline.document).stages[0].actions
    return next((a.configuration for a in actions if a.name == source.action_name), None)
