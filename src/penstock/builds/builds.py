"""The façade of builds: start one, look at it, stop it. The work itself is `runner.py`'s.

Events (in the outbox, in the transaction of what they tell): `build.Started`,
`build.PhaseChanged` and `build.Completed`, with the build's id as their subject.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from penstock.arns import arn, resource_of
from penstock.aws.errors import ServiceError
from penstock.builds import project as projects
from penstock.builds.build import (
    Build,
    BuildPhase,
    BuildStatus,
    PhaseContext,
    PhaseType,
    StartBuild,
    Step,
    log_place,
    phase_from_json,
    phase_to_json,
)
from penstock.builds.completion import complete
from penstock.builds.configuration import effective_configuration
from penstock.builds.phases import close
from penstock.clock import Clock
from penstock.config import Config
from penstock.ids import derived_uuid, new_uuid
from penstock.storage import builds as storage
from penstock.storage import resources
from penstock.storage.builds import BuildRow
from penstock.storage.database import Database
from penstock.storage.outbox import publish

IDEMPOTENCY_WINDOW = timedelta(minutes=5)
"""How long a caller's idempotencyToken holds; source: API_StartBuild, idempotencyToken."""


class Builds:
    """Builds of one server. Safe to call from any coroutine of its event loop."""

    def __init__(self, database: Database, config: Config, clock: Clock) -> None:
        self.database = database
        self.config = config
        self.clock = clock
        self._wake: Callable[[], None] | None = None
        self._stop_requested: Callable[[str], None] | None = None

    def attach(self, wake: Callable[[], None], stop_requested: Callable[[str], None]) -> None:
        """Name whom to tell of a stored build and of a stored stop (its id): the runner."""
        self._wake, self._stop_requested = wake, stop_requested

    async def start(self, start: StartBuild) -> Build:
        """Store a build to be run, and return it; repeating the same request finds the first.

        Raises ServiceError: ResourceNotFoundException for an unknown project,
        InvalidInputException for overrides that cannot be followed or for a token that
        was used for another request.
        """
        now = self.clock()
        row = await self.database.write(lambda connection: self._start(connection, start, now))
        self._tell()
        return build_from_row(row)

    def _start(self, connection: sa.Connection, start: StartBuild, now: datetime) -> BuildRow:
        name = projects.name_of(start.project_name)
        found = resources.get(connection, projects.SERVICE, projects.RESOURCE_TYPE, name)
        repeated = self._repetition(connection, name, start, now)
        if repeated is not None:
            return repeated
        if found is None:
            raise projects.project_not_found(self.config.region, self.config.account_id, name)
        version = start.overrides.get("sourceVersion") or found.document.get("sourceVersion")
        if start.source is not None:
            version = f"arn:aws:s3:::{start.source.primary.bucket}/{start.source.primary.key}"
        return self._insert(
            connection,
            name,
            configuration=effective_configuration(found.document, start),
            start=start,
            source_version=version,
            now=now,
        )

    def _repetition(
        self, connection: sa.Connection, name: str, start: StartBuild, now: datetime
    ) -> BuildRow | None:
        if not start.idempotency_token:
            return None
        since = None if start.source is not None else now - IDEMPOTENCY_WINDOW
        row = storage.find_by_token(connection, name, start.idempotency_token, since)
        if row is not None and row.request_digest != request_digest(start):
            raise ServiceError(
                "InvalidInputException",
                "Parameter mismatch: the idempotency token was already used with other parameters",
            )
        return row

    def _insert(
        self,
        connection: sa.Connection,
        name: str,
        *,
        configuration: dict[str, Any],
        start: StartBuild,
        source_version: str | None,
        now: datetime,
    ) -> BuildRow:
        uuid = new_uuid()
        if start.source is not None and start.idempotency_token:
            uuid = derived_uuid("build", name, start.idempotency_token)
        done = BuildPhase(PhaseType.SUBMITTED, now, BuildStatus.SUCCEEDED, now, (PhaseContext(),))
        row = BuildRow(
            id=f"{name}:{uuid}",
            uuid=uuid,
            arn=self._arn(f"{name}:{uuid}"),
            project_name=name,
            number=storage.next_number(connection, name),
            status=BuildStatus.IN_PROGRESS.value,
            step=Step.QUEUED.value,
            phases=[phase_to_json(done), phase_to_json(BuildPhase(PhaseType.QUEUED, now))],
            configuration=configuration,
            pipeline=start.source.to_json() if start.source else None,
            initiator=start.initiator,
            idempotency_token=start.idempotency_token,
            request_digest=request_digest(start),
            source_version=source_version,
            resolved_source_version=start.source.revision_id if start.source else None,
            created_at=now,
        )
        storage.insert(connection, row)
        publish(connection, "build.Started", row.id, {"project": name, "uuid": uuid}, now)
        return row

    def _arn(self, build_id: str) -> str:
        return arn("codebuild", self.config.region, self.config.account_id, f"build/{build_id}")

    async def get(self, build_id: str) -> Build | None:
        """Return the build with this id (`project:uuid`) or ARN, or None."""
        plain = resource_of(build_id, "build/") or build_id
        row = await self.database.read(lambda connection: storage.get(connection, plain))
        return build_from_row(row) if row else None

    async def stop(self, build_id: str) -> Build | None:
        """Ask for the build's end and return it, or None when there is no such build.

        One that still waits in its queue ends STOPPED at once, whether or not there is an
        engine; another one soon afterwards. One that has ended stays as it is. Safe to repeat.
        """
        build = await self.get(build_id)
        if build is None:
            return None
        now = self.clock()

        def work(connection: sa.Connection) -> None:
            if storage.request_stop(connection, build.id, now):
                _stop_queued(connection, build.id, now)

        await self.database.write(work)
        if self._stop_requested is not None:
            self._stop_requested(build.id)
        return await self.get(build.id)

    async def retry(self, build_id: str, token: str | None, initiator: str) -> Build | None:
        """Store a new build with the configuration of a former one, or None if it is unknown.

        Raises InvalidInputException for a build of a pipeline, which only its pipeline retries.
        """
        former = await self.get(build_id)
        if former is None:
            return None
        start = StartBuild(former.project_name, token, initiator, overrides={"retry": former.id})
        now = self.clock()

        def work(connection: sa.Connection) -> BuildRow:
            row = storage.get(connection, former.id)
            if row is None or row.pipeline is not None:
                raise projects.invalid(
                    f"Build {former.id} was started by a pipeline: retry the pipeline's stage"
                )
            return self._repetition(connection, row.project_name, start, now) or self._insert(
                connection,
                row.project_name,
                configuration=dict(row.configuration),
                start=start,
                source_version=row.source_version,
                now=now,
            )

        row = await self.database.write(work)
        self._tell()
        return build_from_row(row)

    async def list(
        self, *, project_name: str | None, descending: bool, after: int | None, limit: int
    ) -> Sequence[tuple[int, str]]:
        """Return (ordinal, id) of builds in their order of start, beyond ordinal `after`."""
        return await self.database.read(
            lambda connection: storage.list_ids(
                connection,
                project_name=project_name,
                descending=descending,
                after_ordinal=after,
                limit=limit,
            )
        )

    async def delete(self, build_id: str) -> bool:
        """Remove a build that has ended; return whether one was removed."""
        return await self.database.write(lambda c: storage.delete(c, build_id))

    async def project_exists(self, name: str) -> bool:
        """Tell whether there is a project of this name."""
        found = await self.database.read(
            lambda c: resources.get(c, projects.SERVICE, projects.RESOURCE_TYPE, name)
        )
        return found is not None

    def _tell(self) -> None:
        if self._wake is not None:
            self._wake()


def _stop_queued(connection: sa.Connection, build_id: str, now: datetime) -> None:
    row = storage.get(connection, build_id)
    if row is None or row.step != Step.QUEUED:
        return
    *before, queued = [phase_from_json(phase) for phase in row.phases]
    stopped = close(queued, BuildStatus.STOPPED, now, PhaseContext())
    complete(connection, row, [*before, stopped], now)


def request_digest(start: StartBuild) -> str:
    """Return what two requests share exactly when they ask for the same."""
    document = {
        "overrides": dict(start.overrides),
        "environment": [[v.name, v.value, v.type] for v in start.environment_overrides],
        "source": start.source.to_json() if start.source else None,
    }
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def build_from_row(row: BuildRow) -> Build:
    """Return the stored build as its domain value."""
    phases = tuple(phase_from_json(phase) for phase in row.phases)
    group, stream = log_place(row.configuration, row.project_name, row.uuid)
    return Build(
        id=row.id,
        uuid=row.uuid,
        arn=row.arn,
        number=row.number,
        project_name=row.project_name,
        status=BuildStatus(row.status),
        current_phase=phases[-1].phase_type,
        phases=phases,
        configuration=row.configuration,
        initiator=row.initiator,
        start_time=row.created_at,
        end_time=row.ended_at,
        exported_variables=row.exported_variables,
        log_group=group,
        log_stream=stream,
        log_created=row.log_created,
        source_version=row.source_version,
        resolved_source_version=row.resolved_source_version,
        artifacts=row.artifacts,
    )
