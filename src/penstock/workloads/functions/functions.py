"""The account's functions: made, changed, removed; each change in one unit of work.

Their code stands in blobs of their own, unpacked; a blob that no function has is removed at start.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import IO, Any

import msgspec
import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.clock import Clock
from penstock.ids import new_uuid
from penstock.services.sts.sts import Sts
from penstock.storage import function_events, resources
from penstock.storage.blobs import Blobs
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.resources import Resource, ResourceExists
from penstock.workloads.functions.function import (
    Code,
    Function,
    Reference,
    function_arn,
    reference,
)
from penstock.workloads.functions.package import unpack
from penstock.workloads.functions.refusals import (
    changed_meanwhile,
    conflict,
    invalid,
    not_found,
)

SERVICE_PRINCIPAL = "lambda.amazonaws.com"
_SERVICE, _FUNCTION = "lambda", "function"
_BLOCK = 1 << 20
Tags = Mapping[str, str]


class Functions:
    """Functions of one account in one Region."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        cipher: Cipher,
        sts: Sts,
        clock: Clock,
        *,
        account_id: str,
        region: str,
    ) -> None:
        self._database = database
        self.blobs = blobs
        self._cipher = cipher
        self._sts = sts
        self._clock = clock
        self.place = {"account_id": account_id, "region": region}

    async def start(self) -> None:
        """Remove code that no function has: what a crash left."""
        known = {each.code.blob_id for each, _ in await self.all()}
        for blob_id in set(await self.blobs.ids()) - known:
            await self.blobs.delete(blob_id)

    async def create(
        self,
        name: str,
        archive: IO[bytes],
        fields: Mapping[str, Any],
        environment: Mapping[str, str] | None,
        tags: Tags,
    ) -> Function:
        """Keep a new function and its code; ResourceConflict, InvalidParameterValue."""
        await self._check_role(fields["role"])
        found = await self._database.read(lambda c: resources.get(c, _SERVICE, _FUNCTION, name))
        if found is not None:
            raise _exists(name)
        code = await self.keep(archive)
        now = self._clock()
        function = Function(
            name=name,
            arn=function_arn(name, **self.place),
            generation=new_uuid(),
            code=code,
            sealed_environment=self._seal(environment),
            revision_id=new_uuid(),
            modified_at=_iso(now),
            **fields,
        )
        new = Resource(_SERVICE, _FUNCTION, name, function.arn, _document(function), tags, now, now)
        try:
            await self._database.write(lambda c: resources.insert(c, new))
        except ResourceExists:
            await self.blobs.delete(code.blob_id)
            raise _exists(name) from None
        return function

    async def keep(self, archive: IO[bytes]) -> Code:
        """Store a .zip file's content; InvalidParameterValue for a bad one."""
        with tempfile.TemporaryFile() as unpacked:
            package = await asyncio.to_thread(unpack, archive, unpacked)
            unpacked.seek(0)
            blob = await self.blobs.put(_blocks(unpacked))
        return Code(blob.id, package.size, package.sha256)

    async def get(self, named: Reference) -> tuple[Function, Tags]:
        """Return a function and its tags; ResourceNotFound."""
        found = await self._database.read(lambda c: _existing(c, named))
        return _read(found), found.tags

    async def still(self, name: str, generation: str) -> Function:
        """Return a function as it is now; ResourceNotFound where it is gone, also when another one
        has its name."""
        named = reference(name, self.place)
        function, _ = await self.get(named)
        if function.generation != generation:
            raise not_found(named.arn)
        return function

    async def all(self) -> list[tuple[Function, Tags]]:
        """Return every function by name, with its tags."""
        found = await self._database.read(lambda c: resources.scan(c, _SERVICE, _FUNCTION))
        return [(_read(each), each.tags) for each in found]

    async def change(
        self,
        named: Reference,
        fields: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
        revision_id: str | None = None,
    ) -> Function:
        """Replace fields of a function and return it; a code that is replaced is removed.

        Raises ResourceNotFound, PreconditionFailed or InvalidParameterValue.
        """
        if "role" in fields:
            await self._check_role(fields["role"])
        values = dict(fields)
        if environment is not None:
            values["sealed_environment"] = self._seal(environment)

        def replaced(function: Function) -> Function:
            if revision_id not in (None, function.revision_id):
                raise changed_meanwhile()
            return msgspec.structs.replace(function, **values)

        before, after = await self.write(named, replaced)
        if before.code.blob_id != after.code.blob_id:
            await self.blobs.delete(before.code.blob_id)
        return after

    async def write(
        self, named: Reference, change: Callable[[Function], Function]
    ) -> tuple[Function, Function]:
        """Store what `change` makes of a function, with a new revision; return both."""
        now = self._clock()

        def work(connection: sa.Connection) -> tuple[Function, Function]:
            before = _read(_existing(connection, named))
            after = msgspec.structs.replace(
                change(before), revision_id=new_uuid(), modified_at=_iso(now)
            )
            resources.update(
                connection, _SERVICE, _FUNCTION, named.name, now=now, document=_document(after)
            )
            return before, after

        return await self._database.write(work)

    async def change_tags(self, named: Reference, change: Callable[[Tags], Tags]) -> None:
        """Replace a function's tags by what `change` makes of them; ResourceNotFound."""
        now = self._clock()

        def work(connection: sa.Connection) -> None:
            found = _existing(connection, named)
            tags = change(found.tags)
            resources.update(connection, _SERVICE, _FUNCTION, named.name, now=now, tags=tags)

        await self._database.write(work)

    async def delete(self, named: Reference) -> None:
        """Remove a function with its code and the events that wait for it; its log group stays.

        Raises ResourceNotFound.
        """

        def work(connection: sa.Connection) -> Function:
            found = _read(_existing(connection, named))
            resources.delete(connection, _SERVICE, _FUNCTION, named.name)
            function_events.remove_of(connection, named.name)
            return found

        removed = await self._database.write(work)
        await self.blobs.delete(removed.code.blob_id)

    def environment(self, function: Function) -> dict[str, str]:
        """Return a function's variables in the clear."""
        if function.sealed_environment is None:
            return {}
        found: dict[str, str] = json.loads(self._cipher.decrypt(function.sealed_environment))
        return found

    def _seal(self, environment: Mapping[str, str] | None) -> str | None:
        return self._cipher.encrypt(json.dumps(dict(environment))) if environment else None

    async def _check_role(self, role_arn: str) -> None:
        try:
            await self._sts.check_trust(role_arn, SERVICE_PRINCIPAL)
        except ServiceError:
            raise invalid(
                "The role defined for the function cannot be assumed by Lambda."
            ) from None


def _existing(connection: sa.Connection, named: Reference) -> Resource:
    found = resources.get(connection, _SERVICE, _FUNCTION, named.name)
    if found is None:
        raise not_found(named.arn)
    return found


def _read(resource: Resource) -> Function:
    return msgspec.convert(dict(resource.document), Function)


def _document(function: Function) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(function)
    return found


def _exists(name: str) -> ServiceError:
    return conflict(f"Function already exist: {name}")


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


async def _blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, _BLOCK):
        yield block
