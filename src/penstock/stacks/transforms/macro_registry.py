"""The account's macros, by name: which function carries out a transform of that name."""

from dataclasses import dataclass

import sqlalchemy as sa

from penstock.arns import arn
from penstock.clock import Clock
from penstock.storage import resources
from penstock.storage.database import Database
from penstock.storage.resources import Resource

_SERVICE, _TYPE = "cloudformation", "macro"


@dataclass(frozen=True, slots=True)
class Macro:
    """One macro; its `owner` is the stack and logical id that made it."""

    name: str
    function_name: str
    owner: str


class Macros:
    """The macros of one account. A name is taken by one resource of one stack at a time."""

    def __init__(self, database: Database, clock: Clock, *, account_id: str, region: str) -> None:
        self._database = database
        self._clock = clock
        self._place = (region, account_id)

    async def find(self, name: str) -> Macro | None:
        """Return the macro of that name."""
        found = await self._database.read(lambda c: resources.get(c, _SERVICE, _TYPE, name))
        return None if found is None else _macro(found)

    async def register(self, macro: Macro) -> bool:
        """Store the macro, in place of its owner's earlier one of that name; return whether its
        name was free for the owner. Repeating it changes nothing."""
        now = self._clock()
        document = {"FunctionName": macro.function_name, "Owner": macro.owner}
        made = Resource(
            service=_SERVICE,
            type=_TYPE,
            name=macro.name,
            arn=arn("cloudformation", *self._place, f"macro/{macro.name}"),
            document=document,
            tags={},
            created_at=now,
            updated_at=now,
        )

        def work(c: sa.Connection) -> bool:
            found = resources.get(c, _SERVICE, _TYPE, macro.name)
            if found is None:
                resources.insert(c, made)
                return True
            if _macro(found).owner != macro.owner:
                return False
            return resources.update(c, _SERVICE, _TYPE, macro.name, now=now, document=document)

        return await self._database.write(work)

    async def forget(self, name: str, owner: str) -> None:
        """Remove the owner's macro; one that is not there is no error."""

        def work(c: sa.Connection) -> None:
            found = resources.get(c, _SERVICE, _TYPE, name)
            if found is not None and _macro(found).owner == owner:
                resources.delete(c, _SERVICE, _TYPE, name)

        await self._database.write(work)


def _macro(found: Resource) -> Macro:
    return Macro(found.name, found.document["FunctionName"], found.document["Owner"])
