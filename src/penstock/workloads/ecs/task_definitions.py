"""Task definitions: families of numbered revisions. A revision never changes.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definitions.html
Texts: as recorded in moto's ecs/models.py, whose wording AWS's users print too.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.arns import arn, resource_of
from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.storage import resources
from penstock.storage.database import Database
from penstock.storage.resources import Resource
from penstock.workloads.ecs.task_definition import TaskDefinition

__all__ = ["ACTIVE", "DELETE_IN_PROGRESS", "INACTIVE", "TaskDefinition", "TaskDefinitions", "split"]

SERVICE, TYPE, FAMILY_TYPE = "ecs", "task-definition", "task-definition-family"
ACTIVE, INACTIVE, DELETE_IN_PROGRESS = "ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"


class TaskDefinitions:
    """The account's task definitions."""

    def __init__(self, database: Database, clock: Clock, *, account_id: str, region: str) -> None:
        self._database = database
        self._clock = clock
        self._account_id = account_id
        self._region = region

    async def get(self, family_or_arn: str) -> TaskDefinition | None:
        """Return what `family` (its newest ACTIVE revision), `family:revision` or an ARN of either
        form means, or None. A revision by number may be INACTIVE."""
        return await self._database.read(lambda c: _find(c, family_or_arn))

    async def usable(self, family_or_arn: str) -> TaskDefinition:
        """Return an ACTIVE revision to start tasks with; raise ClientException."""
        found = await self.get(family_or_arn)
        if found is None:
            raise ServiceError("ClientException", "TaskDefinition not found.")
        if found.status != ACTIVE:
            raise ServiceError("ClientException", "TaskDefinition is inactive")
        return found

    async def register(
        self, document: Mapping[str, Any], registered_by: str, tags: Mapping[str, str]
    ) -> TaskDefinition:
        """Store the next revision of the document's family. It must be valid (`registration`)."""
        now = self._clock()
        family = str(document["family"])

        def register(connection: sa.Connection) -> TaskDefinition:
            revision = _next_revision(connection, family, now)
            made = TaskDefinition(
                family,
                revision,
                arn(
                    SERVICE, self._region, self._account_id, f"task-definition/{family}:{revision}"
                ),
                ACTIVE,
                document,
                now,
                registered_by,
                tags=tags,
            )
            row = Resource(
                SERVICE, TYPE, _key(family, revision), made.arn, _stored(made), tags, now, now
            )
            resources.insert(connection, row)
            return made

        return await self._database.write(register)

    async def deregister(self, family_and_revision: str) -> TaskDefinition:
        """Make a revision INACTIVE: no task is started with it. Raise ClientException."""
        now = self._clock()
        return await self._change(
            family_and_revision,
            lambda found: (
                replace(found, status=INACTIVE, deregistered_at=now)
                if found.status == ACTIVE
                else found
            ),
        )

    async def delete(self, family_and_revision: str) -> TaskDefinition:
        """Mark an INACTIVE revision as DELETE_IN_PROGRESS; tasks that run go on.

        Its number is not used again. Raise ClientException.
        """

        def deleted(found: TaskDefinition) -> TaskDefinition:
            if found.status == ACTIVE:
                raise ServiceError(
                    "ClientException",
                    "The specified task definition is still in ACTIVE status. Please deregister "
                    "the target and try again.",
                )
            return replace(found, status=DELETE_IN_PROGRESS)

        return await self._change(family_and_revision, deleted)

    async def all(self, family: str | None = None) -> list[TaskDefinition]:
        """Return every revision in order of family and number; of one family if given."""
        prefix = "" if family is None else f"{family}:"
        found = await self._database.read(lambda c: resources.scan(c, SERVICE, TYPE, prefix=prefix))
        return sorted(map(_definition, found), key=lambda each: (each.family, each.revision))

    async def set_tags(
        self, family_and_revision: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> TaskDefinition:
        """Replace a revision's tags by what `change` makes of them; raise ClientException."""
        return await self._change(
            family_and_revision, lambda found: replace(found, tags=change(found.tags))
        )

    async def _change(
        self, family_and_revision: str, change: Callable[[TaskDefinition], TaskDefinition]
    ) -> TaskDefinition:
        now = self._clock()

        def update(connection: sa.Connection) -> TaskDefinition:
            changed = change(_by_revision(connection, family_and_revision))
            key = _key(changed.family, changed.revision)
            resources.update(
                connection, SERVICE, TYPE, key, now=now, document=_stored(changed),
                tags=changed.tags,
            )  # fmt: skip
            return changed

        return await self._database.write(update)


def split(family_or_arn: str) -> tuple[str, int | None]:
    """Return (family, revision) of `family`, `family:3` or an ARN; the revision may be absent."""
    name = resource_of(family_or_arn, "task-definition/") or family_or_arn
    family, _, revision = name.partition(":")
    return family, int(revision) if revision.isdecimal() else None


def _find(connection: sa.Connection, family_or_arn: str) -> TaskDefinition | None:
    family, revision = split(family_or_arn)
    if revision is not None:
        found = resources.get(connection, SERVICE, TYPE, _key(family, revision))
        return None if found is None else _definition(found)
    revisions = resources.scan(connection, SERVICE, TYPE, prefix=f"{family}:")
    active = [each for each in map(_definition, revisions) if each.status == ACTIVE]
    return active[-1] if active else None


def _by_revision(connection: sa.Connection, family_and_revision: str) -> TaskDefinition:
    if split(family_and_revision)[1] is None:
        raise ServiceError("InvalidParameterException", "Missing revision.")
    found = _find(connection, family_and_revision)
    if found is None:
        raise ServiceError("ClientException", "The specified task definition does not exist.")
    return found


def _next_revision(connection: sa.Connection, family: str, now: datetime) -> int:
    found = resources.get(connection, SERVICE, FAMILY_TYPE, family)
    if found is None:
        document = {"lastRevision": 1}
        row = Resource(SERVICE, FAMILY_TYPE, family, "", document, {}, now, now)
        resources.insert(connection, row)
        return 1
    revision = int(found.document["lastRevision"]) + 1
    resources.update(
        connection, SERVICE, FAMILY_TYPE, family, now=now, document={"lastRevision": revision}
    )
    return revision


def _key(family: str, revision: int) -> str:
    return f"{family}:{revision:09d}"


def _stored(definition: TaskDefinition) -> dict[str, Any]:
    gone = definition.deregistered_at
    return {
        "status": definition.status,
        "registeredBy": definition.registered_by,
        "deregisteredAt": None if gone is None else gone.isoformat(),
        "taskDefinition": dict(definition.document),
    }


def _definition(found: Resource) -> TaskDefinition:
    family, _, revision = found.name.rpartition(":")
    gone = found.document["deregisteredAt"]
    return TaskDefinition(
        family,
        int(revision),
        found.arn,
        found.document["status"],
        found.document["taskDefinition"],
        found.created_at,
        found.document["registeredBy"],
        None if gone is None else datetime.fromisoformat(gone),
        found.tags,
    )
