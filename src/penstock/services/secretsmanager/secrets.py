"""The account's secrets: found by name or ARN, changed in one unit of work, read decrypted.

Texts of missing, existing and deleted secrets: as recorded from AWS in
github.com/localstack/localstack tests/aws/services/secretsmanager/*.snapshot.json; the others
of this service: moto secretsmanager/exceptions.py and models.py, or unverified.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.ids import new_alphanumeric
from penstock.services.secretsmanager.secret import (
    CURRENT,
    Secret,
    Version,
    from_document,
    to_document,
)
from penstock.storage import resources
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.resources import Resource

_SERVICE, _TYPE = "secretsmanager", "secret"
_ANY_END = "-??????"
"""What stands for an ARN's random characters where only the name is known."""


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A secret and its tags."""

    secret: Secret
    tags: Mapping[str, str]


class Secrets:
    """Secrets with values encrypted by `cipher`."""

    def __init__(
        self, database: Database, cipher: Cipher, clock: Clock, *, account_id: str, region: str
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._account_id = account_id
        self._region = region

    async def value(
        self,
        secret_id: str,
        json_key: str | None = None,
        version_stage: str | None = None,
        version_id: str | None = None,
    ) -> str:
        """Return a secret's text, or the text of one key of the JSON object that it is.

        The version is that of the id and stage, AWSCURRENT when neither is given. Raises
        ServiceError as GetSecretValue does, and InvalidRequestException when the value is
        binary, no JSON object, or without the key.
        """
        secret = (await self.usable(secret_id)).secret
        version = secret.versions[find_version(secret, version_id, version_stage)]
        if version.binary:
            raise ServiceError(
                "InvalidRequestException",
                f"expected a text in secret {secret.name}, found binary data",
            )
        text = self.open_text(version)
        return text if json_key is None else _member(secret.name, text, json_key)

    async def arn(self, secret_id: str) -> str:
        """Return the ARN of the secret of that name or ARN; ServiceError when there is none."""
        return (await self.find(secret_id)).secret.arn

    async def resource_meant(self, resource: str) -> str:
        """Return the ARN of the secret that an ARN with `-??????` for its random end, or without
        one, names; any other text as it is.
        """
        prefix = arn(_SERVICE, self._region, self._account_id, "secret:")
        by_name = resource.startswith(prefix) and resource.endswith(_ANY_END)
        secret_id = resource.removeprefix(prefix).removesuffix(_ANY_END) if by_name else resource
        try:
            return await self.arn(secret_id)
        except ServiceError:
            return resource

    async def find(self, secret_id: str) -> StoredSecret:
        """Return the secret of that name or (partial) ARN, be it marked for deletion."""
        return await self._database.read(lambda c: _find(c, secret_id, self._clock()))

    async def usable(self, secret_id: str) -> StoredSecret:
        """As `find`; ServiceError when the secret is marked for deletion."""
        stored = await self.find(secret_id)
        refuse_deleted(stored.secret)
        return stored

    async def all(self) -> list[StoredSecret]:
        """Return every secret, those marked for deletion too, in order of name."""
        now = self._clock()
        found = await self._database.read(lambda c: resources.scan(c, _SERVICE, _TYPE))
        stored = [_stored(resource) for resource in found]
        return [one for one in stored if not one.secret.gone(now)]

    async def create(
        self,
        name: str,
        make: Callable[[Secret], StoredSecret],
        repeats: Callable[[Secret], bool],
    ) -> Secret:
        """Store what `make` adds to a new, empty secret, and return it.

        When there is one of that name, return it if `repeats` says that this request made
        it; otherwise raise ServiceError.
        """
        now = self._clock()
        arn = self.new_arn(name)

        def insert(connection: sa.Connection) -> Secret:
            found = resources.get(connection, _SERVICE, _TYPE, name)
            existing = None if found is None else _stored(found).secret
            if existing is not None and not existing.gone(now):
                _refuse_unless(existing, repeats)
                return existing
            resources.delete(connection, _SERVICE, _TYPE, name)
            made = make(Secret(name, arn, now, now))
            document = to_document(made.secret)
            resources.insert(
                connection, Resource(_SERVICE, _TYPE, name, arn, document, made.tags, now, now)
            )
            return made.secret

        return await self._database.write(insert)

    async def change(
        self, secret_id: str, change: Callable[[StoredSecret], StoredSecret]
    ) -> StoredSecret:
        """Replace the secret by what `change` makes of it, in one unit of work."""
        now = self._clock()

        def update(connection: sa.Connection) -> StoredSecret:
            before = _find(connection, secret_id, now)
            after = change(before)
            if after != before:
                document = to_document(after.secret)
                resources.update(
                    connection, _SERVICE, _TYPE, after.secret.name,
                    now=now, document=document, tags=after.tags,
                )  # fmt: skip
            return after

        return await self._database.write(update)

    async def remove(self, name: str) -> None:
        """Forget the secret at once, and for good."""
        await self._database.write(lambda c: resources.delete(c, _SERVICE, _TYPE, name))

    def new_arn(self, name: str) -> str:
        """Return an ARN of that name, with six random characters as AWS adds them."""
        return arn(_SERVICE, self._region, self._account_id, f"secret:{name}-{new_alphanumeric(6)}")

    def seal(self, value: str | bytes, now: datetime) -> Version:
        """Return a version with the value encrypted, and no labels."""
        text = value if isinstance(value, str) else base64.b64encode(value).decode()
        return Version(now, self._cipher.encrypt(text), isinstance(value, bytes))

    def open_text(self, version: Version) -> str:
        """Return a version's text (of a binary one, base64)."""
        return self._cipher.decrypt(version.sealed)

    def holds(self, version: Version, value: str | bytes) -> bool:
        """Return whether the version's value is `value`."""
        text = value if isinstance(value, str) else base64.b64encode(value).decode()
        return version.binary == isinstance(value, bytes) and self.open_text(version) == text


def find_version(secret: Secret, version_id: str | None, stage: str | None) -> str:
    """Return the id of the version meant; ServiceError as GetSecretValue words it."""
    if version_id is not None:
        version = secret.versions.get(version_id)
        if version is None:
            raise ServiceError(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for VersionId: "
                f"{version_id}",
            )
        if stage is not None and stage not in version.stages:
            raise ServiceError(
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            )
        return version_id
    staged = secret.staged(stage or CURRENT)
    if staged is None:
        raise ServiceError(
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret value for staging label: "
            f"{stage or CURRENT}",
        )
    return staged


def refuse_deleted(secret: Secret) -> None:
    """Raise ServiceError when the secret is marked for deletion."""
    if secret.deleted_at is not None:
        raise ServiceError(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )


def _find(connection: sa.Connection, secret_id: str, now: datetime) -> StoredSecret:
    found = resources.get(connection, _SERVICE, _TYPE, secret_id)
    if found is None and secret_id.startswith("arn:"):
        found = resources.get_by_arn(connection, secret_id)
        if found is None:  # an ARN without the six characters
            prefix, _, name = secret_id.partition(":secret:")
            named = resources.get(connection, _SERVICE, _TYPE, name)
            if named is not None and named.arn.startswith(f"{prefix}:secret:"):
                found = named
    if found is None or found.service != _SERVICE or _stored(found).secret.gone(now):
        raise ServiceError(
            "ResourceNotFoundException", "Secrets Manager can't find the specified secret."
        )
    return _stored(found)


def _refuse_unless(existing: Secret, repeats: Callable[[Secret], bool]) -> None:
    if existing.deleted_at is not None:
        raise ServiceError(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled "
            "for deletion.",
        )
    if not repeats(existing):
        raise ServiceError(
            "ResourceExistsException",
            f"The operation failed because the secret {existing.name} already exists.",
        )


def _stored(resource: Resource) -> StoredSecret:
    return StoredSecret(from_document(resource.document), resource.tags)


def _member(name: str, text: str, key: str) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or key not in document:
        raise ServiceError(
            "InvalidRequestException",
            f"expected a JSON object with the key {key} in secret {name}, found "
            + ("no such key" if isinstance(document, dict) else "no JSON object"),
        )
    value = document[key]
    return value if isinstance(value, str) else json.dumps(value)
