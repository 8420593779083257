"""The account's parameters: found by name or ARN, changed in one unit of work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.services.ssm.names import Reference, parse_reference
from penstock.services.ssm.parameter import (
    SECURE,
    Parameter,
    Version,
    from_document,
    to_document,
)
from penstock.storage import resources
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.resources import Resource

_SERVICE, _TYPE = "ssm", "parameter"


@dataclass(frozen=True, slots=True)
class StoredParameter:
    """A parameter and its tags."""

    parameter: Parameter
    tags: Mapping[str, str]


class Parameters:
    """Parameters, their SecureStrings encrypted by `cipher`."""

    def __init__(
        self, database: Database, cipher: Cipher, clock: Clock, *, account_id: str, region: str
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._account_id = account_id
        self._region = region

    async def value(self, name: str) -> tuple[str, bool]:
        """Return a parameter's decrypted value, and whether it is a SecureString.

        `name` may be an ARN and may end in `:version` or `:label`. Raises ServiceError
        ParameterNotFound or ParameterVersionNotFound.
        """
        _, version = await self.get(name)
        return self.plain(version), version.type == SECURE

    async def get(self, text: str) -> tuple[Parameter, Version]:
        """Return the parameter and the version that a name, ARN or `name:selector` means."""
        reference = parse_reference(text)
        parameter = (await self.find(reference)).parameter
        return parameter, parameter.select(reference)

    async def find(self, reference: Reference) -> StoredParameter:
        """Return the parameter of that name or ARN; ServiceError when there is none."""
        return await self._database.read(lambda c: _find(c, reference.name))

    async def all(self, prefix: str = "") -> list[StoredParameter]:
        """Return the parameters whose names start with `prefix`, in order of name."""
        found = await self._database.read(
            lambda c: resources.scan(c, _SERVICE, _TYPE, prefix=prefix)
        )
        return [_stored(resource) for resource in found]

    async def put(
        self, name: str, make: Callable[[StoredParameter | None], StoredParameter]
    ) -> Parameter:
        """Store what `make` makes of the parameter, which is None while it does not exist."""
        now = self._clock()

        def put(connection: sa.Connection) -> Parameter:
            found = resources.get(connection, _SERVICE, _TYPE, name)
            made = make(None if found is None else _stored(found))
            document = to_document(made.parameter)
            if found is None:
                new = Resource(
                    _SERVICE, _TYPE, name, made.parameter.arn, document, made.tags, now, now
                )
                resources.insert(connection, new)
            else:
                resources.update(
                    connection, _SERVICE, _TYPE, name, now=now, document=document, tags=made.tags
                )
            return made.parameter

        return await self._database.write(put)

    async def change(
        self, reference: Reference, change: Callable[[StoredParameter], StoredParameter]
    ) -> Parameter:
        """Replace an existing parameter by what `change` makes of it, in one unit of work."""
        now = self._clock()

        def update(connection: sa.Connection) -> Parameter:
            changed = change(_find(connection, reference.name))
            resources.update(
                connection, _SERVICE, _TYPE, changed.parameter.name, now=now,
                document=to_document(changed.parameter), tags=changed.tags,
            )  # fmt: skip
            return changed.parameter

        return await self._database.write(update)

    async def delete(self, name: str) -> bool:
        """Remove the parameter with its history; return whether it was there."""
        return await self._database.write(lambda c: resources.delete(c, _SERVICE, _TYPE, name))

    def new_arn(self, name: str) -> str:
        """Return the ARN of a parameter of that name."""
        return arn(_SERVICE, self._region, self._account_id, f"parameter/{name.lstrip('/')}")

    def seal(self, type: str, value: str) -> str:
        """Return the value as it is stored: ciphertext for a SecureString."""
        return self._cipher.encrypt(value) if type == SECURE else value

    def plain(self, version: Version) -> str:
        """Return the version's value, decrypted."""
        return self._cipher.decrypt(version.value) if version.type == SECURE else version.value


def _find(connection: sa.Connection, name: str) -> StoredParameter:
    if name.startswith("arn:"):
        found = resources.get_by_arn(connection, name)
    else:
        found = resources.get(connection, _SERVICE, _TYPE, name)
    if found is None or found.service != _SERVICE:
        raise ServiceError("ParameterNotFound", f"Parameter {name} not found.")
    return _stored(found)


def _stored(resource: Resource) -> StoredParameter:
    return StoredParameter(from_document(resource.document), resource.tags)
