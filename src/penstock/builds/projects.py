"""The build projects of the account: kept, checked against AWS's rules, never half changed."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import sqlalchemy as sa

from penstock.aws import tags as tagging
from penstock.aws.errors import ServiceError
from penstock.builds.credentials import SERVICE_PRINCIPAL
from penstock.builds.project import (
    RESOURCE_TYPE,
    SERVICE,
    check_project,
    check_role,
    invalid,
    name_of,
    project_arn,
    project_not_found,
)
from penstock.clock import Clock
from penstock.config import Config
from penstock.errors import EngineError
from penstock.services.sts import Sts
from penstock.storage import resources
from penstock.storage.database import Database
from penstock.storage.resources import Resource, ResourceExists

_LOG = logging.getLogger(__name__)
_CHECK_SESSION = "CodeBuild-CreateProject"


class Projects:
    """Projects of one account and region.

    `forget_cache` drops what is kept between a project's builds, by the project's ARN.
    """

    def __init__(
        self,
        database: Database,
        config: Config,
        clock: Clock,
        sts: Sts,
        forget_cache: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._database = database
        self._config = config
        self._clock = clock
        self._sts = sts
        self._forget_cache = forget_cache

    def arn(self, name: str) -> str:
        """Return the ARN that a project of this name has, whether or not it exists."""
        return project_arn(self._config.region, self._config.account_id, name)

    async def create(
        self, name: str, document: Mapping[str, Any], tags: Mapping[str, str]
    ) -> Resource:
        """Keep a new project.

        Raises ResourceAlreadyExistsException, or InvalidInputException.
        """
        check_project(document)
        await self._check_trust(document["serviceRole"])
        now = self._clock()
        resource = Resource(SERVICE, RESOURCE_TYPE, name, self.arn(name), document, tags, now, now)
        try:
            await self._database.write(lambda c: resources.insert(c, resource))
        except ResourceExists:
            raise ServiceError(  # text: moto codebuild/responses.py
                "ResourceAlreadyExistsException", f"Project already exists: {self.arn(name)}"
            ) from None
        return resource

    async def update(
        self,
        name_or_arn: str,
        changes: Mapping[str, Any],
        tags: Mapping[str, str] | None,
        *,
        via: str | None = None,
    ) -> Resource:
        """Replace the given members of a project and return it.

        AWS's own tags stay, unless `via` is CloudFormation, which sets them.

        Raises ResourceNotFoundException, or InvalidInputException.
        """
        name, now = name_of(name_or_arn), self._clock()
        if "serviceRole" in changes:
            check_role(changes["serviceRole"])
            await self._check_trust(changes["serviceRole"])

        def work(connection: sa.Connection) -> Resource:
            found = resources.get(connection, SERVICE, RESOURCE_TYPE, name)
            if found is None:
                raise project_not_found(self._config.region, self._config.account_id, name)
            document = {**found.document, **changes}
            if document.get("concurrentBuildLimit") == -1:  # AWS's way to lift the limit
                del document["concurrentBuildLimit"]
            check_project(document)
            kept = None if tags is None else tagging.replaced(found.tags, tags, via)
            resources.update(
                connection, SERVICE, RESOURCE_TYPE, name, now=now, document=document, tags=kept
            )
            updated = resources.get(connection, SERVICE, RESOURCE_TYPE, name)
            assert updated is not None
            return updated

        return await self._database.write(work)

    async def delete(self, name_or_arn: str) -> None:
        """Remove a project; its builds stay. Removing an unknown one is no error, as on AWS.

        Caches that cannot be removed now wait for the pool to be trimmed.
        """
        name = name_of(name_or_arn)
        removed = await self._database.write(
            lambda c: resources.delete(c, SERVICE, RESOURCE_TYPE, name)
        )
        if removed and self._forget_cache is not None:
            try:
                await self._forget_cache(self.arn(name))
            except EngineError as error:
                _LOG.warning("the caches of project %s are left: %s", name, error)

    async def get(self, name_or_arn: str) -> Resource | None:
        """Return the project, or None."""
        name = name_of(name_or_arn)
        return await self._database.read(lambda c: resources.get(c, SERVICE, RESOURCE_TYPE, name))

    async def existing(self, name_or_arn: str) -> Resource:
        """Return the project; raise ResourceNotFoundException."""
        found = await self.get(name_or_arn)
        if found is None:
            raise project_not_found(
                self._config.region, self._config.account_id, name_of(name_or_arn)
            )
        return found

    async def all(self) -> list[Resource]:
        """Return every project in order of name."""
        return await self._database.read(lambda c: resources.scan(c, SERVICE, RESOURCE_TYPE))

    async def invalidate_cache(self, name: str) -> None:
        """Drop what is kept between the project's builds; raise ResourceNotFoundException."""
        project = await self.existing(name)
        if self._forget_cache is not None:
            await self._forget_cache(project.arn)

    async def _check_trust(self, role_arn: str) -> None:
        """Raise AWS's error unless CodeBuild may assume the role."""
        try:
            issued = await self._sts.assume_role_for_service(
                role_arn, SERVICE_PRINCIPAL, _CHECK_SESSION, 900
            )
        except ServiceError:
            # https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html
            raise invalid(
                f"CodeBuild is not authorized to perform: sts:AssumeRole on {role_arn}"
            ) from None
        await self._sts.revoke(issued.access_key_id)
