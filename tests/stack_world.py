"""What the stacks' tests share: a resource type with a real store outside, and a world around it.

The type goes by the name of AWS::SSM::Parameter, for its schema (Name needs a replacement), but
its things live in an SQLite file of their own: what is there is told by that file alone. A call
that is repeated without `resumed` makes a second thing, and the file shows it. Properties say how
the thing behaves: Description `fail-before`, `fail-after` or `slow-N` (N further calls).
"""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Service
from penstock.errors import EngineError
from penstock.services.iam import Iam
from penstock.services.sts import Sts
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    InProgress,
    Progress,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.operations.operation import Options
from penstock.stacks.planning import planner
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.plan import Plan
from penstock.stacks.stacks import Stacks
from penstock.stacks.state import StackState
from penstock.stacks.template.load import load_template
from penstock.stacks.template.template import ParameterValue
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import Outbox
from penstock.storage.schema import metadata
from penstock.storage.sqlite import sqlite_engine
from tests.pipeline_world import MortalDatabase

TYPE = "AWS::SSM::Parameter"
ACCOUNT = "123456789012"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROOT = root(ACCOUNT)


class Store:
    """The world outside, in a file: things, and every effect under its token."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
            "CREATE TABLE IF NOT EXISTS things (id TEXT, token TEXT, logical TEXT, stack TEXT,"
            " properties TEXT, tags TEXT, live INTEGER);"
            "CREATE TABLE IF NOT EXISTS effects (token TEXT, action TEXT, logical TEXT);"
            "CREATE TABLE IF NOT EXISTS violations (text TEXT);"
        )

    def close(self) -> None:
        self.connection.close()

    def things(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(logical id, id, properties) of all that exist, in order."""
        rows = self.connection.execute(
            "SELECT logical, id, properties FROM things WHERE live ORDER BY logical, id"
        )
        return [(logical, id_, json.loads(properties)) for logical, id_, properties in rows]

    def tags(self, logical: str) -> dict[str, str]:
        [(text,)] = self.connection.execute(
            "SELECT tags FROM things WHERE live AND logical = ?", [logical]
        )
        found: dict[str, str] = json.loads(text)
        return found

    def meddle(self, logical: str, properties: Mapping[str, Any] | None) -> None:
        """Change a thing behind its stack's back; None takes it away."""
        self.connection.execute(
            "UPDATE things SET live = ?, properties = ? WHERE live AND logical = ?",
            [properties is not None, json.dumps(properties), logical],
        )

    def effects(self) -> Counter[tuple[str, str, str]]:
        return Counter(self.connection.execute("SELECT token, action, logical FROM effects"))

    def violations(self) -> list[str]:
        return [text for (text,) in self.connection.execute("SELECT text FROM violations")]

    def complain(self, text: str) -> None:
        self.connection.execute("INSERT INTO violations VALUES (?)", [text])

    def done(self, token: str, action: str) -> bool:
        found = self.connection.execute(
            "SELECT 1 FROM effects WHERE token = ? AND action = ?", [token, action]
        )
        return found.fetchone() is not None


class ThingHandler:
    """A resource type over a Store. `reached` is told of every moment, and may end the process."""

    support = Support.KEPT

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reached: Callable[[str], None] = lambda _moment: None
        self.calls: Counter[str] = Counter()
        self.trouble: dict[str, int] = {}
        """`create A` → how many calls meet an environment in trouble first."""
        self.undeletable: set[str] = set()
        self.running: set[str] = set()
        self.most_at_once = 0
        self.held: dict[str, asyncio.Event] = {}
        self.quotes = False
        """Whether a failure quotes the Value, as services do what they refuse."""
        self.compares = False
        """Whether an update changes what differs from what it is told was there, and no more."""

    async def create(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        self._called("create", request)
        if context is None:
            await self._wait(request)
            failed = self._fails(request, "fail-before")
            if failed:
                return failed
            id_ = f"{request.logical_resource_id}-{request.client_request_token[:8]}"
            if not (request.resumed and self.store.done(request.client_request_token, "create")):
                self._make(request, id_)
            failed = self._fails(request, "fail-after", id_)
            return failed or self._later(request, id_, _slowness(request))
        return self._later(request, context["id"], context["left"])

    async def update(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        self._called("update", request)
        id_ = request.physical_resource_id
        assert id_ is not None
        if context is None:
            failed = self._fails(request, "fail-before", id_)
            if failed:
                return failed
            if not (request.resumed and self.store.done(request.client_request_token, "update")):
                self._change(request, id_)
            failed = self._fails(request, "fail-after", id_)
            return failed or self._later(request, id_, _slowness(request))
        return self._later(request, context["id"], context["left"])

    async def delete(self, request: ResourceRequest, context: Mapping[str, Any] | None) -> Progress:
        self._called("delete", request)
        id_ = request.physical_resource_id
        assert id_ is not None
        if request.logical_resource_id in self.undeletable:
            return Failed(HandlerErrorCode.RESOURCE_CONFLICT, "in use", id_)
        if not (request.resumed and self.store.done(request.client_request_token, "delete")):
            self._remove(request, id_)
        return Succeeded(id_)

    async def read(self, request: ResourceRequest) -> Succeeded | None:
        raise AssertionError("the provisioner does not read")

    async def actual_properties(self, request: ResourceRequest) -> Mapping[str, Any] | None:
        there = {id_: properties for _, id_, properties in self.store.things()}
        return there.get(str(request.physical_resource_id))

    def _called(self, action: str, request: ResourceRequest) -> None:
        name = f"{action} {request.logical_resource_id}"
        self.calls[name] += 1
        if self.trouble.get(name, 0) > 0:
            self.trouble[name] -= 1
            raise EngineError("the outside cannot be reached", retryable=True)

    async def _wait(self, request: ResourceRequest) -> None:
        name = request.logical_resource_id
        self.running.add(name)
        self.most_at_once = max(self.most_at_once, len(self.running))
        if name in self.held:
            await self.held[name].wait()
        await asyncio.sleep(0)
        self.running.discard(name)

    def _fails(self, request: ResourceRequest, how: str, id_: str | None = None) -> Failed | None:
        if request.properties.get("Description") != how:
            return None
        quoted = f": {request.properties['Value']}" if self.quotes else ""
        return Failed(HandlerErrorCode.GENERAL_SERVICE_EXCEPTION, f"told to {how}{quoted}", id_)

    def _later(self, request: ResourceRequest, id_: str, left: int) -> Progress:
        if left > 0:
            return InProgress(0.0, {"id": id_, "left": left - 1}, id_)
        return Succeeded(id_, {"Value": request.properties["Value"]})

    def _make(self, request: ResourceRequest, id_: str) -> None:
        self._refers_to_living(request)
        self.reached(f"before create {request.logical_resource_id}")
        with self.store.connection as connection:
            connection.execute("BEGIN")
            connection.execute(
                "INSERT INTO things VALUES (?, ?, ?, ?, ?, ?, 1)",
                [
                    id_, request.client_request_token, request.logical_resource_id,
                    request.stack_id, json.dumps(request.properties), json.dumps(request.tags),
                ],
            )  # fmt: skip
            self._effect(request, "create")
        self.reached(f"after create {request.logical_resource_id}")

    def _change(self, request: ResourceRequest, id_: str) -> None:
        self._refers_to_living(request)
        self.reached(f"before update {request.logical_resource_id}")
        with self.store.connection as connection:
            connection.execute("BEGIN")
            [(text,)] = connection.execute(
                "SELECT properties FROM things WHERE id = ? AND live", [id_]
            ).fetchall() or [(None,)]
            if text is None:
                self.store.complain(f"updated {id_}, which does not exist")
            properties = dict(request.properties)
            if self.compares and text is not None:
                properties = _changed(json.loads(text), request)
            connection.execute(
                "UPDATE things SET properties = ?, tags = ? WHERE id = ? AND live",
                [json.dumps(properties), json.dumps(request.tags), id_],
            )
            self._effect(request, "update")
        self.reached(f"after update {request.logical_resource_id}")

    def _remove(self, request: ResourceRequest, id_: str) -> None:
        self.reached(f"before delete {request.logical_resource_id}")
        users = [one for one, _, properties in self.store.things() if id_ in properties["Value"]]
        if users:
            self.store.complain(f"deleted {id_}, which {users} refer to")
        with self.store.connection as connection:
            connection.execute("BEGIN")
            gone = connection.execute(
                "UPDATE things SET live = 0 WHERE id = ? AND live", [id_]
            ).rowcount
            if gone != 1:
                self.store.complain(f"deleted {id_}, of which there were {gone}")
            self._effect(request, "delete")
        self.reached(f"after delete {request.logical_resource_id}")

    def _effect(self, request: ResourceRequest, action: str) -> None:
        self.store.connection.execute(
            "INSERT INTO effects VALUES (?, ?, ?)",
            [request.client_request_token, action, request.logical_resource_id],
        )

    def _refers_to_living(self, request: ResourceRequest) -> None:
        living = {id_ for _, id_, _ in self.store.things()}
        for one in request.properties["Value"].split("|")[1:]:
            if one not in living:
                self.store.complain(f"{request.logical_resource_id} was given {one}, not there")


def _changed(there: dict[str, Any], request: ResourceRequest) -> dict[str, Any]:
    """What there is after an update that touches only what differs from the previous properties."""
    before, after = request.previous_properties, request.properties
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name):
            there.pop(name, None)
            if name in after:
                there[name] = after[name]
    return there


def _slowness(request: ResourceRequest) -> int:
    word = str(request.properties.get("Description", ""))
    return int(word.removeprefix("slow-")) if word.startswith("slow-") else 0


def thing(
    value: str = "v",
    after: Sequence[str] = (),
    name: str | None = None,
    how: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A resource whose Value holds the ids of those it comes after; another name replaces it."""
    joined = {"Fn::Join": ["|", [value, *({"Ref": one} for one in after)]]}
    properties: dict[str, Any] = {"Type": "String", "Value": joined if after else value}
    if name is not None:
        properties["Name"] = name
    if how is not None:
        properties["Description"] = how
    return {"Type": TYPE, "Properties": properties, **more}


def template(resources: Mapping[str, Any], **more: Any) -> str:
    return json.dumps({"Resources": dict(resources), **more})


class World:
    """A data directory, the store outside, and Stacks that can die and be born again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = NOW
        self.services: list[Service] = []
        self.store = Store(directory / "outside.db")
        self.handler = ThingHandler(self.store)
        engine = sqlite_engine(directory / "penstock.db")
        metadata.create_all(engine)
        engine.dispose()

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    async def start(self, **options: Any) -> None:
        self.database: Database = MortalDatabase(sqlite_engine(self.directory / "penstock.db"))
        cipher = Cipher.open(self.directory / "key")

        async def allow(*_: Any, **__: Any) -> None: ...

        in_process = InProcess(
            lambda: self.services, allow, ACCOUNT, "us-east-1", self.clock, "http://x"
        )
        self.iam = Iam(self.database, cipher, ACCOUNT, self.clock)
        self.stacks = Stacks(
            self.database,
            Outbox(self.database),
            cipher,
            in_process,
            Sts(self.iam),
            self.clock,
            lambda: {TYPE: self.handler},
            ACCOUNT,
            "us-east-1",
            first_back_off_seconds=0.001,
            **options,
        )
        await self.stacks.start()

    async def stop(self) -> None:
        await self.stacks.close()
        self.database.close()

    async def close(self) -> None:
        await self.stop()
        self.store.close()

    async def planned(self, body: str, name: str = "app", **more: Any) -> Plan:
        """Return what an update to this template would do, without doing it."""
        state = await self.stacks.state(name)
        assert state is not None
        return planner.plan(state, await self._desired(body, **more))

    async def begin_create(self, body: str, name: str = "app", **more: Any) -> StackState:
        state = self.stacks.new_state(name)
        options = more.pop("options", None) or Options()
        plan = planner.plan(state, await self._desired(body, **more))
        await self.stacks.beginnings.execute(
            plan, create=True, principal=ROOT, options=options, new=state,
            client_request_token="create",
        )  # fmt: skip
        return state

    async def begin_update(
        self, body: str, name: str = "app", token: str = "update", **more: Any
    ) -> None:
        state = await self.stacks.state(name)
        assert state is not None
        plan = planner.plan(state, await self._desired(body, **more))
        await self.stacks.beginnings.execute(
            plan, create=False, principal=ROOT, client_request_token=token
        )

    async def begin_delete(self, name: str = "app", retain: Sequence[str] = ()) -> None:
        row = await self.stacks.row(name)
        assert row is not None
        await self.stacks.beginnings.delete(row, principal=ROOT, retain=retain)

    async def create(self, body: str, name: str = "app", **more: Any) -> str:
        state = await self.begin_create(body, name, **more)
        return await self.ended(state.stack_id)

    async def update(self, body: str, name: str = "app", **more: Any) -> str:
        await self.begin_update(body, name, **more)
        return await self.ended(name)

    async def delete(self, name: str = "app", retain: Sequence[str] = ()) -> str:
        row = await self.stacks.row(name)
        assert row is not None
        await self.begin_delete(name, retain)
        return await self.ended(row.id)

    async def ended(self, name_or_id: str, seconds: float = 20.0) -> str:
        """Wait until no operation is in progress; return the stack's status."""
        row = await self.stacks.row(name_or_id)
        assert row is not None
        stack_id = row.id
        async with asyncio.timeout(seconds):
            while row is None or row.status.endswith("_IN_PROGRESS"):
                await asyncio.sleep(0.002)
                row = await self.stacks.row(stack_id)
        return row.status

    async def events(self, name_or_id: str = "app") -> list[tuple[str, str, str | None]]:
        """(logical id, status, reason), oldest first."""
        row = await self.stacks.row(name_or_id)
        assert row is not None
        found = await self.stacks.events(row.id, None, 10_000)
        return [(one.logical_id, one.status, one.reason) for one in reversed(found)]

    async def _desired(
        self,
        body: str,
        parameters: Mapping[str, ParameterValue] | None = None,
        tags: Mapping[str, str] | None = None,
        role_arn: str | None = None,
        disable_rollback: bool = False,
        monitoring_minutes: int = 0,
    ) -> Desired:
        return Desired(
            template=load_template(body),
            parameters=parameters or {},
            tags=tags or {},
            role_arn=role_arn,
            disable_rollback=disable_rollback,
            monitoring_minutes=monitoring_minutes,
            exports=await self.stacks.exports(),
        )
