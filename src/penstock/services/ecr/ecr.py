"""ECR's domain: repositories kept here, images in the registry, tokens for both.

Nothing here needs a container engine until an image is asked for; then the error says so.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.service import Authorize
from penstock.clock import Clock
from penstock.services.ecr import repositories as stored
from penstock.services.ecr.images import (
    Image,
    Record,
    drop_records,
    keep_record,
    look_at,
    read_records,
    tags_by_digest,
    with_tags,
)
from penstock.services.ecr.registry_client import RegistryClient
from penstock.services.ecr.repositories import Repository
from penstock.services.ecr.tokens import Access, TokenSigner
from penstock.storage import resources
from penstock.storage.database import Database

_OWN_LIFETIME = timedelta(hours=1)
_OWN_SUBJECT = "penstock"


class Ecr:
    """One account's registry in one region.

    `registry_url` gives the registry's address (https://127.0.0.1:PORT), None while it does
    not run; `ca` is the file of the CA that signed its certificate.
    """

    def __init__(
        self,
        database: Database,
        authorize: Authorize,
        clock: Clock,
        *,
        registry_url: Callable[[], str | None],
        ca: Path | None,
        signing_key_pem: bytes,
        signing_certificate_pem: bytes,
        account_id: str,
        region: str,
    ) -> None:
        self.database = database
        self.authorize = authorize
        self.clock = clock
        self.account_id = account_id
        self.region = region
        self.signer = TokenSigner(signing_key_pem, signing_certificate_pem)
        self.client = RegistryClient(registry_url, ca, self.mint)

    async def close(self) -> None:
        """Close the connections to the registry."""
        await self.client.close()

    @property
    def host(self) -> str:
        """The registry's name as AWS writes it in image names."""
        return f"{self.account_id}.dkr.ecr.{self.region}.amazonaws.com"

    def arn(self, name: str) -> str:
        """Return the ARN that a repository of this name has, whether or not it exists."""
        return arn("ecr", self.region, self.account_id, f"repository/{name}")

    def mint(self, repository: str, actions: Sequence[str]) -> str:
        """Return a bearer token (1 hour) by which the server itself uses the registry."""
        return self.signer.bearer(
            _OWN_SUBJECT,
            [Access(repository, actions)],
            now=self.clock(),
            lifetime=_OWN_LIFETIME,
        )

    async def repository(self, name: str, registry_id: str | None = None) -> Repository:
        """Return a repository; raise RepositoryNotFoundException."""
        registry = registry_id or self.account_id
        return await self.database.read(lambda c: stored.load(c, name, registry))

    async def repositories(self) -> list[Repository]:
        """Return every repository in order of name."""
        return await self.database.read(stored.load_all)

    async def create(self, name: str, tags: Mapping[str, str], scan_on_push: bool) -> Repository:
        """Make a repository; raise RepositoryAlreadyExistsException."""
        repository = Repository(
            name, self.arn(name), self.account_id, scan_on_push, dict(tags), self.clock()
        )
        await self.database.write(lambda c: stored.insert(c, repository))
        return repository

    async def delete(self, repository: Repository, *, force: bool) -> None:
        """Remove a repository with its images; raise RepositoryNotEmptyException without force."""
        images = await self.images(repository)
        if images and not force:
            raise ServiceError(
                "RepositoryNotEmptyException",
                f"The repository with name '{repository.name}' in registry with id "
                f"'{repository.registry_id}' cannot be deleted because it still contains images",
            )
        for image in images:
            await self.client.delete_manifest(repository.name, image.digest)

        def forget(connection: sa.Connection) -> None:
            resources.delete(connection, stored.SERVICE, stored.TYPE, repository.name)
            drop_records(
                connection, repository.name, list(read_records(connection, repository.name))
            )

        await self.database.write(forget)

    async def images(self, repository: Repository) -> list[Image]:
        """Return the images that the registry has now, oldest push first.

        What it has and no record tells of is recorded now; records of images that are gone
        are dropped.
        """
        name = repository.name
        tags = await tags_by_digest(self.client, name)
        records = await self.database.read(lambda c: read_records(c, name))
        now = self.clock()
        unknown = [digest for digest in tags if digest not in records]
        new = [
            found
            for digest in unknown
            if (found := await look_at(self.client, name, digest, now, None)) is not None
        ]
        untagged = [digest for digest in records if digest not in tags]
        present = await asyncio.gather(*(self.client.digest(name, d) for d in untagged))
        gone = [d for d, found in zip(untagged, present, strict=True) if found is None]
        if new or gone:
            await self.database.write(lambda c: self._reconcile(c, repository, new, gone))
        records = {digest: one for digest, one in records.items() if digest not in gone}
        records.update({one.digest: one for one in new})
        return with_tags(records, tags)

    async def record_push(
        self, name: str, digest: str, pushed_at: datetime, pushed_by: str | None
    ) -> None:
        """Record a push that the registry told of; unknown repositories are ignored."""
        try:
            repository = await self.repository(name)
        except ServiceError:
            return
        by = None if pushed_by == _OWN_SUBJECT else pushed_by
        record = await look_at(self.client, name, digest, pushed_at, by)
        if record is not None:
            await self.database.write(lambda c: keep_record(c, name, repository.arn, record))

    async def set_tags(self, repository: Repository, tags: Mapping[str, str]) -> Repository:
        """Replace a repository's tags."""
        now = self.clock()
        await self.database.write(
            lambda c: resources.update(
                c, stored.SERVICE, stored.TYPE, repository.name, now=now, tags=tags
            )
        )
        return replace(repository, tags=dict(tags))

    async def set_scan_on_push(self, repository: Repository, scan_on_push: bool) -> None:
        """Keep whether pushed images shall be scanned."""
        now = self.clock()
        document = {"registry_id": repository.registry_id, "scan_on_push": scan_on_push}
        await self.database.write(
            lambda c: resources.update(
                c, stored.SERVICE, stored.TYPE, repository.name, now=now, document=document
            )
        )

    def _reconcile(
        self,
        connection: sa.Connection,
        repository: Repository,
        new: Sequence[Record],
        gone: Sequence[str],
    ) -> None:
        known = read_records(connection, repository.name)
        for record in new:
            if record.digest not in known:  # a notification may have come meanwhile
                keep_record(connection, repository.name, repository.arn, record)
        drop_records(connection, repository.name, gone)
